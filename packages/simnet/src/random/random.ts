const UINT32 = 2 ** 32

/** Mixes a seed and a stream number into 32 bits (the finaliser of MurmurHash3). */
function mix(value: number): number {
  let x = value | 0
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

/** Turns a seed of any kind into 32 bits. */
export function seedBits(seed: number | string): number {
  let hash = 0x811c9dc5
  for (const char of String(seed)) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
  return mix(hash)
}

/**
 * Random numbers from a seed (xoshiro128**). Every node has a stream of its own, so that one node more, or one call
 * more in one node, leaves the numbers of all others as they are. No trigonometry and no logarithm anywhere: their
 * last bit may differ between versions of the engine.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(seed: number, stream: number) {
    this.#a = mix(seed ^ mix(stream + 0x9e3779b9))
    this.#b = mix(this.#a + stream + 0x7f4a7c15)
    this.#c = mix(this.#b ^ seed)
    this.#d = mix(this.#c + 0x6a09e667) | 1
    for (let round = 0; round < 12; round++) this.uint32()
  }

  uint32(): number {
    const scrambled = Math.imul(this.#b, 5)
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = (this.#d << 11) | (this.#d >>> 21)
    return result
  }

  /** From 0 up to but not including 1, with 53 bits. */
  next(): number {
    return ((this.uint32() >>> 5) * 0x4000000 + (this.uint32() >>> 6)) / 0x20000000000000
  }

  /** A whole number from 0 up to but not including `limit`, at most 2^32. */
  below(limit: number): number {
    return Math.floor((this.uint32() / UINT32) * limit)
  }

  /** Mean 0, deviation 1, never beyond 6: the sum of twelve uniform numbers (Irwin–Hall). */
  normal(): number {
    let sum = -6
    for (let draw = 0; draw < 12; draw++) sum += this.uint32() / UINT32
    return sum
  }

  fillBytes(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += 4) {
      const word = this.uint32()
      for (let byte = 0; byte < 4 && at + byte < bytes.length; byte++) bytes[at + byte] = word >>> (8 * byte)
    }
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    this.fillBytes(bytes)
    return bytes
  }
}

import type { Uint8ArrayList } from 'uint8arraylist'
import { allocUnsafe } from 'uint8arrays/alloc'
import type { CipherState } from './cipher-state.ts'
import { LENGTH_BYTES, MAX_PLAINTEXT_BYTES, TAG_BYTES } from './constants.ts'

const OVERHEAD = LENGTH_BYTES + TAG_BYTES

/** How many messages it takes to carry so many bytes. */
export function frameCount(bytes: number): number {
  return Math.ceil(bytes / MAX_PLAINTEXT_BYTES)
}

/** Encrypts `data` into one buffer: as many messages as it takes, each behind its length, and all full but the last. */
export function sealFrames(cipher: CipherState, data: Uint8ArrayList): Uint8Array {
  const { byteLength } = data
  const sealed = allocUnsafe(byteLength + frameCount(byteLength) * OVERHEAD)
  const source = new Source(data)
  let at = 0
  for (let start = 0; start < byteLength; start += MAX_PLAINTEXT_BYTES) {
    const length = Math.min(MAX_PLAINTEXT_BYTES, byteLength - start) + TAG_BYTES
    sealed[at] = length >>> 8
    sealed[at + 1] = length & 0xff
    at += LENGTH_BYTES
    const target = sealed.subarray(at, at + length)
    cipher.encrypt(target, source.take(target.subarray(0, length - TAG_BYTES)))
    at += length
  }
  return sealed
}

/** Reads through the parts of a list. */
class Source {
  readonly #parts: Iterator<Uint8Array>
  #part: Uint8Array = new Uint8Array(0)

  constructor(data: Uint8ArrayList) {
    this.#parts = data[Symbol.iterator]()
  }

  /** The next bytes, as many as fit into `space`: as they are where they lie in one part, else gathered in it. */
  take(space: Uint8Array): Uint8Array {
    if (this.#part.length === 0) this.#next()
    if (this.#part.length >= space.length) return this.#cut(space.length)
    for (let filled = 0; filled < space.length;) {
      if (this.#part.length === 0) this.#next()
      const bytes = this.#cut(Math.min(this.#part.length, space.length - filled))
      space.set(bytes, filled)
      filled += bytes.length
    }
    return space
  }

  #cut(length: number): Uint8Array {
    const bytes = this.#part.subarray(0, length)
    this.#part = this.#part.subarray(length)
    return bytes
  }

  #next(): void {
    const { done, value } = this.#parts.next()
    if (done === true) throw new RangeError('A list has fewer bytes than it says')
    this.#part = value
  }
}

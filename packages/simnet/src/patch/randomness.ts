import nodeCrypto, { type KeyObject } from 'node:crypto'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import type { PatchList } from './patch-list.ts'

type RandomBytesCallback = (error: null, bytes: Uint8Array) => void
type RandomIntCallback = (error: null, value: number) => void

const MAX_WEBCRYPTO_BYTES = 65_536
/** A PKCS#8 key of a Curve25519 kind is this, the last byte of the OID, then five bytes and 32 of key. */
const PKCS8_START = Buffer.from('302e020100300506032b65', 'hex')
const PKCS8_MIDDLE = Buffer.from('04220420', 'hex')
const OID_LAST_BYTE: Readonly<Record<string, number>> = { x25519: 110, ed25519: 112 }

const realGenerateKeyPairSync = nodeCrypto.generateKeyPairSync
const { createPrivateKey, createPublicKey } = nodeCrypto

function viewOf(buffer: ArrayBufferView | ArrayBuffer, offset = 0, size?: number): Uint8Array {
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer, offset, size)
  return new Uint8Array(buffer.buffer, buffer.byteOffset + offset, size ?? buffer.byteLength - offset)
}

function encode(key: KeyObject, encoding: object | undefined): unknown {
  return encoding === undefined ? key : Reflect.apply(Reflect.get(key, 'export'), key, [encoding])
}

/** The functions of randomness of `node:crypto` and of `crypto`, which take from the actor that runs. */
class SimRandomness {
  readonly #clock: VirtualClock

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  readonly random = (): number => this.#clock.current.random.next()

  readonly getRandomValues = <T extends ArrayBufferView>(array: T): T => {
    if (array.byteLength > MAX_WEBCRYPTO_BYTES) {
      throw new DOMException(`${array.byteLength} bytes asked for, at most 65536 are given`, 'QuotaExceededError')
    }
    this.#clock.current.random.fillBytes(viewOf(array))
    return array
  }

  readonly randomBytes = (size: number, callback?: RandomBytesCallback): Buffer | undefined => {
    const bytes = Buffer.from(this.#clock.current.random.bytes(size))
    if (callback === undefined) return bytes
    setImmediate(() => callback(null, bytes))
    return undefined
  }

  readonly randomFillSync = <T extends ArrayBufferView | ArrayBuffer>(buffer: T, offset = 0, size?: number): T => {
    this.#clock.current.random.fillBytes(viewOf(buffer, offset, size))
    return buffer
  }

  readonly randomFill = (buffer: ArrayBufferView, ...rest: (number | RandomBytesCallback)[]): void => {
    const [offset, size] = rest.filter((value) => typeof value === 'number')
    this.randomFillSync(buffer, offset, size)
    const callback = rest.find((value) => typeof value === 'function')
    setImmediate(() => callback?.(null, viewOf(buffer)))
  }

  readonly randomInt = (...args: (number | RandomIntCallback)[]): number | undefined => {
    const [first = 0, second] = args.filter((value) => typeof value === 'number')
    const [min, max] = second === undefined ? [0, first] : [first, second]
    const value = min + Math.floor(this.#clock.current.random.next() * (max - min))
    const callback = args.find((arg) => typeof arg === 'function')
    if (callback === undefined) return value
    setImmediate(() => callback(null, value))
    return undefined
  }

  readonly randomUUID = (): string => {
    const bytes = this.#clock.current.random.bytes(16)
    const hex = [...bytes].map((byte, at) => {
      if (at === 6) return ((byte & 0x0f) | 0x40).toString(16)
      if (at === 8) return ((byte & 0x3f) | 0x80).toString(16)
      return byte.toString(16).padStart(2, '0')
    })
    return [hex.slice(0, 4), hex.slice(4, 6), hex.slice(6, 8), hex.slice(8, 10), hex.slice(10)]
      .map((part) => part.join(''))
      .join('-')
  }

  /** Curve25519 keys come from the seed; RSA and other curves do not, and differ from run to run. */
  readonly generateKeyPairSync = (type: string, options: Record<string, object> = {}): object => {
    const last = OID_LAST_BYTE[type]
    if (last === undefined) return Reflect.apply(realGenerateKeyPairSync, nodeCrypto, [type, options])
    const seed = this.#clock.current.random.bytes(32)
    const der = Buffer.concat([PKCS8_START, Buffer.of(last), PKCS8_MIDDLE, seed])
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    return {
      privateKey: encode(privateKey, options['privateKeyEncoding']),
      publicKey: encode(createPublicKey(privateKey), options['publicKeyEncoding']),
    }
  }
}

/** Replaces the sources of randomness by one that the seed decides. */
export function patchRandomness(patches: PatchList, clock: VirtualClock): void {
  const { random, getRandomValues, ...crypto } = new SimRandomness(clock)
  patches.set(Math, 'random', random)
  for (const [name, value] of Object.entries(crypto)) patches.set(nodeCrypto, name, value)
  const webCrypto: object = Object.getPrototypeOf(globalThis.crypto)
  // `node:crypto` reads its own `getRandomValues` from here, too.
  patches.set(webCrypto, 'getRandomValues', getRandomValues)
  patches.set(webCrypto, 'randomUUID', crypto.randomUUID)
}

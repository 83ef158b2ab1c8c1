import nodeCrypto, { type KeyObject } from 'node:crypto'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import type { PatchList } from './patch-list.ts'

type Callback = (error: null, value: unknown) => void

/** A PKCS#8 key of a Curve25519 kind is this, the last byte of the OID, then five bytes and 32 of key. */
const PKCS8_START = Buffer.from('302e020100300506032b65', 'hex')
const PKCS8_MIDDLE = Buffer.from('04220420', 'hex')
const OID_LAST_BYTE: Readonly<Record<string, number>> = { x25519: 110, ed25519: 112 }

/** Older names of `randomBytes`. */
const RANDOM_BYTES = ['randomBytes', 'pseudoRandomBytes', 'prng', 'rng'] as const

/** What they give and refuse is of Node.js, and only the contents are replaced. */
const real = {
  randomBytes: nodeCrypto.randomBytes,
  randomFill: nodeCrypto.randomFill,
  randomFillSync: nodeCrypto.randomFillSync,
  randomInt: nodeCrypto.randomInt,
  randomUUID: nodeCrypto.randomUUID,
  generateKeyPairSync: nodeCrypto.generateKeyPairSync,
}
const webCrypto: object = Object.getPrototypeOf(globalThis.crypto)
const realWeb = {
  getRandomValues: Reflect.get(webCrypto, 'getRandomValues'),
  randomUUID: Reflect.get(webCrypto, 'randomUUID'),
}
const { createPrivateKey, createPublicKey } = nodeCrypto

/** The bytes that are to be filled: `offset` and `size` count elements, as in Node.js. */
function viewOf(buffer: ArrayBufferView | ArrayBufferLike, offset = 0, size?: number): Uint8Array {
  const elementBytes = Number(Reflect.get(buffer, 'BYTES_PER_ELEMENT') ?? 1)
  const start = offset * elementBytes
  const bytes = size === undefined ? buffer.byteLength - start : size * elementBytes
  if (!ArrayBuffer.isView(buffer)) return new Uint8Array(buffer, start, bytes)
  return new Uint8Array(buffer.buffer, buffer.byteOffset + start, bytes)
}

function encode(key: KeyObject, encoding: object | undefined): unknown {
  return encoding === undefined ? key : Reflect.apply(Reflect.get(key, 'export'), key, [encoding])
}

function isCallback(value: unknown): value is Callback {
  return typeof value === 'function'
}

/** Parts what a function is given from the callback that follows, if one does. */
function split(args: readonly unknown[]): { given: readonly unknown[]; callback: Callback | undefined } {
  const callback = args.find(isCallback)
  return { given: callback === undefined ? args : args.slice(0, args.indexOf(callback)), callback }
}

/** Gives a value at once, or to a callback later. */
function hand<T>(value: T, callback: Callback | undefined): T | undefined {
  if (callback === undefined) return value
  setImmediate(() => callback(null, value))
  return undefined
}

/** The functions of randomness of `node:crypto` and of `crypto`, which take from the actor that runs. */
class SimRandomness {
  readonly #clock: VirtualClock

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  readonly random = (): number => this.#clock.current.random.next()

  readonly fill = (bytes: Uint8Array): void => this.#clock.current.random.fillBytes(bytes)

  readonly randomBytes = (...args: unknown[]): Buffer | undefined => {
    const { given, callback } = split(args)
    const bytes: Buffer = Reflect.apply(real.randomBytes, nodeCrypto, given)
    this.fill(bytes)
    return hand(bytes, callback)
  }

  readonly randomFillSync = (...args: unknown[]): unknown => {
    const buffer: ArrayBufferView = Reflect.apply(real.randomFillSync, nodeCrypto, args)
    const [, offset, size] = args.map((arg) => (typeof arg === 'number' ? arg : undefined))
    this.fill(viewOf(buffer, offset, size))
    return buffer
  }

  readonly randomFill = (...args: unknown[]): void => {
    const { given, callback } = split(args)
    // Node.js refuses it with an error of its own.
    if (callback === undefined) Reflect.apply(real.randomFill, nodeCrypto, args)
    hand(this.randomFillSync(...given), callback)
  }

  readonly randomInt = (...args: unknown[]): number | undefined => {
    const { given, callback } = split(args)
    Reflect.apply(real.randomInt, nodeCrypto, given)
    const [first, second] = given.map(Number)
    const [min = 0, max = 0] = given[1] === undefined ? [0, first] : [first, second]
    return hand(min + Math.floor(this.random() * (max - min)), callback)
  }

  readonly randomUUID = (...options: unknown[]): string => {
    Reflect.apply(real.randomUUID, nodeCrypto, options)
    return this.uuid()
  }

  uuid(): string {
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
    if (last === undefined) return Reflect.apply(real.generateKeyPairSync, nodeCrypto, [type, options])
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
  const source = new SimRandomness(clock)
  const { random, randomBytes, randomFill, randomFillSync, randomInt, randomUUID, generateKeyPairSync } = source
  patches.set(Math, 'random', random)
  const functions = { randomFill, randomFillSync, randomInt, randomUUID, generateKeyPairSync }
  for (const [name, value] of Object.entries(functions)) patches.set(nodeCrypto, name, value)
  for (const name of RANDOM_BYTES) patches.set(nodeCrypto, name, randomBytes)
  // `node:crypto` reads its own `getRandomValues` from here, too.
  patches.set(webCrypto, 'getRandomValues', function getRandomValues(this: unknown, array: ArrayBufferView) {
    Reflect.apply(realWeb.getRandomValues, this, [array])
    source.fill(viewOf(array))
    return array
  })
  patches.set(webCrypto, 'randomUUID', function randomWebUUID(this: unknown) {
    Reflect.apply(realWeb.randomUUID, this, [])
    return source.uuid()
  })
}

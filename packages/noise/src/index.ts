/**
 * @packageDocumentation
 *
 * Noise as a connection encrypter of libp2p: on the wire the same as `@libp2p/noise`, and usable wherever that is. It
 * encrypts all that one turn of the event loop sends into one buffer, decrypts all that was received at once into
 * another, and leaves the cryptography to libsodium.
 *
 * Not for browsers, and not where only audited code may be used: libsodium is, the state machine in front of it is not.
 *
 * @example
 *
 * ```ts
 * import { noise } from '@gridmesh/noise'
 * import { tcp } from '@libp2p/tcp'
 * import { yamux } from '@libp2p/yamux'
 * import { createLibp2p } from 'libp2p'
 *
 * const node = await createLibp2p({
 *   transports: [tcp()],
 *   connectionEncrypters: [noise()],
 *   streamMuxers: [yamux()],
 * })
 * await node.stop()
 * ```
 */
import type { ComponentLogger, ConnectionEncrypter, Metrics, PrivateKey, Upgrader } from '@libp2p/interface'
import type { NoiseCrypto } from './crypto.ts'
import { Noise } from './noise.ts'
import type { NoiseExtensions } from './payload.ts'

/** Options of the encrypter. */
export interface NoiseInit {
  /** Private key of X25519 to be known by, 32 bytes; a `RangeError` for any other length. @default a new one */
  staticNoiseKey?: Uint8Array
  /** What both sides have to agree on beforehand; a handshake between different ones fails. @default none */
  prologueBytes?: Uint8Array
  /** What to tell the other side besides our stream muxers, within its limit on a handshake message. @default {} */
  extensions?: Partial<Pick<NoiseExtensions, 'webtransportCerthashes'>>
  /** The library to encrypt with. @default the first that loads: `nativeCrypto`, `wasmCrypto` */
  crypto?: NoiseCrypto
  /** Time of a handshake, in ms; when it is over, it fails with a `TimeoutError`. @default 10_000 */
  handshakeTimeoutMs?: number
  /** Length of a handshake message, in bytes, 1,024 to 65,535; a longer one ends the handshake. @default 16_384 */
  maxHandshakeBytes?: number
  /** Bytes encrypted at once, 65,519 or more; the rest of a longer write follows when there is room. @default 1_048_304 */
  maxBatchBytes?: number
}

/** What the encrypter uses. */
export interface NoiseComponents {
  privateKey: PrivateKey
  logger: ComponentLogger
  upgrader: Pick<Upgrader, 'getStreamMuxers'>
  metrics?: Pick<Metrics, 'registerCounter'>
}

/**
 * Creates the connection encrypter. Nothing is loaded or generated before its first handshake.
 *
 * @throws {RangeError} when an option is out of its range
 */
export function noise(init: NoiseInit = {}): (components: NoiseComponents) => ConnectionEncrypter<NoiseExtensions> {
  return (components) => new Noise(components, init)
}

export type { KeyPair, NoiseCrypto } from './crypto.ts'
export { type FrameFault, type HandshakeFault, NoiseFrameError, NoiseHandshakeError } from './errors.ts'
export { nativeCrypto } from './native-crypto.ts'
export type { NoiseExtensions } from './payload.ts'
export { wasmCrypto } from './wasm-crypto.ts'

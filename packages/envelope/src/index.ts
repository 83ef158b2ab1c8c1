/**
 * @packageDocumentation
 *
 * The wire form of messages between peers: signed with ed25519, compressed where that pays, and accepted once. An
 * envelope that opens is exactly what its author sealed, for this chain, now.
 *
 * Not for secrecy: payloads are signed, not encrypted; that is the connection's part.
 *
 * @example
 *
 * ```ts
 * import { envelope } from '@gridmesh/envelope'
 * import { createLibp2p } from 'libp2p'
 *
 * const node = await createLibp2p({ services: { envelope: envelope({ chainId: 'my-chain' }) } })
 *
 * const payload = new TextEncoder().encode('7 kWh from noon')
 * const bytes = await node.services.envelope.seal({ kind: 'energy-offer', lane: 'normal', payload })
 * const { sender, kind } = await node.services.envelope.open(bytes)
 * console.info(`${kind} from ${sender}`)
 * await node.stop()
 * ```
 */
import type { Envelope, Signer } from '@gridmesh/interfaces'
import type { ComponentLogger, Metrics, PrivateKey, Startable } from '@libp2p/interface'
import type { Datastore } from 'interface-datastore'
import { EnvelopeService } from './envelope-service.ts'

/** Options of `envelope`. */
export interface EnvelopeInit {
  /** The chain the envelopes are for, 1 to 128 visible ASCII characters; those of any other are refused. */
  chainId: string
  /** Wire form to write and to read; the other one is refused as malformed. @default 'protobuf' */
  codec?: 'protobuf' | 'json'
  /** Makes and checks signatures. @default the `signer` component, else the node's own key on libsodium, or on `node:crypto` where `sodium-native` does not load */
  signer?: Signer
  /** Largest payload, before and after compression, in bytes; larger ones are neither sealed nor opened. @default 10_485_760 */
  maxBytes?: number
  /** Distance from our clock beyond which an envelope's time is refused, past or future, in ms. @default 30_000 */
  clockSkewMs?: number
  /** Payloads of more bytes are compressed where Node.js has zstd; `Infinity` for none. @default 2_048 */
  compressAboveBytes?: number
  /** Inflated bytes per compressed byte beyond which a payload is refused, and not compressed by us. @default 100 */
  maxRatio?: number
  /** Sequence numbers remembered per sender and lane, which each count for themselves, in bits, a multiple of 32; those further behind are refused. @default 1_024 */
  replayWindowBits?: number
  /** Senders remembered at once; a new one is refused while all were heard within `clockSkewMs`. @default 10_000 */
  maxSenders?: number
  /** Time between writes to the datastore, in ms; after a kill, envelopes dated up to this plus a second later are refused. @default 5_000 */
  flushIntervalMs?: number
  /** Longest wait for one read or write of the datastore, in ms; then the node goes on without it. @default 5_000 */
  storeTimeoutMs?: number
  /** Bytes that may wait for an asynchronous signer or the datastore; more is refused. @default 67_108_864 */
  maxPendingBytes?: number
}

/** What the service uses of the node. */
export interface EnvelopeComponents {
  /** The node's own key; used where no signer is given, and then it must be Ed25519. */
  privateKey: PrivateKey
  /** Holds one record that a restart needs; in memory unless the node is given another. */
  datastore: Datastore
  logger: ComponentLogger
  metrics?: Pick<Metrics, 'registerCounter' | 'registerCounterGroup'>
  /** Signs in place of the node's own key. Absent: libsodium does, or `node:crypto`. */
  signer?: Signer
}

/**
 * Creates the envelope as a libp2p service, named `envelope`.
 *
 * @throws {RangeError} when an option is out of its bounds
 */
export function envelope(init: EnvelopeInit): (components: EnvelopeComponents) => Envelope & Startable {
  return (components) => new EnvelopeService(components, init)
}

export type { Envelope, Opened, OpenOptions, Signer, Unsealed } from '@gridmesh/interfaces'
export { canonicalBytes } from './canonical.ts'
export {
  compress,
  COMPRESSION,
  type Compressed,
  type CompressLimits,
  inflate,
  type InflateLimits,
  type ZstdLibrary,
} from './compression.ts'
export type { SigningKey } from './ed25519-key.ts'
export * from './errors.ts'
export type { EnvelopeCodec, EnvelopeFields, SignedFields } from './fields.ts'
export { jsonCodec } from './json-codec.ts'
export { nodeCryptoSigner, type NodeCryptoSignerInit } from './node-crypto-signer.ts'
export { PeerIds } from './peer-ids.ts'
export { protobufCodec } from './protobuf-codec.ts'
export type { ReplayVerdict } from './replay-guard.ts'
export { ReplayWindow, type WindowVerdict } from './replay-window.ts'
export { sodiumSigner, type SodiumLibrary } from './sodium-signer.ts'

import type { PeerId } from '@libp2p/interface'
import type { Lane } from './lane.ts'
import type { MessageMeta } from './messages.ts'

/** A value, or a promise of it: synchronous where the signer is. */
export type MaybePromise<T> = T | Promise<T>

/** Makes and checks ed25519 signatures. A hardware key, a worker pool or another library can stand here. */
export interface Signer {
  /** Our raw ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array
  /** Returns 64 bytes. */
  sign(message: Uint8Array): MaybePromise<Uint8Array>
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): MaybePromise<boolean>
}

/** What is to be sealed. */
export interface Unsealed {
  kind: string
  lane: Lane
  payload: Uint8Array
}

/** An envelope that passed every check. */
export interface Opened extends Unsealed, MessageMeta {}

/** What the opener knows beforehand. */
export interface OpenOptions {
  /** The author it must have, where only one is possible. */
  sender?: PeerId
  /** Which kinds are known; others are refused before any costly check. @default all */
  isKnownKind?(kind: string): boolean
  /**
   * The largest payload of a kind, as sent and inflated, in bytes; a larger one is refused before any costly check.
   * @default what the envelope takes of every kind
   */
  maxBytes?(kind: string): number | undefined
}

/** The signed wire form of messages. Service name `envelope`. */
export interface Envelope {
  /** Encodes, compresses where that pays, numbers and signs. */
  seal(message: Unsealed): MaybePromise<Uint8Array>
  /** Checks and unpacks, the cheap checks first. Throws, or rejects, with an error that has a `report` class. */
  open(bytes: Uint8Array, options?: OpenOptions): MaybePromise<Opened>
}

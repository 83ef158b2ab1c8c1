import { LANES, type Lane } from '@gridmesh/interfaces'
import { MAX_MAX_BYTES, MAX_NAME_LENGTH, PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from './constants.ts'
import { MalformedEnvelopeError } from './errors.ts'

/** Everything a signature covers. */
export interface EnvelopeFields {
  chainId: string
  kind: string
  lane: Lane
  /** Raw ed25519 public key of the author, 32 bytes. */
  senderKey: Uint8Array
  /** 64 bits, unsigned. */
  sequence: bigint
  /** The author's clock, ms since the epoch. */
  timeMs: number
  /** Id of the method: 0 none, 1 zstd. */
  compression: number
  /** Length of the payload before compression; 0 where it is not compressed. */
  inflatedBytes: number
  /** As sent: compressed where `compression` is not 0. */
  payload: Uint8Array
}

/** An envelope as it goes over the wire. */
export interface SignedFields extends EnvelopeFields {
  /** 64 bytes. */
  signature: Uint8Array
}

/** One wire form. Both forms carry the same fields, so an envelope may change form without a new signature. */
export interface EnvelopeCodec {
  readonly name: 'protobuf' | 'json'
  /** Longest encoding of an envelope whose payload has `payloadBytes`. */
  maxEncodedBytes(payloadBytes: number): number
  encode(fields: SignedFields): Uint8Array
  /**
   * Reads what `encode` makes and nothing else: each envelope has one encoding.
   * @throws {UnsupportedVersionError}
   * @throws {MalformedEnvelopeError}
   */
  decode(bytes: Uint8Array): SignedFields
}

const NAME = new RegExp(`^[!-~]{1,${MAX_NAME_LENGTH}}$`)

/** Says whether a kind or chain id is 1 to 128 visible ASCII characters: its length in bytes is its length. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value)
}

/** Number of a lane in protobuf and in the signed bytes, from 1. */
export function laneNumber(lane: Lane): number {
  return LANES.indexOf(lane) + 1
}

/** The lane with this number. @throws {MalformedEnvelopeError} when there is none */
export function laneOf(number: number): Lane {
  const lane = LANES[number - 1]
  if (lane === undefined) throw new MalformedEnvelopeError(`lane ${number}`)
  return lane
}

const MAX_SEQUENCE = 2n ** 64n - 1n

function isCount(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= max
}

/** Returns `fields` if each is within its bounds, whichever codec read them. @throws {MalformedEnvelopeError} */
export function checkFields(fields: SignedFields): SignedFields {
  demand(isName(fields.chainId), 'chain id')
  demand(isName(fields.kind), 'kind')
  demand(fields.senderKey.byteLength === PUBLIC_KEY_BYTES, 'sender key')
  demand(fields.signature.byteLength === SIGNATURE_BYTES, 'signature')
  demand(fields.sequence >= 0n && fields.sequence <= MAX_SEQUENCE, 'sequence')
  demand(isCount(fields.timeMs, Number.MAX_SAFE_INTEGER), 'time')
  demand(isCount(fields.compression, 255), 'compression')
  demand(isCount(fields.inflatedBytes, MAX_MAX_BYTES), 'inflated length')
  const isPlain = fields.compression === 0
  demand(isPlain === (fields.inflatedBytes === 0), 'inflated length without compression')
  return fields
}

function demand(isFine: boolean, part: string): void {
  if (!isFine) throw new MalformedEnvelopeError(part)
}

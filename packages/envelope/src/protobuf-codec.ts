import { withArrayBuffer } from 'uint8arrays/with-array-buffer'
import { asBytes } from './bytes.ts'
import { ENVELOPE_VERSION, PROTOBUF_OVERHEAD_BYTES } from './constants.ts'
import { MalformedEnvelopeError, UnsupportedVersionError } from './errors.ts'
import { checkFields, type EnvelopeCodec, laneNumber, laneOf, type SignedFields } from './fields.ts'
import { EnvelopeMessage } from './pb/envelope.ts'

const VERSION_TAG = 0x08
const PAYLOAD_TAG = 0x5a
const VARINT = 0
const LENGTH_DELIMITED = 2
const MAX_VARINT_BYTES = 10
const EMPTY = new Uint8Array(0)

/** The protobuf form: small, and the default. */
export function protobufCodec(): EnvelopeCodec {
  return {
    name: 'protobuf',
    maxEncodedBytes: (payloadBytes) => payloadBytes + PROTOBUF_OVERHEAD_BYTES,
    encode: (fields) => EnvelopeMessage.encode(toMessage(fields, fields.payload)),
    decode,
  }
}

function toMessage(fields: SignedFields, payload: Uint8Array): EnvelopeMessage {
  return {
    version: ENVELOPE_VERSION,
    chainId: fields.chainId,
    kind: fields.kind,
    lane: laneNumber(fields.lane),
    senderKey: withArrayBuffer(fields.senderKey),
    sequence: fields.sequence,
    timeMs: fields.timeMs,
    compression: fields.compression,
    inflatedBytes: fields.inflatedBytes,
    signature: withArrayBuffer(fields.signature),
    payload: withArrayBuffer(payload),
  }
}

function decode(bytes: Uint8Array): SignedFields {
  checkVersion(bytes)
  const headerBytes = findPayload(bytes)
  const payload = readPayload(bytes, headerBytes)
  const header = bytes.subarray(0, headerBytes)
  const { lane, version: _version, ...rest } = parse(header)
  const fields = checkFields({ ...rest, lane: laneOf(lane), payload })
  // Protobuf readers pass over unknown and repeated fields and padded varints, none of which the signature covers:
  // the header must be the one that would be written. The payload, which may be large, is not encoded again for that.
  if (Buffer.compare(EnvelopeMessage.encode(toMessage(fields, EMPTY)), header) !== 0) {
    throw new MalformedEnvelopeError('not the canonical encoding')
  }
  return fields
}

// Read alone and first, so that what a later version changes behind it shows as another version, not as garbage.
function checkVersion(bytes: Uint8Array): void {
  const version = bytes[1]
  if (bytes[0] !== VERSION_TAG || version === undefined || version > 0x7f) {
    throw new MalformedEnvelopeError('no version')
  }
  if (version !== ENVELOPE_VERSION) throw new UnsupportedVersionError(version)
}

// The generated reader is only ever given a header of a size it must have. Given all the bytes, it would spend seconds
// on ten megabytes of one field repeated.
function findPayload(bytes: Uint8Array): number {
  let at = 0
  while (at < bytes.byteLength && bytes[at] !== PAYLOAD_TAG) {
    const wireType = (bytes[at] ?? 0) & 0x87
    const { value, end } = readVarint(bytes, at + 1)
    if (wireType !== VARINT && wireType !== LENGTH_DELIMITED)
      throw new MalformedEnvelopeError('a field of another type')
    at = wireType === VARINT ? end : end + value
    if (at > PROTOBUF_OVERHEAD_BYTES) throw new MalformedEnvelopeError('no payload where it must be')
  }
  return at
}

/** The payload, if it is what is left and its length is written in the one way it must be. */
function readPayload(bytes: Uint8Array, headerBytes: number): Uint8Array {
  if (headerBytes === bytes.byteLength) return EMPTY
  const { value, end } = readVarint(bytes, headerBytes + 1)
  if (value === 0 || value !== bytes.byteLength - end || varintBytes(value) !== end - headerBytes - 1) {
    throw new MalformedEnvelopeError('the payload does not end where the bytes do')
  }
  return asBytes(bytes.subarray(end))
}

function parse(header: Uint8Array): EnvelopeMessage {
  try {
    return EnvelopeMessage.decode(header)
  } catch (err) {
    throw new MalformedEnvelopeError('not protobuf', { cause: err })
  }
}

/** Reads a varint of at most 10 bytes; exact up to 53 bits, which is more than any length has. */
function readVarint(bytes: Uint8Array, at: number): { value: number; end: number } {
  let value = 0
  for (let index = 0; index < MAX_VARINT_BYTES; index++) {
    const byte = bytes[at + index]
    if (byte === undefined) break
    value += (byte & 0x7f) * 2 ** (7 * index)
    if (byte <= 0x7f) return { value, end: at + index + 1 }
  }
  throw new MalformedEnvelopeError('a number without an end')
}

function varintBytes(value: number): number {
  return Math.max(1, Math.ceil(Math.log2(value + 1) / 7))
}

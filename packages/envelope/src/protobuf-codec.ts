import { withArrayBuffer } from 'uint8arrays/with-array-buffer'
import { CanonicalReader } from './canonical-reader.ts'
import { ENVELOPE_VERSION, MAX_NAME_LENGTH, PROTOBUF_OVERHEAD_BYTES } from './constants.ts'
import { MalformedEnvelopeError, UnsupportedVersionError } from './errors.ts'
import { checkFields, type EnvelopeCodec, laneNumber, laneOf, type SignedFields } from './fields.ts'
import { EnvelopeMessage } from './pb/envelope.ts'

/** Number of each field of `pb/envelope.proto` with its wire type, as it stands before the value. */
const TAG = {
  version: 0x08,
  chainId: 0x12,
  kind: 0x1a,
  lane: 0x20,
  senderKey: 0x2a,
  sequence: 0x30,
  timeMs: 0x38,
  compression: 0x40,
  inflatedBytes: 0x48,
  signature: 0x52,
  payload: 0x5a,
} as const
/** The tag and the number of the version. */
const VERSION_BYTES = 2

/** The protobuf form: small, and the default. */
export function protobufCodec(): EnvelopeCodec {
  return {
    name: 'protobuf',
    maxEncodedBytes: (payloadBytes) => payloadBytes + PROTOBUF_OVERHEAD_BYTES,
    encode,
    decode,
  }
}

function encode(fields: SignedFields): Uint8Array {
  return EnvelopeMessage.encode({
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
    payload: withArrayBuffer(fields.payload),
  })
}

// Not by the generated reader: that one takes every encoding of the same fields, so each envelope would have to be
// encoded again to see whether it came in the one that counts; and on megabytes of one field repeated it spends seconds.
function decode(bytes: Uint8Array): SignedFields {
  checkVersion(bytes)
  const reader = new CanonicalReader(bytes, VERSION_BYTES)
  // In the order of their numbers: the reader reads on.
  const fields = {
    chainId: reader.text(TAG.chainId, MAX_NAME_LENGTH),
    kind: reader.text(TAG.kind, MAX_NAME_LENGTH),
    lane: laneOf(reader.number(TAG.lane)),
    senderKey: reader.bytes(TAG.senderKey),
    sequence: reader.bigint(TAG.sequence),
    timeMs: reader.number(TAG.timeMs),
    compression: reader.number(TAG.compression),
    inflatedBytes: reader.number(TAG.inflatedBytes),
    signature: reader.bytes(TAG.signature),
    payload: reader.bytes(TAG.payload),
  }
  if (!reader.isAtEnd) throw new MalformedEnvelopeError('not the canonical encoding')
  return checkFields(fields)
}

// Read alone and first, so that what a later version changes behind it shows as another version, not as garbage.
function checkVersion(bytes: Uint8Array): void {
  const version = bytes[1]
  if (bytes[0] !== TAG.version || version === undefined || version > 0x7f) {
    throw new MalformedEnvelopeError('no version')
  }
  if (version !== ENVELOPE_VERSION) throw new UnsupportedVersionError(version)
}

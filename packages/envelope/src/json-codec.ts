import { LANES, type Lane } from '@gridmesh/interfaces'
import { asBuffer, asBytes } from './bytes.ts'
import { ENVELOPE_VERSION, JSON_OVERHEAD_BYTES } from './constants.ts'
import { MalformedEnvelopeError, UnsupportedVersionError } from './errors.ts'
import { checkFields, type EnvelopeCodec, type SignedFields } from './fields.ts'
import { PeerIds } from './peer-ids.ts'

/** The envelope without its payload, keys in the order they are written. */
interface JsonHeader {
  version: number
  chainId: string
  kind: string
  lane: Lane
  from: string
  senderKey: string
  sequence: string
  timeMs: number
  compression: number
  inflatedBytes: number
  signature: string
}

const SHAPE: Readonly<Record<keyof JsonHeader, 'number' | 'string'>> = {
  version: 'number',
  chainId: 'string',
  kind: 'string',
  lane: 'string',
  from: 'string',
  senderKey: 'string',
  sequence: 'string',
  timeMs: 'number',
  compression: 'number',
  inflatedBytes: 'number',
  signature: 'string',
}

const BEFORE_PAYLOAD = Buffer.from(',"payload":"')
const AFTER_PAYLOAD = Buffer.from('"}')
const DECIMAL = /^\d{1,20}$/

/** The JSON form: readable, a third larger. The peer ids it derives are shared through `peerIds`. */
export function jsonCodec(peerIds: PeerIds = new PeerIds()): EnvelopeCodec {
  return {
    name: 'json',
    maxEncodedBytes: (payloadBytes) => Math.ceil(payloadBytes / 3) * 4 + JSON_OVERHEAD_BYTES,
    encode: (fields) =>
      asBytes(
        Buffer.concat([encodeHeader(fields, peerIds), Buffer.from(base64(fields.payload), 'latin1'), AFTER_PAYLOAD]),
      ),
    decode: (bytes) => decode(bytes, peerIds),
  }
}

function base64(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64')
}

/** Everything up to and with the quote that opens the payload. */
function encodeHeader(fields: SignedFields, peerIds: PeerIds): Buffer {
  const header: JsonHeader = {
    version: ENVELOPE_VERSION,
    chainId: fields.chainId,
    kind: fields.kind,
    lane: fields.lane,
    from: peerIds.of(fields.senderKey).toString(),
    senderKey: base64(fields.senderKey),
    sequence: fields.sequence.toString(),
    timeMs: fields.timeMs,
    compression: fields.compression,
    inflatedBytes: fields.inflatedBytes,
    signature: base64(fields.signature),
  }
  return Buffer.concat([Buffer.from(JSON.stringify(header).slice(0, -1)), BEFORE_PAYLOAD])
}

// Only the header goes through JSON.parse: handed all of it, ten megabytes of empty arrays would become hundreds.
function decode(bytes: Uint8Array, peerIds: PeerIds): SignedFields {
  const raw = asBuffer(bytes)
  const headerEnd = raw.subarray(0, JSON_OVERHEAD_BYTES).indexOf(BEFORE_PAYLOAD)
  if (headerEnd < 0) throw new MalformedEnvelopeError('no payload where it must be')
  const header = checkShape(parse(raw.subarray(0, headerEnd)))

  const payloadStart = headerEnd + BEFORE_PAYLOAD.byteLength
  const payloadEnd = raw.byteLength - AFTER_PAYLOAD.byteLength
  if (payloadEnd < payloadStart || !raw.subarray(payloadEnd).equals(AFTER_PAYLOAD)) {
    throw new MalformedEnvelopeError('no end')
  }
  const fields = checkFields(toFields(header, raw.toString('latin1', payloadStart, payloadEnd)))
  checkFrom(header, fields, peerIds)
  // White space, another order of keys, repeated keys and escapes are not covered by the signature.
  if (!encodeHeader(fields, peerIds).equals(raw.subarray(0, payloadStart))) {
    throw new MalformedEnvelopeError('not the canonical encoding')
  }
  return fields
}

function parse(header: Buffer): unknown {
  try {
    return JSON.parse(`${header.toString()}}`)
  } catch (err) {
    throw new MalformedEnvelopeError('not JSON', { cause: err })
  }
}

function checkShape(value: unknown): JsonHeader {
  if (!isRecord(value)) throw new MalformedEnvelopeError('not an object')
  const { version } = value
  if (typeof version === 'number' && version !== ENVELOPE_VERSION) throw new UnsupportedVersionError(version)
  if (!hasShape(value)) throw new MalformedEnvelopeError('a field is unknown, missing or of the wrong type')
  return value
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function hasShape(value: Record<string, unknown>): value is Record<string, unknown> & JsonHeader {
  const isComplete = Object.entries(SHAPE).every(([key, type]) => typeof value[key] === type)
  return isComplete && Object.keys(value).length === Object.keys(SHAPE).length && LANES.some((l) => l === value['lane'])
}

function toFields(header: JsonHeader, payload: string): SignedFields {
  if (!DECIMAL.test(header.sequence)) throw new MalformedEnvelopeError('sequence')
  return {
    chainId: header.chainId,
    kind: header.kind,
    lane: header.lane,
    senderKey: fromBase64(header.senderKey),
    sequence: BigInt(header.sequence),
    timeMs: header.timeMs,
    compression: header.compression,
    inflatedBytes: header.inflatedBytes,
    signature: fromBase64(header.signature),
    payload: fromBase64(payload),
  }
}

// Node's reader skips what is not base64 and ignores spare bits, so the text is written again and compared.
function fromBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw new MalformedEnvelopeError('not base64')
  return asBytes(bytes)
}

function checkFrom(header: JsonHeader, fields: SignedFields, peerIds: PeerIds): void {
  if (header.from !== peerIds.of(fields.senderKey).toString()) {
    throw new MalformedEnvelopeError('"from" is not the peer id of "senderKey"')
  }
}

import { SIGNING_DOMAIN } from './constants.ts'
import { type EnvelopeFields, laneNumber } from './fields.ts'

const DOMAIN = Buffer.from(SIGNING_DOMAIN, 'ascii')
/** Domain, two name lengths, lane, sequence, time, compression, two lengths; without names, key and payload. */
const FIXED_BYTES = DOMAIN.byteLength + 2 + 2 + 1 + 8 + 8 + 1 + 4 + 4

/**
 * Builds the bytes that are signed. They do not depend on the codec. Each part either has a fixed length or follows
 * its own, so two different envelopes never share them:
 *
 * domain, u16 length + chain id, u16 length + kind, u8 lane, 32-byte key, u64 sequence, u64 time, u8 compression,
 * u32 inflated length, u32 length + payload; numbers big-endian.
 */
export function canonicalBytes(fields: EnvelopeFields): Uint8Array {
  const { chainId, kind, senderKey, payload } = fields
  const size = FIXED_BYTES + chainId.length + kind.length + senderKey.byteLength + payload.byteLength
  const out = Buffer.allocUnsafe(size)
  out.set(DOMAIN)
  let at = DOMAIN.byteLength
  at = out.writeUInt16BE(chainId.length, at)
  at += out.write(chainId, at, 'ascii')
  at = out.writeUInt16BE(kind.length, at)
  at += out.write(kind, at, 'ascii')
  at = out.writeUInt8(laneNumber(fields.lane), at)
  out.set(senderKey, at)
  at = out.writeBigUInt64BE(fields.sequence, at + senderKey.byteLength)
  at = out.writeBigUInt64BE(BigInt(fields.timeMs), at)
  at = out.writeUInt8(fields.compression, at)
  at = out.writeUInt32BE(fields.inflatedBytes, at)
  at = out.writeUInt32BE(payload.byteLength, at)
  out.set(payload, at)
  return out
}

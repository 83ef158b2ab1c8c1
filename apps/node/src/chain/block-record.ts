import { z } from 'zod'
import type { Standing } from './chain-block.ts'
import { UnreadableBlockError } from './errors.ts'

const LENGTH_BYTES = 4

const whole = z.int().min(0)
const schema = z.strictObject({
  standing: z.strictObject({
    weight: whole,
    certified: whole,
    final: whole,
    filled: whole,
    // Blocks that were stored before there was any.
    reputation: whole.default(0),
    set: z.string(),
    votes: z.array(whole),
  }),
  changedAt: whole,
  former: z.array(z.string()).optional(),
})

/** What is stored in the place of a header. */
export interface BlockRecord {
  /** The header itself. */
  header: Uint8Array
  standing: Standing
  changedAt: number
  /** The authorities before the block of `changedAt`, while that is not final. */
  former?: readonly string[] | undefined
}

/**
 * Puts the standing behind the header, which is opaque to the store: so both are of one batch, neither is there without
 * the other after a crash, and a revert takes both. Length of the header as u32, the header, JSON.
 */
export function encodeRecord({ header, standing, changedAt, former }: BlockRecord): Uint8Array {
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(header.byteLength)
  return Buffer.concat([length, header, Buffer.from(JSON.stringify({ standing, changedAt, former }))])
}

/** @throws {UnreadableBlockError} */
export function decodeRecord(height: number, record: Uint8Array): BlockRecord {
  const { header, text } = split(height, record)
  try {
    return { header, ...schema.parse(JSON.parse(text.toString('utf8'))) }
  } catch (cause) {
    throw new UnreadableBlockError(height, 'what stands behind the header is no standing', { cause })
  }
}

/** The header alone. @throws {UnreadableBlockError} */
export function headerIn(height: number, record: Uint8Array): Uint8Array {
  return split(height, record).header
}

function split(height: number, record: Uint8Array): { header: Uint8Array; text: Buffer } {
  const buffer = Buffer.from(record.buffer, record.byteOffset, record.byteLength)
  if (buffer.byteLength < LENGTH_BYTES) throw new UnreadableBlockError(height, `${buffer.byteLength} bytes`)
  const end = LENGTH_BYTES + buffer.readUInt32BE()
  if (end > buffer.byteLength) throw new UnreadableBlockError(height, `${buffer.byteLength} bytes of at least ${end}`)
  return { header: buffer.subarray(LENGTH_BYTES, end), text: buffer.subarray(end) }
}

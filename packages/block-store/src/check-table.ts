import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32c } from '@node-rs/crc32'
import { Cursor } from './cursor.ts'
import { CorruptStoreError } from './errors.ts'
import { unlessMissing } from './unless-missing.ts'

/** Two handles and a number that every table ends with: `doc/table_format.md` of LevelDB. */
const FOOTER_BYTES = 48
const MAGIC_BYTES = 8
const MAGIC = 0xdb_47_75_24_8b_80_fb_57n
/** Behind each block: one byte for how it is compressed, and its CRC-32C with that byte. */
const TYPE_BYTES = 1
const UNCOMPRESSED = 0
/** A stored CRC is rotated by 15 bits, and this is added: `util/crc32c.h`. */
const CRC_DELTA = 0xa2_82_ea_d8
const WORD_BYTES = 4

/** Where a block lies in its file. */
interface Handle {
  offset: number
  size: number
}

/**
 * Checks each block of a table by its CRC, as LevelDB can and classic-level does not have it do: a block that is not what
 * was written ends the process there, in an assertion. One that is not there is left to LevelDB, which looks for it first.
 *
 * @throws {CorruptStoreError}
 */
export async function checkTable(path: string, name: string): Promise<void> {
  const bytes = await unlessMissing(readFile(join(path, name)), undefined)
  if (bytes === undefined) return
  if (bytes.length < FOOTER_BYTES || bytes.readBigUInt64LE(bytes.length - MAGIC_BYTES) !== MAGIC) {
    throw new CorruptStoreError(`table ${name}`, 'malformed')
  }
  if (!isWhole(bytes)) throw new CorruptStoreError(`table ${name}`, 'checksum')
}

function isWhole(bytes: Buffer): boolean {
  try {
    const footer = new Cursor(bytes, bytes.length - FOOTER_BYTES)
    const [metaIndex, index] = [handleAt(footer), handleAt(footer)]
    // The first names the filter: with another bit in that, LevelDB does not find a key that is there.
    const named = [metaIndex, index].flatMap((block) => handlesIn(bytes, block))
    return [metaIndex, index, ...named].every((block) => holds(bytes, block))
  } catch (err) {
    if (err instanceof RangeError) return false
    throw err
  }
}

/** The blocks that an index names. @throws {RangeError} when it is none */
function handlesIn(bytes: Buffer, { offset, size }: Handle): Handle[] {
  // LevelDB itself has to look into one that another program compressed.
  if (bytes.readUInt8(offset + size) !== UNCOMPRESSED) return []
  const restarts = bytes.readUInt32LE(offset + size - WORD_BYTES)
  const end = offset + size - WORD_BYTES * (restarts + 1)
  const cursor = new Cursor(bytes, offset)
  const handles: Handle[] = []
  while (cursor.position < end) {
    const [, ownKeyBytes] = [cursor.varint(), cursor.varint(), cursor.varint()]
    cursor.position += ownKeyBytes
    handles.push(handleAt(cursor))
  }
  return handles
}

function handleAt(cursor: Cursor): Handle {
  return { offset: cursor.varint(), size: cursor.varint() }
}

/** @throws {RangeError} when it lies outside the file */
function holds(bytes: Buffer, { offset, size }: Handle): boolean {
  const stored = bytes.readUInt32LE(offset + size + TYPE_BYTES)
  const crc = crc32c(bytes.subarray(offset, offset + size + TYPE_BYTES))
  return (((crc >>> 15) | (crc << 17)) + CRC_DELTA) >>> 0 === stored
}

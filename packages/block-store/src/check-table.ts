import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32c } from '@node-rs/crc32'
import { CorruptStoreError } from './errors.ts'

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
const VARINT_BITS = 7
/** Beyond it an offset is no longer exact, and no file is as long. */
const MAX_VARINT_BYTES = 7

/** Where a block lies in its file. */
interface Handle {
  offset: number
  size: number
}

/** Names of the tables in a directory of LevelDB; none where there is no directory. */
export async function tablesIn(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).filter((name) => /\.(?:ldb|sst)$/.test(name))
  } catch (err) {
    if (isMissing(err)) return []
    throw err
  }
}

/**
 * Checks each block of a table by its CRC, as LevelDB can and classic-level does not have it do: a block that is not what
 * was written ends the process there, in an assertion. Gives whether the table is finished: one without its end is of
 * somebody who writes it, or who was stopped doing so. One that was deleted meanwhile was not needed.
 *
 * @throws {CorruptStoreError}
 */
export async function checkTable(path: string, name: string): Promise<boolean> {
  const bytes = await readFile(join(path, name)).catch((err: unknown) => {
    if (isMissing(err)) return undefined
    throw err
  })
  if (bytes === undefined) return true
  if (bytes.length < FOOTER_BYTES || bytes.readBigUInt64LE(bytes.length - MAGIC_BYTES) !== MAGIC) return false
  if (!isWhole(bytes)) throw new CorruptStoreError(`table ${name}`, 'checksum')
  return true
}

function isWhole(bytes: Buffer): boolean {
  try {
    const footer = new Cursor(bytes, bytes.length - FOOTER_BYTES)
    const [metaIndex, index] = [footer.handle(), footer.handle()]
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
    handles.push(cursor.handle())
  }
  return handles
}

/** @throws {RangeError} when it lies outside the file */
function holds(bytes: Buffer, { offset, size }: Handle): boolean {
  const stored = bytes.readUInt32LE(offset + size + TYPE_BYTES)
  const crc = crc32c(bytes.subarray(offset, offset + size + TYPE_BYTES))
  return (((crc >>> 15) | (crc << 17)) + CRC_DELTA) >>> 0 === stored
}

function isMissing(err: unknown): boolean {
  return err instanceof Error && 'code' in err && err.code === 'ENOENT'
}

/** Reads numbers of LevelDB, one after the other. */
class Cursor {
  readonly #bytes: Buffer
  position: number

  constructor(bytes: Buffer, position: number) {
    this.#bytes = bytes
    this.position = position
  }

  handle(): Handle {
    return { offset: this.varint(), size: this.varint() }
  }

  /** Seven bits in each byte, the lowest first. @throws {RangeError} */
  varint(): number {
    let value = 0
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.#bytes.readUInt8(this.position)
      this.position += 1
      value += (byte % 2 ** VARINT_BITS) * 2 ** (VARINT_BITS * i)
      if (byte < 2 ** VARINT_BITS) return value
    }
    throw new RangeError(`a number of more than ${MAX_VARINT_BYTES} bytes ends at ${this.position}`)
  }
}

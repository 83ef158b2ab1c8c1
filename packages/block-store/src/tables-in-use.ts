import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Cursor } from './cursor.ts'
import { unlessMissing } from './unless-missing.ts'

/** A manifest is in blocks of so many bytes, none of which has a head across its end: `doc/log_format.md` of LevelDB. */
const BLOCK_BYTES = 32_768
/** Checksum, length and type of a piece of a record. */
const HEAD_BYTES = 7
const LENGTH_AT = 4
const TYPE_AT = 6
const PIECES = { filling: 0, whole: 1, first: 2, middle: 3, last: 4 } as const
/** What a record of a manifest says, each behind its number, and what that consists of: `db/version_edit.cc`. */
const DELETED_TABLE = 6
const NEW_TABLE = 7
const EDITS: Readonly<Record<number, readonly ('number' | 'sized')[]>> = {
  1: ['sized'],
  2: ['number'],
  3: ['number'],
  4: ['number'],
  5: ['number', 'sized'],
  [DELETED_TABLE]: ['number', 'number'],
  [NEW_TABLE]: ['number', 'number', 'number', 'sized', 'sized'],
  9: ['number'],
}

/**
 * Names of the tables that LevelDB has in use, by its manifest. Others in its directory it was writing, or about to delete,
 * when it ended, and nobody looks into them. Of a manifest that is not what was written it gives some or none: LevelDB
 * itself does not open by one, and that before it looks into any table.
 */
export async function tablesInUse(path: string): Promise<string[]> {
  const tables = tablesOf(await manifestOf(path))
  const files = await unlessMissing(readdir(path), [])
  return files.filter((name) => /^\d+\.(?:ldb|sst)$/.test(name) && tables.has(Number.parseInt(name, 10)))
}

/**
 * Whether there is data and nothing that leads to it. LevelDB would begin anew beside it: it writes data only once `CURRENT`
 * names a manifest.
 */
export async function isHeadless(path: string): Promise<boolean> {
  const files: string[] = await unlessMissing(readdir(path), [])
  return !files.includes('CURRENT') && files.some((name) => /^\d+\.(?:ldb|sst|log)$/.test(name))
}

async function manifestOf(path: string): Promise<Buffer> {
  const none = Buffer.alloc(0)
  const name = await unlessMissing(readFile(join(path, 'CURRENT')), none)
  return name.length === 0 ? none : unlessMissing(readFile(join(path, name.toString().trim())), none)
}

/** The numbers of the tables in use, as far as it can be read. */
function tablesOf(manifest: Buffer): Set<number> {
  const tables = new Set<number>()
  try {
    for (const record of recordsIn(manifest)) apply(record, tables)
  } catch (err) {
    if (!(err instanceof RangeError)) throw err
  }
  return tables
}

/** The records of a manifest, put together of their pieces. One that was not finished is left out. */
function* recordsIn(bytes: Buffer): Generator<Buffer, void> {
  let pieces: Buffer[] = []
  let at = 0
  while (at + HEAD_BYTES <= bytes.length) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES)
    const type = bytes.readUInt8(at + TYPE_AT)
    if (left < HEAD_BYTES || type === PIECES.filling) {
      at += left
      continue
    }
    const start = at + HEAD_BYTES
    at = start + bytes.readUInt16LE(at + LENGTH_AT)
    if (at > bytes.length) return
    if (type === PIECES.whole || type === PIECES.first) pieces = []
    pieces.push(bytes.subarray(start, at))
    if (type === PIECES.whole || type === PIECES.last) yield Buffer.concat(pieces)
  }
}

/** @throws {RangeError} when it is no record of a manifest */
function apply(record: Buffer, tables: Set<number>): void {
  const cursor = new Cursor(record)
  while (cursor.position < record.length) {
    const edit = cursor.varint()
    const parts = EDITS[edit]
    if (parts === undefined) throw new RangeError(`${edit} is no edit of a manifest`)
    // Of a table the level, then its number. One that changes its level is deleted and then new, by the same record.
    const [, table] = parts.map((part) => (part === 'number' ? cursor.varint() : cursor.skipSized()))
    if (table === undefined) continue
    if (edit === NEW_TABLE) tables.add(table)
    else if (edit === DELETED_TABLE) tables.delete(table)
  }
}

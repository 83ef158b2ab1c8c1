import { createReadStream } from 'node:fs'
import { type FileHandle, link, open, rename, rm } from 'node:fs/promises'
import type { LogCall, MempoolLog } from '@gridmesh/mempool'
import { DamagedMempoolError } from './errors.ts'

const LENGTH_BYTES = 4
/** Longest record, in bytes: a transaction of the largest size with what the pool notes of it, many times over. */
const MAX_RECORD_BYTES = 1_048_576
/** Bytes that are written at once when all is written anew. */
const SLAB_BYTES = 262_144

/**
 * What the mempool holds, in one file: records behind each other, the length of each before it as u32. It is not forced
 * to the disk: what a crash takes of the end its senders have, and records say themselves whether they are whole. A file that
 * could not be read to its end is kept beside the next one, under `.damaged`, until there is another such.
 */
export class MempoolFile implements MempoolLog {
  readonly #path: string
  #file: FileHandle | undefined
  #isDamaged = false

  constructor(path: string) {
    this.#path = path
  }

  /** All records up to the first that is not whole. @throws {DamagedMempoolError} when what follows cannot be read */
  async *read({ signal }: LogCall): AsyncGenerator<Uint8Array, void> {
    let rest = Buffer.alloc(0)
    let at = 0
    try {
      for await (const chunk of createReadStream(this.#path, { signal }) as AsyncIterable<Buffer>) {
        rest = Buffer.concat([rest, chunk])
        let start = 0
        for (let end = endOf(rest, start); end <= rest.byteLength; end = endOf(rest, start)) {
          yield rest.subarray(start + LENGTH_BYTES, end)
          start = end
        }
        at += start
        const length = lengthAt(rest, start)
        if (length > MAX_RECORD_BYTES) throw new RangeError(`no record has ${length} bytes`)
        rest = rest.subarray(start)
      }
    } catch (err) {
      if (isMissing(err)) return
      signal.throwIfAborted()
      this.#isDamaged = true
      throw new DamagedMempoolError(this.#path, at, this.#damagedPath, { cause: err })
    }
  }

  async append(records: readonly Uint8Array[]): Promise<void> {
    this.#file ??= await open(this.#path, 'a', 0o600)
    await this.#file.appendFile(framed(records))
  }

  /** Writes another file, and puts it in the place of the one there was. Where that fails, nothing of it stays. */
  async rewrite(records: Iterable<Uint8Array>, { signal }: LogCall): Promise<void> {
    await this.close()
    const next = `${this.#path}.next`
    try {
      await writeAll(next, records, signal)
    } catch (err) {
      // On a disk that is full it is what others have no room for, the blocks first.
      await rm(next, { force: true }).catch(() => undefined)
      throw err
    }
    if (this.#isDamaged) {
      await rm(this.#damagedPath, { force: true })
      await link(this.#path, this.#damagedPath)
      this.#isDamaged = false
    }
    await rename(next, this.#path)
  }

  get #damagedPath(): string {
    return `${this.#path}.damaged`
  }

  /** Lets go of the file. The next call opens it again. */
  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }
}

/** Writes a file of records, some at a time. @throws the signal's reason */
async function writeAll(path: string, records: Iterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  await using file = await open(path, 'w', 0o600)
  let slab: Uint8Array[] = []
  let bytes = 0
  for (const record of records) {
    slab.push(record)
    bytes += record.byteLength
    if (bytes < SLAB_BYTES) continue
    signal.throwIfAborted()
    await file.appendFile(framed(slab))
    slab = []
    bytes = 0
  }
  await file.appendFile(framed(slab))
}

/** Records behind each other, each after its length. */
function framed(records: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(records.reduce((sum, { byteLength }) => sum + LENGTH_BYTES + byteLength, 0))
  let at = 0
  for (const record of records) {
    at = bytes.writeUInt32BE(record.byteLength, at)
    bytes.set(record, at)
    at += record.byteLength
  }
  return bytes
}

/** Where the record that begins at `start` ends; beyond all where its length is not there yet, or makes no sense. */
function endOf(bytes: Buffer, start: number): number {
  const length = lengthAt(bytes, start)
  return length <= MAX_RECORD_BYTES ? start + LENGTH_BYTES + length : Infinity
}

/** 0 where it is not there yet. */
function lengthAt(bytes: Buffer, start: number): number {
  return start + LENGTH_BYTES <= bytes.byteLength ? bytes.readUInt32BE(start) : 0
}

function isMissing(err: unknown): boolean {
  return err instanceof Error && 'code' in err && err.code === 'ENOENT'
}

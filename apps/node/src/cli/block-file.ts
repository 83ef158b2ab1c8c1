import { rmSync } from 'node:fs'
import { type FileHandle, lstat, open, rename } from 'node:fs/promises'
import { UnusableFileError, fileProblem } from '../errors.ts'
import { BlockFileError } from './errors.ts'

/*
 * A file of blocks: the magic, the version as u16, the chain id of 32 bytes; then the blocks, each in its canonical
 * encoding behind its length as u32. All numbers are big-endian. Heights ascend, and no block is left out; genesis is not
 * among them, since whoever reads the file has its own.
 */
const MAGIC = Buffer.from('GMBLOCKS', 'ascii')
const VERSION = 1
const VERSION_BYTES = 2
const CHAIN_ID_BYTES = 32
const HEAD_BYTES = MAGIC.byteLength + VERSION_BYTES + CHAIN_ID_BYTES
const LENGTH_BYTES = 4
/** Longest block that is read, in bytes: that of the ledger. */
const MAX_BLOCK_BYTES = 1_000_000

/** Writes a file of blocks. Until it is whole it lies beside its place, as `<path>.part`: half of it would be taken for the whole. */
export class BlockFileWriter {
  readonly #file: FileHandle
  readonly #path: string
  readonly #part: string

  private constructor(file: FileHandle, path: string, part: string) {
    this.#file = file
    this.#path = path
    this.#part = part
  }

  /** Begins a file for the blocks of one chain. @throws {UnusableFileError} when it exists or cannot be written */
  static async create(path: string, chainId: string): Promise<BlockFileWriter> {
    const head = Buffer.alloc(HEAD_BYTES)
    MAGIC.copy(head)
    head.writeUInt16BE(VERSION, MAGIC.byteLength)
    head.write(chainId, MAGIC.byteLength + VERSION_BYTES, 'hex')
    await assertFree(path)
    const part = `${path}.part`
    const file = await open(part, 'wx').catch((cause: unknown) => {
      throw fileProblem('block file', part, cause)
    })
    const writer = new BlockFileWriter(file, path, part)
    try {
      await writer.#write(head)
      return writer
    } catch (err) {
      await writer.discard()
      throw err
    }
  }

  /** @throws {UnusableFileError} */
  async append(block: Uint8Array): Promise<void> {
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32BE(block.byteLength)
    await this.#write(Buffer.concat([length, block]))
  }

  /** Ends the file, and puts it in its place. All of it is on the disk before. @throws {UnusableFileError} */
  async close(): Promise<void> {
    try {
      await this.#file.sync()
      await this.#file.close()
      await assertFree(this.#path)
      await rename(this.#part, this.#path)
    } catch (cause) {
      throw cause instanceof UnusableFileError ? cause : fileProblem('block file', this.#path, cause)
    }
  }

  /** Gives the file up. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined)
    this.discardNow()
  }

  /** Gives it up in a process that ends. */
  discardNow(): void {
    rmSync(this.#part, { force: true })
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      await this.#file.writeFile(bytes)
    } catch (cause) {
      throw fileProblem('block file', this.#path, cause)
    }
  }
}

/** Reads a file of blocks, one at a time. */
export class BlockFileReader {
  /** Of the chain whose blocks these are, hex. */
  readonly chainId: string
  /** Bytes of the file. */
  readonly size: number
  readonly path: string
  readonly #file: FileHandle
  #offset = HEAD_BYTES

  private constructor(file: FileHandle, path: string, chainId: string, size: number) {
    this.#file = file
    this.path = path
    this.chainId = chainId
    this.size = size
  }

  /** @throws {UnusableFileError} when it cannot be read or is no file of blocks */
  static async open(path: string): Promise<BlockFileReader> {
    const file = await open(path, 'r').catch((cause: unknown) => {
      throw fileProblem('block file', path, cause)
    })
    try {
      const { size } = await file.stat()
      return new BlockFileReader(file, path, readHead(await read(file, 0, HEAD_BYTES), path), size)
    } catch (cause) {
      await file.close()
      throw cause instanceof UnusableFileError ? cause : fileProblem('block file', path, cause)
    }
  }

  /** Bytes that were read. */
  get offset(): number {
    return this.#offset
  }

  /** The next block; `undefined` at the end. @throws {BlockFileError} when the file goes on with what is no whole block */
  async next(): Promise<Uint8Array | undefined> {
    const at = this.#offset
    const head = await read(this.#file, at, LENGTH_BYTES)
    if (head.byteLength === 0) return undefined
    if (head.byteLength < LENGTH_BYTES) throw torn(at, head.byteLength, LENGTH_BYTES)
    const length = head.readUInt32BE()
    if (length < 1 || length > MAX_BLOCK_BYTES) {
      throw new BlockFileError(at, `a block of ${length} bytes, where 1 to ${MAX_BLOCK_BYTES} are possible`)
    }
    const block = await read(this.#file, at + LENGTH_BYTES, length)
    if (block.byteLength < length) throw torn(at, LENGTH_BYTES + block.byteLength, LENGTH_BYTES + length)
    this.#offset = at + LENGTH_BYTES + length
    return block
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

function readHead(head: Buffer, path: string): string {
  if (!head.subarray(0, MAGIC.byteLength).equals(MAGIC)) {
    // What it does begin with is not for a log or a terminal: it may be a key.
    throw new UnusableFileError('block file', path, `it does not begin with "${MAGIC.toString()}"`)
  }
  if (head.byteLength < HEAD_BYTES) {
    const why = `it ends within its head, after ${head.byteLength} of ${HEAD_BYTES} bytes`
    throw new UnusableFileError('block file', path, why)
  }
  const version = head.readUInt16BE(MAGIC.byteLength)
  if (version !== VERSION) {
    throw new UnusableFileError(
      'block file',
      path,
      `it has version ${version}, and this program reads version ${VERSION}`,
    )
  }
  return head.toString('hex', MAGIC.byteLength + VERSION_BYTES)
}

function torn(at: number, received: number, expected: number): BlockFileError {
  return new BlockFileError(at, `the file ends after ${received} of ${expected} bytes of a block`)
}

/** What exists is never overwritten. @throws {UnusableFileError} */
async function assertFree(path: string): Promise<void> {
  const isTaken = await lstat(path).then(
    () => true,
    () => false,
  )
  if (isTaken) throw new UnusableFileError('block file', path, 'there is a file already, and it is never overwritten')
}

/** Bytes of a file, fewer where it ends. */
async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

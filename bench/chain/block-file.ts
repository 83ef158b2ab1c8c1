import { readFile } from 'node:fs/promises'
import { closeSync, openSync, writeSync } from 'node:fs'

const LENGTH_BYTES = 4

/** Writes blocks one after the other, each behind its length. */
export class BlockFile {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'w')
  }

  write(block: Uint8Array): void {
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32BE(block.byteLength)
    writeSync(this.#file, length)
    writeSync(this.#file, block)
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** All blocks of a file, as views of it. */
export async function readBlocks(path: string): Promise<Uint8Array[]> {
  const bytes = await readFile(path)
  const blocks: Uint8Array[] = []
  for (let at = 0; at < bytes.byteLength;) {
    const start = at + LENGTH_BYTES
    at = start + bytes.readUInt32BE(at)
    blocks.push(bytes.subarray(start, at))
  }
  return blocks
}

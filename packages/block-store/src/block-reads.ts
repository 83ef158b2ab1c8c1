import type { ChainDisk } from './chain-disk.ts'
import { checkHash, isSame } from './check-block.ts'
import { MAX_HEIGHT } from './constants.ts'
import { CorruptStoreError } from './errors.ts'
import type { StoredHeader, TransactionPlace } from './index.ts'
import { checkWhole } from './options.ts'
import { decodeHeader, decodeNumber, unseal } from './records.ts'

/** Reads blocks and indexes. What `meta` says is not there is not looked for, and what it says is there must be. */
export class BlockReads {
  readonly #disk: ChainDisk
  readonly #maxHeaders: number

  constructor(disk: ChainDisk, maxHeaders: number) {
    this.#disk = disk
    this.#maxHeaders = maxHeaders
  }

  async header(at: number | Uint8Array): Promise<StoredHeader | undefined> {
    const height = typeof at === 'number' ? at : await this.heightOf(at)
    if (height === undefined) return undefined
    const [header] = await this.headers(height, 1)
    if (header === undefined || typeof at === 'number') return header
    // Another block may have come to its height meanwhile.
    return isSame(header.hash, at) ? header : undefined
  }

  async headers(from: number, limit: number): Promise<StoredHeader[]> {
    checkWhole('height', from, 0, MAX_HEIGHT)
    checkWhole('limit', limit, 0, this.#maxHeaders)
    const disk = this.#disk
    disk.assertUsable()
    if (!this.#hasHeader(from)) return []
    const end = Math.min(from + limit, (disk.meta.tip?.height ?? 0) + 1)
    const heights = Array.from({ length: end - from }, (_, index) => from + index)
    const keys = heights.map((height) => disk.keys.header(height))
    const records = await disk.reading(disk.store.getMany(keys))
    const headers: StoredHeader[] = []
    for (const [index, height] of heights.entries()) {
      const record =
        records[index] ??
        (await this.#again(
          `header ${height}`,
          () => disk.store.get(disk.keys.header(height)),
          () => this.#hasHeader(height),
        ))
      // A revert has shortened the chain meanwhile.
      if (record === undefined) break
      headers.push(decodeHeader(record, height))
    }
    return headers
  }

  async body(hash: Uint8Array): Promise<Uint8Array | undefined> {
    const height = await this.heightOf(hash)
    const disk = this.#disk
    if (height === undefined || height < disk.meta.bodiesFrom) return undefined
    const read = () => disk.store.get(disk.keys.body(height, hash))
    const name = `body of block ${height}`
    const isThere = async () => height >= disk.meta.bodiesFrom && (await this.#numberOf(hash)) === height
    const record = (await disk.reading(read())) ?? (await this.#again(name, read, isThere))
    return record === undefined ? undefined : unseal(record, name)
  }

  async heightOf(hash: Uint8Array): Promise<number | undefined> {
    checkHash('hash', hash)
    this.#disk.assertUsable()
    return await this.#numberOf(hash)
  }

  async transaction(id: Uint8Array): Promise<TransactionPlace | undefined> {
    checkHash('transaction id', id)
    const disk = this.#disk
    disk.assertUsable()
    const { keys, store, meta } = disk
    if (meta.tip === undefined) return undefined
    const range = { gte: keys.transaction(id, meta.base), lt: keys.transaction(id, meta.tip.height + 1) }
    const iterator = store.iterator({ ...range, reverse: true })
    try {
      const [entry] = await disk.reading(iterator.next())
      if (entry === undefined) return undefined
      const [key, record] = entry
      const name = 'place of a transaction'
      return { height: keys.heightIn(key), position: decodeNumber(unseal(record, name), name) }
    } finally {
      await iterator.close()
    }
  }

  #hasHeader(height: number): boolean {
    const { base, tip } = this.#disk.meta
    return tip !== undefined && height >= base && height <= tip.height
  }

  async #numberOf(hash: Uint8Array): Promise<number | undefined> {
    const record = await this.#disk.reading(this.#disk.store.get(this.#disk.keys.heightOf(hash)))
    if (record === undefined) return undefined
    const name = 'height of a block'
    const height = decodeNumber(unseal(record, name), name)
    // The block of a batch that is under way does not count yet.
    return this.#hasHeader(height) ? height : undefined
  }

  /**
   * Looks again for what was not found, while no batch is under way: it may have been taken away meanwhile.
   *
   * @throws {CorruptStoreError} when it is not there and must be
   */
  async #again(
    name: string,
    read: () => Promise<Uint8Array | undefined>,
    isThere: () => boolean | Promise<boolean>,
  ): Promise<Uint8Array | undefined> {
    return await this.#disk.queue.run(0, async () => {
      const record = await this.#disk.reading(read())
      if (record === undefined && (await isThere())) throw new CorruptStoreError(name, 'missing')
      return record
    })
  }
}

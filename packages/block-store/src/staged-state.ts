import { putBody, putHeader } from './block-records.ts'
import { buildIndex } from './build-index.ts'
import type { ChainDisk } from './chain-disk.ts'
import { checkBlock, checkBytes } from './check-block.ts'
import { MAX_HEIGHT, OPERATION_BYTES } from './constants.ts'
import { BlockTooLargeError, StageOverError } from './errors.ts'
import { adoptGeneration, checkFinality, removeGeneration, removeRest } from './generations.ts'
import type { CallOptions, StateEntry, StoredBlock } from './index.ts'
import { Keys, STAGE_KEY } from './keys.ts'
import { checkWhole } from './options.ts'
import { readEntries } from './read-entries.ts'
import { seal } from './records.ts'

const NOTHING = new Uint8Array(0)

/** A part of a state, by its number. */
export interface StatePart {
  part: number
  entries: readonly StateEntry[]
}

export interface StagedStateInit {
  disk: ChainDisk
  /** Parts that are there. */
  parts: Iterable<number>
  maxBlockBytes: number
  /** Tells that nothing is staged any more here, and whether what was staged is gone from the disk. */
  onOver: (isGone: boolean) => void
}

/**
 * A state that comes in parts, beside the one in use, and stays over a restart: under the prefix of the next generation.
 * A part is of one batch, so that it is there as a whole or not at all.
 */
export class StagedState {
  readonly #init: StagedStateInit
  readonly #keys: Keys
  readonly #parts: Set<number>
  #isOver = false

  constructor(init: StagedStateInit) {
    this.#init = init
    this.#keys = new Keys(init.disk.meta.generation + 1)
    this.#parts = new Set(init.parts)
  }

  /** Numbers of the parts that are there, ascending. */
  get parts(): number[] {
    return [...this.#parts].toSorted((a, b) => a - b)
  }

  /**
   * Puts a part. Durable when it resolves. One that is there already is written over.
   *
   * @throws {TypeError} @throws {RangeError} when the number or an entry makes no sense
   * @throws {BlockTooLargeError} when the part is over `maxBlockBytes`
   * @throws {StageOverError} @throws {StoreClosedError} @throws {StoreFailedError}
   */
  async add(part: number, entries: readonly StateEntry[], options?: CallOptions): Promise<void> {
    await this.addAll([{ part, entries }], options)
  }

  /**
   * Puts several parts by one batch, which takes the disk one wait for all of them: all are there, or none.
   *
   * @throws {TypeError} @throws {RangeError} when a number or an entry makes no sense
   * @throws {BlockTooLargeError} when the parts together are over `maxBlockBytes`
   * @throws {StageOverError} @throws {StoreClosedError} @throws {StoreFailedError}
   */
  async addAll(parts: readonly StatePart[], { signal }: CallOptions = {}): Promise<void> {
    this.#assertOpen()
    const { disk, maxBlockBytes } = this.#init
    let size = 0
    for (const { part, entries } of parts) size += checkPart(part, entries)
    if (size > maxBlockBytes) throw new BlockTooLargeError(size, maxBlockBytes)
    const operations = parts.flatMap(({ part, entries }) => [
      ...entries.map(([key, value]) => ({ key: this.#keys.state(key), value: seal(value) })),
      { key: this.#keys.part(part), value: seal(NOTHING) },
    ])
    await disk.queue.run(0, () => disk.write(operations), signal)
    for (const { part } of parts) this.#parts.add(part)
  }

  /** All entries of all parts, in the order of their keys. @throws {StageOverError} @throws {CorruptStoreError} */
  entries(options: CallOptions = {}): AsyncGenerator<[key: Uint8Array, value: Uint8Array], void, undefined> {
    this.#assertOpen()
    const { disk } = this.#init
    const from = { keys: this.#keys, iterator: disk.store.iterator(this.#keys.states) }
    return readEntries(disk, from, options.signal)
  }

  /**
   * Makes it the state of the store, and `tip` its only block, which is final from then on, in one batch. What was there
   * before is deleted while the store goes on. Where the store has an index, that of the new state is built first, which
   * takes some seconds for a million entries; an abort counts until it is there.
   *
   * @throws {TypeError} @throws {RangeError} when the block makes no sense @throws {BlockTooLargeError}
   * @throws {CannotFinaliseError} when the block is below what is final
   * @throws {StageOverError} @throws {StoreClosedError} @throws {StoreFailedError}
   */
  async finish(tip: StoredBlock, { signal }: CallOptions = {}): Promise<void> {
    this.#assertOpen()
    const { disk, maxBlockBytes } = this.#init
    checkBlock(tip, [], maxBlockBytes)
    checkFinality(disk, tip.height)
    const before = disk.meta.generation
    const marks = [...this.#parts].map((part) => ({ key: this.#keys.part(part), value: undefined }))
    // What came meanwhile would not be in the index.
    this.#isOver = true
    try {
      await buildIndex(disk, this.#keys, signal)
      await disk.queue.run(
        0,
        async () => {
          checkFinality(disk, tip.height)
          const block = [...putHeader(this.#keys, tip), ...putBody(this.#keys, tip)]
          await adoptGeneration(disk, before + 1, tip, [...marks, { key: STAGE_KEY, value: undefined }, ...block])
        },
        signal,
      )
    } catch (err) {
      this.#isOver = false
      throw err
    }
    this.#end(true)
    removeRest(disk, undefined)
  }

  /** Lets go of it: what is there is there the next time. Again is nothing. */
  close(): void {
    if (!this.#isOver) this.#end(false)
  }

  /** Deletes all of it. @throws {StoreClosedError} @throws {StoreFailedError} */
  async drop(): Promise<void> {
    this.#assertOpen()
    const { disk } = this.#init
    // A part that came meanwhile would be written while its place is cleared, or after.
    this.#isOver = true
    try {
      await disk.queue.run(0, () => disk.write([{ key: STAGE_KEY, value: undefined }]))
    } catch (err) {
      this.#isOver = false
      throw err
    }
    this.#end(true)
    await removeGeneration(disk, disk.meta.generation + 1)
  }

  #end(isGone: boolean): void {
    this.#isOver = true
    this.#init.onOver(isGone)
  }

  #assertOpen(): void {
    if (this.#isOver) throw new StageOverError()
    this.#init.disk.assertUsable()
  }
}

/** Bytes that a part takes in a batch. @throws {TypeError} @throws {RangeError} */
function checkPart(part: number, entries: readonly StateEntry[]): number {
  checkWhole('part', part, 0, MAX_HEIGHT)
  let size = 0
  for (const [key, value] of entries) size += checkBytes('key', key) + checkBytes('value', value) + OPERATION_BYTES
  return size
}

import type { ChainDisk } from './chain-disk.ts'
import { isSame } from './check-block.ts'
import { MAX_STAGE_NAME_BYTES } from './constants.ts'
import { ImportUnderWayError } from './errors.ts'
import { removeGeneration } from './generations.ts'
import { Keys, STAGE_KEY } from './keys.ts'
import { encodeStage, type StageRecord } from './stage-record.ts'
import { StagedState } from './staged-state.ts'
import { unseal } from './records.ts'

/** The place beside the state in use, in which one import at a time puts another. */
export class Stage {
  readonly #disk: ChainDisk
  readonly #maxBlockBytes: number
  #staged: StageRecord | undefined
  #isTaken = false

  constructor(disk: ChainDisk, { maxBlockBytes }: { maxBlockBytes: number }, staged: StageRecord | undefined) {
    this.#disk = disk
    this.#maxBlockBytes = maxBlockBytes
    this.#staged = staged
  }

  /** Of the parts that are there. */
  get name(): Uint8Array | undefined {
    return this.#staged?.name
  }

  /** Does an import that comes as a whole: what was staged in parts is gone. @throws {ImportUnderWayError} */
  async alone(work: () => Promise<void>): Promise<void> {
    await this.#take(async () => {
      if (this.#staged !== undefined) await this.#forget()
      await work()
    })
    this.#isTaken = false
  }

  /** @throws {ImportUnderWayError} @throws {RangeError} */
  async open(name: Uint8Array): Promise<StagedState> {
    if (name.byteLength > MAX_STAGE_NAME_BYTES) {
      throw new RangeError(`a name has ${name.byteLength} bytes, and ${MAX_STAGE_NAME_BYTES} are the most`)
    }
    const parts = await this.#take(async () => {
      if (this.#staged === undefined || !isSame(this.#staged.name, name)) await this.#begin(name.slice())
      return await this.#parts()
    })
    const onOver = (isGone: boolean): void => {
      this.#isTaken = false
      if (isGone) this.#staged = undefined
    }
    return new StagedState({ disk: this.#disk, parts, maxBlockBytes: this.#maxBlockBytes, onOver })
  }

  /** Stays taken where it resolves. */
  async #take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isTaken) throw new ImportUnderWayError()
    this.#isTaken = true
    try {
      return await work()
    } catch (err) {
      this.#isTaken = false
      throw err
    }
  }

  async #begin(name: Uint8Array): Promise<void> {
    const generation = this.#disk.meta.generation + 1
    // The record first: while a range is deleted, parts of it may be gone, and others not.
    if (this.#staged !== undefined) await this.#forget()
    await removeGeneration(this.#disk, generation)
    const staged = { generation, name }
    await this.#write(encodeStage(staged))
    this.#staged = staged
  }

  async #forget(): Promise<void> {
    await this.#write(undefined)
    this.#staged = undefined
  }

  async #write(value: Uint8Array | undefined): Promise<void> {
    await this.#disk.queue.run(0, () => this.#disk.write([{ key: STAGE_KEY, value }]))
  }

  async #parts(): Promise<number[]> {
    const keys = new Keys(this.#disk.meta.generation + 1)
    const iterator = this.#disk.store.iterator(keys.parts)
    const parts: number[] = []
    try {
      for (let some = await iterator.next(); some.length > 0; some = await iterator.next()) {
        for (const [key, record] of some) {
          unseal(record, 'part of a staged state')
          parts.push(keys.partIn(key))
        }
      }
    } finally {
      await iterator.close()
    }
    return parts
  }
}

import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type BatchOperation, type KeyValueStore, memoryStore } from '@gridmesh/block-store'

/** Time that a batch takes until it is on the disk, in ms. */
const WRITE_MS = 4
const LENGTH_BYTES = 4
const CHECKSUM_BYTES = 8
/** Longest rubbish that a torn write leaves behind. */
const MAX_RUBBISH_BYTES = 40

/**
 * The disk of a simulated node, which outlives it: a log of batches, each with its length and checksum, as LevelDB keeps
 * one. What is not synced may be gone after a crash, from any byte on, and rubbish may be in its place.
 */
export class SimDisk {
  #log: Buffer = Buffer.alloc(0)
  #durableBytes = 0
  #writes = 0

  /** Batches under way. */
  get writes(): number {
    return this.#writes
  }

  /** Bytes of the log that are on the disk for good. */
  protected get durableBytes(): number {
    return this.#durableBytes
  }

  /** What there is after a crash, or at first. The store of the life before must not be used any more. */
  async open(): Promise<KeyValueStore> {
    const view = memoryStore()
    // It opens by itself in a moment, which reads wait for, and batches do not.
    await view.get(Uint8Array.of(0))
    let end = 0
    for (const { operations, end: next } of batchesIn(this.#log)) {
      await view.batch(operations, { sync: false })
      end = next
    }
    this.#log = this.#log.subarray(0, end)
    this.#durableBytes = end
    this.#writes = 0
    return this.#storeOver(view)
  }

  /** The power fails: the log ends at some byte behind what was synced. */
  powerCut(random: () => number): void {
    const waiting = this.#log.byteLength - this.#durableBytes
    this.cut(this.#durableBytes + Math.floor(random() * (waiting + 1)), Math.floor(random() * MAX_RUBBISH_BYTES))
  }

  /** Leaves so many bytes of the log, and rubbish behind them. */
  protected cut(bytes: number, rubbishBytes: number): void {
    this.#log = Buffer.concat([this.#log.subarray(0, bytes), Buffer.alloc(rubbishBytes, 0x5a)])
  }

  #storeOver(view: KeyValueStore): KeyValueStore {
    let last: Promise<void> = Promise.resolve()
    const batch: KeyValueStore['batch'] = async (operations, { sync }) => {
      const record = recordOf(operations)
      const write = async (): Promise<void> => {
        this.#writes += 1
        this.#log = Buffer.concat([this.#log, record])
        const end = this.#log.byteLength
        await delay(WRITE_MS)
        // A sync is of all that was written before, too.
        if (sync) this.#durableBytes = Math.max(this.#durableBytes, end)
        this.#writes -= 1
        await view.batch(operations, { sync })
      }
      last = last.then(write)
      await last
    }
    return {
      get: (key) => view.get(key),
      getMany: (keys) => view.getMany(keys),
      iterator: (range) => view.iterator(range),
      snapshot: () => view.snapshot(),
      batch,
      async clear(range, { signal } = {}) {
        const iterator = view.iterator(range)
        for (let entries = await iterator.next(); entries.length > 0; entries = await iterator.next()) {
          if (signal?.aborted === true) break
          await batch(
            entries.map(([key]) => ({ key, value: undefined })),
            { sync: false },
          )
        }
        await iterator.close()
        signal?.throwIfAborted()
      },
      close: async () => Promise.resolve(),
    }
  }
}

function recordOf(operations: readonly BatchOperation[]): Buffer {
  const parts: Uint8Array[] = []
  for (const { key, value } of operations) {
    parts.push(lengthOf(key.byteLength), key)
    // 0 is for what is deleted.
    parts.push(lengthOf(value === undefined ? 0 : value.byteLength + 1), value ?? new Uint8Array())
  }
  const content = Buffer.concat(parts)
  return Buffer.concat([lengthOf(content.byteLength), checksumOf(content), content])
}

/** The batches that are whole, up to the first that is not. */
function* batchesIn(log: Buffer): Generator<{ operations: BatchOperation[]; end: number }> {
  let at = 0
  while (at + LENGTH_BYTES + CHECKSUM_BYTES <= log.byteLength) {
    const start = at + LENGTH_BYTES + CHECKSUM_BYTES
    const end = start + log.readUInt32BE(at)
    const content = log.subarray(start, end)
    if (end > log.byteLength || !checksumOf(content).equals(log.subarray(at + LENGTH_BYTES, start))) return
    yield { operations: operationsIn(content), end }
    at = end
  }
}

function operationsIn(content: Buffer): BatchOperation[] {
  const operations: BatchOperation[] = []
  let at = 0
  const next = (bytes: number): Buffer => content.subarray(at, (at += bytes))
  while (at < content.byteLength) {
    const key = Uint8Array.from(next(next(LENGTH_BYTES).readUInt32BE()))
    const length = next(LENGTH_BYTES).readUInt32BE()
    operations.push({ key, value: length === 0 ? undefined : Uint8Array.from(next(length - 1)) })
  }
  return operations
}

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(bytes)
  return length
}

function checksumOf(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest().subarray(0, CHECKSUM_BYTES)
}

import { setTimeout as delay } from 'node:timers/promises'
import { type KeyValueStore, memoryStore } from '@gridmesh/block-store'
import { memoryRecord, type SigningRecord } from '@gridmesh/consensus'
import type { MempoolLog } from '@gridmesh/mempool'
import type { ChainParts } from '../../chain-network/chain-service.ts'
import { SimDisk } from './disk.ts'

/** Time until what was signed is on the disk, in ms. */
const SIGNING_MS = 2

/** Where a node keeps its chain, and what outlives the node. */
export class Place {
  readonly disk: SimDisk | undefined
  readonly #memory: KeyValueStore | undefined
  readonly #record = memoryRecord()
  #mempool: Uint8Array[] = []

  /** On a disk that may fail, or in memory, where nothing is lost. */
  constructor(disk?: SimDisk) {
    this.disk = disk
    this.#memory = disk === undefined ? memoryStore() : undefined
  }

  /** What a chain is opened with. */
  async open(): Promise<Required<Pick<ChainParts, 'store' | 'record' | 'mempoolLog'>>> {
    const { disk } = this
    const store = this.#memory ?? (await disk?.open()) ?? memoryStore()
    return { store, record: disk === undefined ? this.#record : this.#slowRecord(), mempoolLog: this.#mempoolLog() }
  }

  /** The power fails. What the mempool wrote is not synced: its end is gone, within a record. */
  powerCut(random: () => number): void {
    if (this.disk === undefined) return
    this.disk.powerCut(random)
    const kept = Math.floor(random() * (this.#mempool.length + 1))
    const torn = this.#mempool[kept]
    this.#mempool = this.#mempool.slice(0, kept)
    if (torn !== undefined) this.#mempool.push(torn.subarray(0, Math.floor(random() * torn.byteLength)))
  }

  /** Both slot and state are there after a crash, or neither. */
  #slowRecord(): SigningRecord {
    const record = this.#record
    return {
      load: async () => record.load(),
      has: async (slot) => record.has(slot),
      forgetBelow: async (height) => record.forgetBelow(height),
      async save(slot, state) {
        await delay(SIGNING_MS)
        await record.save(slot, state)
      },
    }
  }

  #mempoolLog(): MempoolLog {
    return {
      read: () => [...this.#mempool],
      append: (records) => void this.#mempool.push(...records.map((record) => Uint8Array.from(record))),
      rewrite: (records) => void (this.#mempool = Array.from(records, (record) => Uint8Array.from(record))),
    }
  }
}

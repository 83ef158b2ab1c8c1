import { existsSync, readdirSync } from 'node:fs'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { GridmeshNode } from '@gridmesh/node'
import type { Connection, Stream } from '@libp2p/interface'
import { SoakError } from './errors.ts'
import { Kept } from './kept.ts'
import { countListeners } from './listeners.ts'

/** Counts and sizes, by name. */
export type Counts = Record<string, number>

/** What is open is looked at so often for one sample, and the least that was seen is taken. */
const LOOKS = 5
/** Time between two looks, in ms: in all, longer than a ping or a status message takes. */
const LOOK_INTERVAL_MS = 200
/** What a first collection finds to be finalised, only a second one frees. */
const COLLECTIONS = 3
const DESCRIPTORS = '/proc/self/fd'
const BYTES_PER_KIB = 1_024

/** Counts what is open in this process, and what is closed and not forgotten. */
export class Sampler {
  readonly #node: GridmeshNode
  readonly #kept: Kept
  readonly #collect: NodeJS.GCFunction
  readonly #lookIntervalMs: number

  constructor(node: GridmeshNode, lookIntervalMs = LOOK_INTERVAL_MS) {
    if (globalThis.gc === undefined) throw new SoakError('Node was started without --expose-gc')
    this.#collect = globalThis.gc
    this.#node = node
    this.#lookIntervalMs = lookIntervalMs
    this.#kept = new Kept(node)
  }

  /** Collects garbage and counts. What comes and goes by itself, such as a ping, shows in some looks and not in all. */
  async read(): Promise<Counts> {
    let open = this.#look()
    for (let looks = 1; looks < LOOKS; looks++) {
      await sleep(this.#lookIntervalMs)
      open = least(open, this.#look())
    }
    for (let times = 0; times < COLLECTIONS; times++) {
      this.#collect()
      await nextTurn()
    }
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
    const sizes = { heap: heapUsed / BYTES_PER_KIB, buffers: arrayBuffers / BYTES_PER_KIB, rss: rss / BYTES_PER_KIB }
    return { ...sizes, ...this.#kept.count(), ...open }
  }

  #look(): Counts {
    return { ...countOpen(this.#node), ...activeResources(), ...countListeners(this.#node) }
  }
}

/** Connections of libp2p, and their streams. */
export function countOpen({ libp2p }: GridmeshNode): Counts {
  const connections = libp2p.getConnections()
  const streams = connections.flatMap((connection) => connection.streams)
  const open = streams.filter(isOpen)
  return {
    connections: connections.length,
    streams: open.length,
    // Churn takes the streams of the others with it, what leaked included.
    'streams of the oldest link': oldestOf(connections)?.streams.filter(isOpen).length ?? 0,
    'streams half closed': streams.length - open.length,
  }
}

/** The connection that has been open longest. */
export function oldestOf(connections: readonly Connection[]): Connection | undefined {
  return connections.toSorted((a, b) => a.timeline.open - b.timeline.open)[0]
}

/** Open in both directions; one that is half closed ends by itself, a little later. */
function isOpen({ writeStatus, remoteWriteStatus }: Stream): boolean {
  return writeStatus === 'writable' && remoteWriteStatus === 'writable'
}

/** What keeps the process alive, by type, and its file descriptors where the system tells. */
export function activeResources(): Counts {
  const counts: Counts = {}
  for (const type of process.getActiveResourcesInfo()) {
    const name = `active ${type}`
    counts[name] = (counts[name] ?? 0) + 1
  }
  // Less the one that reads the folder.
  if (existsSync(DESCRIPTORS)) counts['file descriptors'] = readdirSync(DESCRIPTORS).length - 1
  return counts
}

/** The lesser of each count; one that is missing is 0. */
function least(some: Counts, others: Counts): Counts {
  const names = new Set([...Object.keys(some), ...Object.keys(others)])
  return Object.fromEntries([...names].map((name) => [name, Math.min(some[name] ?? 0, others[name] ?? 0)]))
}

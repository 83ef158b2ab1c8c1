// Several nodes of one contender in one process, driven by calls. Each message carries the moment it was sent, of the
// machine's monotonic clock, which all processes share.
import { randomFillSync } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Arrivals } from './broadcast-arrivals.ts'
import { serve } from './serve.ts'

/** One node of a contender. */
export interface BroadcastNode {
  /** The first address that others can dial. */
  address(): string
  dial(address: string): Promise<void>
  /** Peers that a message of ours would go to at once. */
  reach(): number
  publish(message: Uint8Array): Promise<void>
  stop(): Promise<void>
}

/** Makes a node that calls `onMessage` with each message, where a user's handler would stand. */
export type MakeNode = (onMessage: (message: Uint8Array) => void) => Promise<BroadcastNode>

/** Messages published at a steady rate. */
export interface Load {
  /** Nodes that publish in turns, by index. */
  publishers: number[]
  /** Messages per second, of all of them together. */
  perSecond: number
  forMs: number
  bytes: number
}

const POLL_MS = 20
const TICK_MS = 5
const DIALS_AT_ONCE = 8

/** Offers nodes made by `make` to the benchmark. */
export function serveNodes(make: MakeNode): void {
  const nodes: BroadcastNode[] = []
  const arrivals = new Arrivals()
  const nodeAt = (index: number): BroadcastNode => {
    const node = nodes[index]
    if (node === undefined) throw new RangeError(`there is no node ${index}`)
    return node
  }
  serve({
    start: async (count: number) => {
      while (nodes.length < count) nodes.push(await make((message) => arrivals.add(nowNs() - sentAtNs(message))))
      return nodes.map((node) => node.address())
    },
    dial: async (links: [index: number, address: string][]) => {
      const left = [...links]
      const dialOn = async (): Promise<void> => {
        for (let link = left.shift(); link !== undefined; link = left.shift()) await nodeAt(link[0]).dial(link[1])
      }
      await Promise.all(Array.from({ length: DIALS_AT_ONCE }, dialOn))
    },
    whenReaching: async (peers: number) => {
      while (nodes.some((node) => node.reach() < peers)) await sleep(POLL_MS)
    },
    whenArrived: (count: number, deadlineMs: number) => arrivals.take(count, deadlineMs),
    publish: (index: number, bytes: number) => publish(nodeAt(index), bytes),
    load: (load: Load) => publishAtRate(load, nodeAt),
    stop: () => Promise.all(nodes.map((node) => node.stop())),
  })
}

/** Publishes once. Returns the time until the loop of this process was free again and the publish over, in ms. */
async function publish(node: BroadcastNode, bytes: number): Promise<number> {
  const message = messageOf(bytes)
  const startNs = nowNs()
  stamp(message, startNs)
  const published = node.publish(message)
  // What is put off to a microtask or to the end of the tick is part of the cost.
  await Promise.all([published, new Promise((resolve) => setImmediate(resolve))])
  return (nowNs() - startNs) / 1e6
}

/**
 * Publishes at a rate, each message stamped with the moment it was due: a process that falls behind shows in the
 * delays. Returns how many messages that were.
 */
async function publishAtRate(load: Load, nodeAt: (index: number) => BroadcastNode): Promise<number> {
  const { publishers, perSecond, forMs, bytes } = load
  const startNs = nowNs()
  const total = Math.floor((perSecond * forMs) / 1_000)
  const dueNs = (index: number): number => startNs + (index * 1e9) / perSecond
  const under: Promise<void>[] = []
  for (let sent = 0; sent < total;) {
    for (const now = nowNs(); sent < total && dueNs(sent) <= now; sent++) {
      const message = messageOf(bytes)
      stamp(message, dueNs(sent))
      under.push(nodeAt(publishers[sent % publishers.length] ?? 0).publish(message))
    }
    await sleep(TICK_MS)
  }
  await Promise.all(under)
  return total
}

/** Random, so that no two are the same and none can be compressed. */
function messageOf(bytes: number): Uint8Array {
  return randomFillSync(new Uint8Array(bytes))
}

function nowNs(): number {
  return Number(process.hrtime.bigint())
}

function stamp(message: Uint8Array, atNs: number): void {
  new DataView(message.buffer, message.byteOffset).setFloat64(0, atNs)
}

function sentAtNs(message: Uint8Array): number {
  return new DataView(message.buffer, message.byteOffset).getFloat64(0)
}

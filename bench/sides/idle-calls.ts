import type { Libp2p } from '@libp2p/interface'
import type { Calls } from './serve.ts'

/** Memory of a process, in MB. */
export interface IdleMemory {
  rss: number
  heapUsed: number
}

const MB = 1_000_000
/** Once does not do: what one collection finalises, the next one frees. */
const COLLECTIONS = 4

/** What both nodes of the idle benchmark offer. `readyPeers` counts those that the node could talk to. */
export function idleCalls(node: Libp2p, readyPeers: () => number): Calls {
  return {
    address: () => String(node.getMultiaddrs()[0]),
    readyPeers,
    collected,
    stop: () => node.stop(),
  }
}

/** Collects garbage, so the process is to be started with --expose-gc, and returns what is left. */
async function collected(): Promise<IdleMemory> {
  for (let round = 0; round < COLLECTIONS; round++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const { rss, heapUsed } = process.memoryUsage()
  return { rss: rss / MB, heapUsed: heapUsed / MB }
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { GridmeshNode } from '@gridmesh/node'
import { AbortError, TimeoutError } from '@libp2p/interface'
import { SoakError } from './errors.ts'
import { activeResources, countOpen, type Counts } from './sampler.ts'
import { orLate } from './within.ts'

const LOOK_INTERVAL_MS = 100
/** Looks in a row that must see the same. */
const SAME_LOOKS = 5
/** A network that is not calm in this time, in ms, has a fault. Many times what a busy machine takes. */
const CALM_DEADLINE_MS = 60_000
const CLOSE_DEADLINE_MS = 5_000
/** What is under way when a node has stopped gets this long to end, in ms: gossipsub's heartbeat takes 1 s. */
const LEFTOVER_DEADLINE_MS = 5_000

/**
 * Resolves when there is one connection for each peer and nothing that is open has changed for a while.
 * @throws {SoakError} when that does not come
 */
export async function whenCalm(node: GridmeshNode, peers: number): Promise<void> {
  const deadline = performance.now() + CALM_DEADLINE_MS
  let last = ''
  let same = 0
  while (same < SAME_LOOKS) {
    await closeSecondLinks(node)
    const { connections, streams } = countOpen(node)
    const seen = `${connections} connections, ${streams} streams`
    same = connections === peers && seen === last ? same + 1 : 0
    last = seen
    if (performance.now() > deadline) throw new SoakError(`not calm in ${CALM_DEADLINE_MS} ms: ${seen}, ${peers} peers`)
    await sleep(LOOK_INTERVAL_MS)
  }
}

const notClosed = (): Error => new TimeoutError('the connection did not close')

/** Nodes that dial each other at once have two connections, and keep them: the older one is closed. */
export async function closeSecondLinks({ libp2p }: GridmeshNode): Promise<void> {
  for (const peer of libp2p.getPeers()) {
    const [second, ...rest] = libp2p.getConnections(peer)
    if (second === undefined || rest.length === 0) continue
    // libp2p's close rejects where the remote closes meanwhile.
    await orLate(CLOSE_DEADLINE_MS, second.close(), notClosed).catch(() => second.abort(new AbortError()))
  }
}

/**
 * Resolves with what is open and was not in `baseline`, as soon as that is nothing; after a while, with what it is then.
 */
export async function whenBackTo(baseline: Readonly<Counts>): Promise<Counts> {
  const deadline = performance.now() + LEFTOVER_DEADLINE_MS
  for (;;) {
    const counts = Object.entries(activeResources())
    const more = counts.map(([type, count]) => [type, count - (baseline[type] ?? 0)] as const)
    const leftovers = Object.fromEntries(more.filter(([, count]) => count > 0))
    if (Object.keys(leftovers).length === 0 || performance.now() > deadline) return leftovers
    await sleep(LOOK_INTERVAL_MS)
  }
}

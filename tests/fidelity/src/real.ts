import { setTimeout as sleep } from 'node:timers/promises'
import { type Arrival, CRASH, MESSAGES, NODES } from './plan.ts'
import { authorOf, dialledBy, goneAt, neighboursOf } from './plan.ts'
import { RealNode } from './real-node.ts'
import { SlowLink } from './slow-link.ts'

/** Longest wait for anything, in ms: 20 processes start on however few cores. */
const PATIENCE_MS = 60_000
const LOOK_EVERY_MS = 10
/** Share of its time that a process may be busy and still count as quiet: its heartbeats take some. */
const QUIET_SHARE = 0.1

/** How the scenario is played. */
export interface RealInit {
  /** Publishes only while no process is busy, so that delays are those of the links: for a quiet machine. @default false */
  whenQuiet?: boolean
}

/** Plays the scenario with a process for each node, over TCP and Noise. @throws {Error} when it does not come to its end */
export async function real({ whenQuiet = false }: RealInit = {}): Promise<Arrival[]> {
  const nodes = Array.from({ length: NODES }, () => new RealNode())
  const links: SlowLink[] = []
  try {
    await until('every node listens', nodes, () => nodes.every(({ port }) => port > 0))
    for (const [index, node] of nodes.entries()) {
      node.tell({
        type: 'dial',
        addresses: await Promise.all(dialledBy(index).map((other) => way(nodes[other], links))),
      })
    }
    await until('every node has dialled', nodes, () => nodes.every(({ hasDialled }) => hasDialled))
    for (let message = 0; message < MESSAGES; message++) {
      if (message === CRASH.beforeMessage) await nodes[CRASH.node]?.kill()
      const gone = goneAt(message)
      const isQuiet = ({ load }: RealNode, index: number): boolean => gone.has(index) || load < QUIET_SHARE
      if (whenQuiet) await until('every process is quiet', nodes, () => nodes.every(isQuiet))
      await publish(message, nodes)
    }
    return nodes.flatMap((node, index) => arrivalsAt(index, node, nodes))
  } finally {
    await Promise.all(nodes.map((node) => node.kill()))
    await Promise.all(links.map((link) => link.close()))
  }
}

/** An address that leads to a node over a slow link. */
async function way(to: RealNode | undefined, links: SlowLink[]): Promise<string> {
  if (to === undefined) throw new RangeError('there is no such node')
  const link = await SlowLink.open(to.port)
  links.push(link)
  return `/ip4/127.0.0.1/tcp/${link.port}/p2p/${to.peerId}`
}

/** Resolves when every other node has the message. */
async function publish(message: number, nodes: readonly RealNode[]): Promise<void> {
  const gone = goneAt(message)
  const isMeshed = ({ meshSize }: RealNode, index: number): boolean =>
    gone.has(index) || meshSize === neighboursOf(index, gone).length
  await until('every mesh holds all neighbours', nodes, () => nodes.every(isMeshed))
  nodes[authorOf(message)]?.tell({ type: 'publish', message })
  const count = (): number => nodes.filter((node) => node.arrived.some((arrival) => arrival.message === message)).length
  await until(`message ${message} is everywhere`, nodes, () => count() >= NODES - 1 - gone.size)
}

function arrivalsAt(index: number, { arrived }: RealNode, nodes: readonly RealNode[]): Arrival[] {
  return arrived.map(({ message, atMs }) => {
    const publishedAtMs = nodes[authorOf(message)]?.published.get(message) ?? Number.NaN
    return { message, node: index, delayMs: atMs - publishedAtMs }
  })
}

async function until(what: string, nodes: readonly RealNode[], isSo: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!isSo()) {
    for (const node of nodes) node.check()
    if (performance.now() > end) throw new RangeError(`${what}: not so after ${PATIENCE_MS} ms`)
    await sleep(LOOK_EVERY_MS)
  }
}

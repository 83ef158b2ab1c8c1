import { Fleet } from '@gridmesh-internal/support'
import type { GridmeshNode } from '@gridmesh/node'
import type { Libp2p } from 'libp2p'
import { plainNode } from '../links/plain.ts'
import { WholeNodes } from '../links/whole.ts'
import { type Bench, type Line, median, quantile } from '../report.ts'

const ROUNDS = 5
const DIALS = 40
const FLEET_NODES = 30
const FLEET_PROCESSES = 2
/** Time that a peer has to be found, in ms: beyond it the run has failed. */
const FOUND_DEADLINE_MS = 60_000

/** How fast links come about: one dial, a peer found through another, and a whole network from one node. */
export const bench: Bench = {
  about: 'whole nodes over TCP and Noise on loopback; theirs: plain libp2p, both ends in this process',
  async *run() {
    yield* connecting()
    yield* finding()
    yield* gathering()
  },
}

async function* connecting(): AsyncIterable<Line> {
  const whole = await WholeNodes.prepare(2)
  const [a, b] = [await whole.next(), await whole.next()]
  const [c, d] = [await plainNode(), await plainNode()]
  await Promise.all([a, b, c, d].map(async (node) => node.start()))
  // Or it would be the reconnection that dials.
  for (const node of [a, b]) node.libp2p.services.reconnection.suspend()
  const [ours, theirs]: number[][][] = [[], []]
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      const [mine, other] = [await repeat(() => connectWhole(a, b)), await repeat(() => connectPlain(c, d))]
      // The first round warms up and is thrown away.
      if (round > 0) ours?.push(mine)
      if (round > 0) theirs?.push(other)
    }
  } finally {
    await whole.stop()
    await Promise.all([c.stop(), d.stop()])
  }
  for (const [metric, q] of [
    ['p50', 0.5],
    ['p99', 0.99],
  ] as const) {
    const goal = q === 0.99 ? 100 : undefined
    yield compare(
      'connect until the handshake is agreed (theirs: until dialled)',
      metric,
      q,
      ours ?? [],
      theirs ?? [],
      goal,
    )
  }
}

async function* finding(): AsyncIterable<Line> {
  const [ours, theirs]: number[][][] = [[], []]
  for (let round = 0; round <= ROUNDS; round++) {
    const [mine, other] = [await findWhole(), await findPlain()]
    if (round > 0) ours?.push([mine])
    if (round > 0) theirs?.push([other])
  }
  yield compare('from start to a peer that only the first peer knows', 'p50', 0.5, ours ?? [], theirs ?? [], 1_500)
}

async function* gathering(): AsyncIterable<Line> {
  const toMinimum: number[][] = []
  const toTarget: number[][] = []
  for (let round = 0; round < 3; round++) {
    const flags = {
      'p2p.minPeers': 8,
      'discovery.targetPeers': 12,
      'discovery.strategies': ['bootstrap', 'peer-exchange'],
    }
    const fleet = await Fleet.start({ nodes: FLEET_NODES, processes: FLEET_PROCESSES, flags })
    try {
      await fleet.whenTargetMet(FOUND_DEADLINE_MS)
      const nodes = [...fleet.nodes.values()]
      toMinimum.push(nodes.map((node) => node.toMinimumMs ?? Number.NaN))
      toTarget.push(nodes.map((node) => node.toTargetMs ?? Number.NaN))
    } finally {
      await fleet.stop()
    }
  }
  const name = `${FLEET_NODES} nodes at once from one bootstrap node, in ${FLEET_PROCESSES} processes`
  yield single(`${name}: to 8 peers`, 'p50', toMinimum, 0.5)
  yield single(`${name}: to 8 peers`, 'p95', toMinimum, 0.95, 5_000)
  yield single(`${name}: to 12 peers`, 'p95', toTarget, 0.95)
}

async function repeat(one: () => Promise<number>): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < DIALS; i++) times.push(await one())
  return times
}

async function connectWhole(from: GridmeshNode, to: GridmeshNode): Promise<number> {
  const { libp2p } = from
  const start = performance.now()
  await libp2p.dial(to.libp2p.getMultiaddrs())
  await libp2p.services.handshake.whenReady(to.libp2p.peerId)
  const took = performance.now() - start
  await part(libp2p, to.libp2p)
  return took
}

async function connectPlain(from: Libp2p, to: Libp2p): Promise<number> {
  const start = performance.now()
  await from.dial(to.getMultiaddrs())
  const took = performance.now() - start
  await part(from, to)
  return took
}

async function part(from: Libp2p, to: Libp2p): Promise<void> {
  await from.hangUp(to.peerId)
  await until(() => to.getConnections(from.peerId).length === 0)
}

async function findWhole(): Promise<number> {
  const whole = await WholeNodes.prepare(3)
  try {
    const first = await whole.next()
    await first.start()
    const hidden = await whole.next(first)
    await hidden.start()
    await until(() => hidden.libp2p.services.handshake.isReady(first.libp2p.peerId))
    const newcomer = await whole.next(first)
    const start = performance.now()
    await newcomer.start()
    await until(() => newcomer.libp2p.services.handshake.isReady(hidden.libp2p.peerId))
    return performance.now() - start
  } finally {
    await whole.stop()
  }
}

async function findPlain(): Promise<number> {
  const first = await plainNode()
  await first.start()
  const hidden = await plainNode(first)
  await hidden.start()
  await until(() => hidden.getConnections(first.peerId).length > 0)
  const newcomer = await plainNode(first)
  try {
    const start = performance.now()
    await newcomer.start()
    await until(() => newcomer.getConnections(hidden.peerId).length > 0)
    return performance.now() - start
  } finally {
    await Promise.all([first, hidden, newcomer].map(async (node) => node.stop()))
  }
}

async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + FOUND_DEADLINE_MS
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`no such link after ${FOUND_DEADLINE_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

function compare(
  name: string,
  metric: string,
  q: number,
  mine: readonly number[][],
  other: readonly number[][],
  goal?: number,
): Line {
  const line = single(name, metric, mine, q, goal)
  const theirs = median(other.map((times) => quantile(times, q)))
  return { ...line, theirs, ratio: line.ours / theirs }
}

function single(name: string, metric: string, rounds: readonly number[][], q: number, goal?: number): Line {
  const raw = rounds.map((times) => quantile(times, q))
  const ours = median(raw)
  return {
    case: name,
    metric,
    unit: 'ms',
    ours,
    raw,
    ...(goal === undefined ? {} : { goal: `< ${goal}`, met: ours < goal }),
  }
}

import type { Bench, Line } from '../report.ts'
import { alone, beside, type Measured } from '../rounds.ts'
import type { IdleMemory } from '../sides/idle-calls.ts'
import { Side } from '../side.ts'

/** The peers that the goals are about. */
const GOAL_PEERS = 50
const LEVELS = [0, GOAL_PEERS, 100, 1_000] as const
const MAX_RATIO = 1.2
/** Times that each is measured; the level with goals more often. */
const [ROUNDS, GOAL_ROUNDS] = [1, 3]
/** Time for which the node is left alone and its processor time is measured, in ms: what is rare comes once in it. */
const WINDOW_MS = 60_000
/** Time that what a new peer causes may take to end, in ms. */
const SETTLE_MS = 5_000
const READY_DEADLINE_MS = 60_000

/** A node that keeps its peers and does nothing else: memory and processor time. */
export const bench: Bench = {
  about: 'an idle node with all services of apps/node; theirs: libp2p with gossipsub, identify and ping',
  async *run() {
    const contenders: Contender[] = []
    try {
      contenders.push(await start('ours'), await start('bare'))
      for (const peers of LEVELS) {
        for (const contender of contenders) await connect(contender, peers)
        const rounds: Idle[][] = []
        const wanted = peers === GOAL_PEERS ? GOAL_ROUNDS : ROUNDS
        while (rounds.length < wanted) rounds.push(await Promise.all(contenders.map(({ node }) => idle(node))))
        yield* lines(peers, rounds)
      }
    } finally {
      await Promise.all(contenders.flatMap(({ node, peers }) => [node.stop(), peers.stop()]))
    }
  },
}

interface Contender {
  node: Side
  /** The process with the peers of this node. */
  peers: Side
}

/** What a node used while it did nothing. */
interface Idle extends IdleMemory {
  /** Processor time in each second, in ms. */
  cpuMsPerSecond: number
}

async function start(name: 'ours' | 'bare'): Promise<Contender> {
  const node = await Side.start(new URL(`../sides/idle-${name}.ts`, import.meta.url), [], ['--expose-gc'])
  const peers = await Side.start(new URL('../sides/idle-peers.ts', import.meta.url), [name])
  return { node, peers }
}

async function connect({ node, peers }: Contender, count: number): Promise<void> {
  await peers.call('grow', count, await node.call<string>('address'))
  await readyWith(node, count)
}

/** Both nodes are measured in the same seconds, so that a slow moment of the machine hits both. */
async function idle(node: Side): Promise<Idle> {
  await pause(SETTLE_MS)
  await node.call('collected')
  const [startMs, startedAt] = [await node.call<number>('cpuMs'), performance.now()]
  await pause(WINDOW_MS)
  const seconds = (performance.now() - startedAt) / 1_000
  const cpuMsPerSecond = ((await node.call<number>('cpuMs')) - startMs) / seconds
  return { cpuMsPerSecond, ...(await node.call<IdleMemory>('collected')) }
}

async function readyWith(node: Side, count: number): Promise<void> {
  const end = performance.now() + READY_DEADLINE_MS
  for (;;) {
    const ready = await node.call<number>('readyPeers')
    if (ready >= count) return
    if (performance.now() > end) throw new RangeError(`${ready} of ${count} peers were ready in time`)
    await pause(100)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Each round has ours first, then theirs. */
function* lines(peers: number, rounds: readonly Idle[][]): Iterable<Line> {
  const name = `${peers.toLocaleString('en')} peers`
  const goal = peers === GOAL_PEERS ? (`<= ${MAX_RATIO}` as const) : undefined
  const of = (figure: keyof Idle, what: Omit<Measured, 'case'>): Line[] => {
    const [mine, raw] = [0, 1].map((side) => rounds.flatMap((round) => round[side]?.[figure] ?? []))
    const whole = { ...what, case: name }
    return [beside(whole, mine ?? [], { name: 'bare', raw: raw ?? [] }, goal), alone(whole, 'bare', raw ?? [])]
  }
  yield* of('rss', { metric: 'resident memory', unit: 'MB' })
  yield* of('heapUsed', { metric: 'heap after collection', unit: 'MB' })
  yield* of('cpuMsPerSecond', { metric: 'processor', unit: 'ms/s' })
}

import { BroadcastNetwork, GOSSIPSUB, ours } from '../broadcast-network.ts'
import { type Bench, type Line, median, quantile } from '../report.ts'

const [WARM_UPS, TRIALS] = [4, 16]
const NODES = 50
/** Neighbours on either side in the ring, by distance: degree 8. */
const OFFSETS = [1, 6, 14, 21]
const BYTES = 250
const FOR_MS = 3_000
const MAX_P99_MS = 1_000
/** What a rate is multiplied by when it was sustained, and divided by when it was not; its root, down to the least, with each turn. */
const [STEP, MIN_STEP] = [1.3, 1.05]
/** How long messages are gathered, in ms: what a user who wants a second at most can afford. */
const BATCH_DELAY_MS = { tree: 500, gossip: 300 } as const
const MIN_PER_SECOND = 1_000
const MIN_RATIO = 40

const NETWORKS = {
  tree: ours('batched, by tree, verified by each', 'tree', String(BATCH_DELAY_MS.tree)),
  gossip: ours('batched gossip, verified by each', 'gossip', String(BATCH_DELAY_MS.gossip)),
  gossipsub: GOSSIPSUB,
}
type NetworkName = keyof typeof NETWORKS
/**
 * Who publishes, and the load that is tried first. A batch costs every node a verification and its copies, whatever is in
 * it, so it matters over how many batches the messages spread; to gossipsub it makes no difference.
 */
const CONTENDERS = {
  tree: { network: 'tree', publishers: NODES, firstRate: 500, name: `${NETWORKS.tree.name}, ${NODES} publish` },
  treeOfSome: { network: 'tree', publishers: 10, firstRate: 1_000, name: `${NETWORKS.tree.name}, 10 publish` },
  gossip: { network: 'gossip', publishers: NODES, firstRate: 300, name: `${NETWORKS.gossip.name}, ${NODES} publish` },
  gossipOfSome: { network: 'gossip', publishers: 10, firstRate: 1_000, name: `${NETWORKS.gossip.name}, 10 publish` },
  gossipsub: { network: 'gossipsub', publishers: NODES, firstRate: 10, name: NETWORKS.gossipsub.name },
} as const satisfies Record<string, { network: NetworkName; publishers: number; firstRate: number; name: string }>
type Name = keyof typeof CONTENDERS
const NAMES = Object.keys(CONTENDERS) as Name[]
const OURS = NAMES.filter((name) => CONTENDERS[name].network !== 'gossipsub')

/** One load, and what it came to. */
interface Trial {
  perSecond: number
  /** By how much the next one is to differ. */
  step: number
  isSustained: boolean
  p99Ms: number
  missing: number
  cpuMicros: number
}

/** The highest rate at which every node gets every message, and the slowest hundredth still within a second. */
export const bench: Bench = {
  about: `${NODES} nodes in a mesh of degree ${OFFSETS.length * 2}, messages of ${BYTES} B`,
  async *run() {
    const networks = new Map<NetworkName, BroadcastNetwork>()
    const trials: Record<Name, Trial[]> = { tree: [], treeOfSome: [], gossip: [], gossipOfSome: [], gossipsub: [] }
    try {
      for (const name of ['tree', 'gossip', 'gossipsub'] as const) {
        networks.set(name, await BroadcastNetwork.mesh(NETWORKS[name], NODES, OFFSETS))
      }
      // What has hardly run yet is slow: these are not counted.
      for (let round = 0; round < WARM_UPS; round++) {
        for (const name of NAMES) await attempt(networks, name, undefined)
      }
      for (let trial = 0; trial < TRIALS; trial++) {
        for (const name of NAMES) trials[name].push(await attempt(networks, name, trials[name].at(-1)))
      }
      yield* lines(trials)
    } finally {
      await Promise.all([...networks.values()].map((network) => network.stop()))
    }
  },
}

/** Tries more than the last time where that was sustained, and less where it was not. */
async function attempt(
  networks: ReadonlyMap<NetworkName, BroadcastNetwork>,
  name: Name,
  last: Trial | undefined,
): Promise<Trial> {
  const { network: networkName, publishers, firstRate } = CONTENDERS[name]
  const network = networks.get(networkName)
  if (network === undefined) throw new RangeError(`there is no network of ${networkName}`)
  const perSecond = last === undefined ? firstRate : last.perSecond * (last.isSustained ? last.step : 1 / last.step)
  const result = await network.awake(() => load(network, perSecond, publishers))
  const [step, isTurn] = [last?.step ?? STEP, last !== undefined && last.isSustained !== result.isSustained]
  return { ...result, step: isTurn ? Math.max(MIN_STEP, Math.sqrt(step)) : step }
}

async function load(network: BroadcastNetwork, perSecond: number, publishers: number): Promise<Omit<Trial, 'step'>> {
  const startMs = await network.cpuMs()
  const { sent, delaysMs } = await network.load({ perSecond, forMs: FOR_MS, bytes: BYTES }, publishers)
  const missing = sent * (NODES - 1) - delaysMs.length
  const p99Ms = quantile(delaysMs, 0.99)
  const cpuMicros = (((await network.cpuMs()) - startMs) * 1_000) / delaysMs.length
  return { perSecond, missing, p99Ms, cpuMicros, isSustained: missing === 0 && p99Ms < MAX_P99_MS }
}

function* lines(trials: Record<Name, Trial[]>): Iterable<Line> {
  const best = (name: Name): Trial[] => trials[name].filter(({ isSustained }) => isSustained)
  const highest = (name: Name): number => Math.max(0, ...best(name).map(({ perSecond }) => perSecond))
  const theirs = highest('gossipsub')
  const raw = (name: Name): number[] => trials[name].map(({ perSecond, isSustained }) => (isSustained ? perSecond : 0))
  const what = { metric: 'sustained, every message everywhere, p99 < 1 s', unit: 'messages/s' }
  for (const name of OURS) {
    const highestOurs = highest(name)
    const mine = { ...what, case: CONTENDERS[name].name, ours: highestOurs, raw: raw(name) }
    yield { ...mine, goal: `>= ${MIN_PER_SECOND}`, met: highestOurs >= MIN_PER_SECOND }
    const ratio = highestOurs / theirs
    const beside = { ...mine, case: `${CONTENDERS[name].name} (theirs: ${CONTENDERS.gossipsub.name})`, theirs, ratio }
    yield { ...beside, goal: `ratio >= ${MIN_RATIO}`, met: ratio >= MIN_RATIO }
  }
  yield { ...what, case: CONTENDERS.gossipsub.name, ours: theirs, raw: raw('gossipsub') }
  for (const name of NAMES) {
    const tried = trials[name]
    const of = (metric: string, unit: string, figure: (trial: Trial) => number): Line => {
      const all = tried.map(figure)
      return { case: `each load, ${CONTENDERS[name].name}`, metric, unit, ours: median(all), raw: all }
    }
    yield of('offered', 'messages/s', ({ perSecond }) => perSecond)
    yield of('p99 of delivery', 'ms', ({ p99Ms }) => p99Ms)
    yield of('not delivered', 'messages', ({ missing }) => missing)
    yield of('processor a delivery', 'µs', ({ cpuMicros }) => cpuMicros)
  }
}

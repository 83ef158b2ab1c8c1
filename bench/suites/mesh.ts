import { BroadcastNetwork, GOSSIPSUB, ours } from '../broadcast-network.ts'
import { type Bench, type Line, median, quantile } from '../report.ts'
import { alone, beside, inTurns } from '../rounds.ts'

const ROUNDS = 5
/** Messages of one round, each from another node; the delays of all their deliveries are one sample. */
const MESSAGES = 6
const NODES = 100
/** Neighbours on either side in the ring, by distance: degree 8, and no node is further than four links away. */
const OFFSETS = [1, 7, 22, 41]
const SIZES = { '128 B': 128, '1 KiB': 1_024, '10 KiB': 10_240 } as const

/** Before anything is measured: code that has hardly run yet is several times as slow, in proportion to how much of it there is. */
const WARM_UP = { perSecond: 10, forMs: 8_000, bytes: 1_024 }

const CONTENDERS = {
  tree: ours('tree, verified by each', 'tree'),
  gossip: ours('gossip, verified by each', 'gossip'),
  gossipsub: GOSSIPSUB,
} as const
type Name = keyof typeof CONTENDERS
const NAMES = Object.keys(CONTENDERS) as Name[]
const OURS = ['tree', 'gossip'] as const satisfies Name[]

/** What the rounds of one contender came to, beside the p99 that each round returns. */
interface Kept {
  p50Ms: number[]
  /** Share of the deliveries that came. */
  delivered: number[]
}

/** Nodes publish in turns; every other one has to get each message, over the links of its mesh. */
export const bench: Bench = {
  about: `a mesh of ${NODES} nodes of degree ${OFFSETS.length * 2}, in processes of their own`,
  async *run() {
    const networks: BroadcastNetwork[] = []
    const start = async (name: Name): Promise<BroadcastNetwork> => {
      const network = await BroadcastNetwork.mesh(CONTENDERS[name], NODES, OFFSETS)
      networks.push(network)
      await network.awake(() => network.load(WARM_UP, NODES))
      return network
    }
    try {
      const [tree, gossip, gossipsub] = [await start('tree'), await start('gossip'), await start('gossipsub')]
      for (const [size, bytes] of Object.entries(SIZES)) {
        const kept = { tree: keep(), gossip: keep(), gossipsub: keep() }
        const p99 = await inTurns(
          {
            tree: () => tree.awake(() => round(tree, bytes, kept.tree)),
            gossip: () => gossip.awake(() => round(gossip, bytes, kept.gossip)),
            gossipsub: () => gossipsub.awake(() => round(gossipsub, bytes, kept.gossipsub)),
          },
          ROUNDS,
        )
        yield* lines(size, p99, kept)
      }
    } finally {
      await Promise.all(networks.map((network) => network.stop()))
    }
  },
}

function keep(): Kept {
  return { p50Ms: [], delivered: [] }
}

/** Returns the p99 of the delays of one round, in ms. */
async function round(network: BroadcastNetwork, bytes: number, kept: Kept): Promise<number> {
  const delaysMs: number[] = []
  for (let message = 0; message < MESSAGES; message++) {
    const outcome = await network.publishFrom((message * NODES) / MESSAGES, bytes)
    delaysMs.push(...outcome.delaysMs)
  }
  kept.p50Ms.push(median(delaysMs))
  kept.delivered.push((100 * delaysMs.length) / (MESSAGES * (NODES - 1)))
  return quantile(delaysMs, 0.99)
}

function* lines(size: string, p99: Record<Name, number[]>, kept: Record<Name, Kept>): Iterable<Line> {
  const other = CONTENDERS.gossipsub.name
  // The first round is thrown away, as for the p99.
  const rounds = (name: Name, figure: keyof Kept): number[] => kept[name][figure].slice(1)
  for (const name of OURS) {
    const what = { case: `${size}, ${CONTENDERS[name].name}`, unit: 'ms' }
    yield beside({ ...what, metric: 'p99 of delivery' }, p99[name], { name: other, raw: p99.gossipsub }, '<= 0.6')
    yield beside({ ...what, metric: 'p50 of delivery' }, rounds(name, 'p50Ms'), {
      name: other,
      raw: rounds('gossipsub', 'p50Ms'),
    })
  }
  yield alone({ case: size, metric: 'p99 of delivery', unit: 'ms' }, other, p99.gossipsub)
  for (const name of NAMES) {
    const raw = rounds(name, 'delivered')
    const line = alone({ case: size, metric: 'delivered', unit: '%' }, CONTENDERS[name].name, raw)
    const isAll = raw.every((share) => share === 100)
    yield name === 'gossipsub' ? line : { ...line, goal: 'each round 100', met: isAll }
  }
}

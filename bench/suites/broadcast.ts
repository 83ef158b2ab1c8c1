import { BroadcastNetwork, type Contender, FAN_OUT, GOSSIPSUB, GOSSIPSUB_14, ours } from '../broadcast-network.ts'
import { type Bench, type Line, median } from '../report.ts'
import { alone, beside, inTurns } from '../rounds.ts'

const ROUNDS = 5
/** Messages of one round, whose median counts. */
const MESSAGES = 5
/** Messages before the first round: a service is compiled bit by bit, a bare loop at once. */
const WARM_UP = 30
const PEERS = 100
const SIZES = { '128 B': 128, '1 KiB': 1_024, '10 KiB': 10_240 } as const
/** The size that the goals are for. */
const GOAL_SIZE = 1_024
const MAX_OWN_MS = 5

const CONTENDERS = {
  flood: ours('flood, verified by each', 'flood'),
  plain: ours('flood, no signature', 'plain'),
  gossipsub: GOSSIPSUB,
  'gossipsub 14': GOSSIPSUB_14,
  'fan-out': FAN_OUT,
} as const
type Name = keyof typeof CONTENDERS
const NAMES = Object.keys(CONTENDERS) as Name[]

type Networks = Record<Name, BroadcastNetwork>
type Rounds = Record<Name, number[]>

/** One node publishes to 100 peers that are connected to it, until the handler of the last has the message. */
export const bench: Bench = {
  about: `one publisher, ${PEERS} directly connected peers, in processes of their own`,
  async *run() {
    const networks = await connect()
    try {
      for (const [size, bytes] of Object.entries(SIZES)) {
        const own = Object.fromEntries(NAMES.map((name) => [name, [] as number[]])) as Rounds
        const last = await inTurns(
          Object.fromEntries(
            NAMES.map((name) => [name, () => networks[name].awake(() => round(networks[name], bytes, own[name]))]),
          ) as Record<Name, () => Promise<number>>,
          ROUNDS,
        )
        yield* lines(size, bytes === GOAL_SIZE, last, own)
      }
    } finally {
      await Promise.all(Object.values(networks).map((network) => network.stop()))
    }
  },
}

async function connect(): Promise<Networks> {
  const networks: Partial<Networks> = {}
  try {
    for (const name of NAMES) {
      const network = await BroadcastNetwork.star(CONTENDERS[name] satisfies Contender, PEERS)
      networks[name] = network
      await network.awake(async () => {
        for (let message = 0; message < WARM_UP; message++) await network.publish(GOAL_SIZE)
      })
    }
    return networks as Networks
  } catch (err) {
    await Promise.all(Object.values(networks).map((network) => network.stop()))
    throw err
  }
}

/** Returns ms until the last peer had it, and puts the publisher's own time with the others. */
async function round(network: BroadcastNetwork, bytes: number, own: number[]): Promise<number> {
  const lastMs: number[] = []
  const ownMs: number[] = []
  for (let message = 0; message < MESSAGES; message++) {
    const outcome = await network.publish(bytes)
    if (outcome.delaysMs.length !== PEERS) throw new RangeError(`${outcome.delaysMs.length} of ${PEERS} peers got it`)
    lastMs.push(Math.max(...outcome.delaysMs))
    ownMs.push(outcome.ownMs)
  }
  own.push(median(ownMs))
  return median(lastMs)
}

function* lines(size: string, hasGoals: boolean, last: Rounds, own: Rounds): Iterable<Line> {
  const until = { metric: 'until the last peer', unit: 'ms' }
  const versus = (name: Name): { name: string; raw: number[] } => ({ name: CONTENDERS[name].name, raw: last[name] })
  const flood = { ...until, case: `${size}, ${CONTENDERS.flood.name}` }
  const plain = { ...until, case: `${size}, ${CONTENDERS.plain.name}` }
  yield beside(flood, last.flood, versus('gossipsub'), ...(hasGoals ? (['<= 0.25'] as const) : []))
  yield beside(flood, last.flood, versus('gossipsub 14'))
  yield beside(plain, last.plain, versus('fan-out'), ...(hasGoals ? (['<= 0.6'] as const) : []))
  for (const name of NAMES) yield alone({ ...until, case: size }, CONTENDERS[name].name, last[name])
  for (const name of NAMES) {
    // The first round is thrown away, as for the other figure.
    const raw = own[name].slice(1)
    const line = alone({ case: size, metric: "publisher's own time", unit: 'ms' }, CONTENDERS[name].name, raw)
    const isOurs = name === 'flood' || name === 'plain'
    yield hasGoals && isOurs ? { ...line, goal: `<= ${MAX_OWN_MS}`, met: line.ours <= MAX_OWN_MS } : line
  }
}

import type { Bench, Line } from '../report.ts'
import { alone, beside, inTurns, type Measured, type RatioGoal } from '../rounds.ts'
import type { Answered } from '../sides/asking.ts'
import { type ContenderName, NAMES, Team } from '../unicast/contenders.ts'

const ROUNDS = 5
/** Time of one figure, in ms. */
const SLICE_MS = 250
/** Time that each has before the first round: a service is compiled bit by bit, a bare loop at once. */
const WARM_UP_MS = 1_500
const IN_FLIGHT = 64
const PEERS = 100
const PEER_PROCESSES = 2

type Teams = Record<ContenderName, Team>
type Goals = Partial<Record<ContenderName, RatioGoal>>
type Raw = Record<ContenderName, number[]>

const IN_FLIGHT_GOALS: Goals = {
  '@lodestar/reqresp': '>= 50',
  'a libp2p stream per request': '>= 20',
  'hyperdht + protomux': '>= 1.4',
  'bare framed stream over @libp2p/noise': '>= 0.8',
  'bare framed stream over our Noise': '>= 0.8',
}

/** Requests and answers between processes, by ours and by what a user would pick instead. */
export const bench: Bench = {
  about: 'requests over TCP loopback, each side a process of its own',
  async *run() {
    yield* withTeams(1, 1, async function* (teams) {
      yield* oneByOne(teams)
      yield* inFlight(teams, '128 B, 64 in flight', 128, IN_FLIGHT_GOALS)
      yield* inFlight(teams, '1 KiB, 64 in flight', 1_024)
      yield* inFlight(teams, '64 KiB, 64 in flight', 65_536)
    })
    yield* withTeams(PEERS, PEER_PROCESSES, async function* (teams) {
      yield* inFlight(teams, `128 B, 64 in flight to ${PEERS} peers in ${PEER_PROCESSES} processes`, 128)
    })
  },
}

async function* withTeams(
  peers: number,
  processes: number,
  figures: (teams: Teams) => AsyncIterable<Line>,
): AsyncIterable<Line> {
  const started: [ContenderName, Team][] = []
  try {
    for (const name of NAMES) {
      const team = await Team.start(name, peers, processes)
      started.push([name, team])
      await team.asker.call('inFlight', WARM_UP_MS, 128, IN_FLIGHT)
    }
    yield* figures(Object.fromEntries(started) as Teams)
  } finally {
    await Promise.all(started.map(([, team]) => team.stop()))
  }
}

async function* oneByOne(teams: Teams): AsyncIterable<Line> {
  const raw = await inTurns(
    each((name) => () => teams[name].asker.call<number>('oneByOne', SLICE_MS, 128)),
    ROUNDS,
  )
  const what = { case: '128 B, one by one', metric: 'p50', unit: 'µs' }
  yield* all(what, raw, { 'bare framed stream over @libp2p/noise': '<= 0.6' })
}

async function* inFlight(teams: Teams, name: string, bytes: number, goals: Goals = {}): AsyncIterable<Line> {
  const cpu = each((): number[] => [])
  const contenders = each((contender) => async () => {
    const team = teams[contender]
    const before = await team.cpuMs()
    const { requests, ms } = await team.asker.call<Answered>('inFlight', SLICE_MS, bytes, IN_FLIGHT)
    cpu[contender].push((((await team.cpuMs()) - before) * 1_000) / requests)
    return requests / (ms / 1_000)
  })
  yield* all({ case: name, metric: 'rate', unit: 'requests/s' }, await inTurns(contenders, ROUNDS), goals)
  // The round that warms up.
  for (const raw of Object.values(cpu)) raw.shift()
  yield* all({ case: name, metric: 'processor time of both sides', unit: 'µs' }, cpu, {})
}

/** Ours beside those that there is a goal for, then the rounds of all the others. */
function* all(what: Measured, raw: Raw, goals: Goals): Iterable<Line> {
  const mine = raw.unicast
  for (const name of NAMES) {
    const goal = goals[name]
    if (goal !== undefined) yield beside(what, mine, { name, raw: raw[name] }, goal)
  }
  for (const name of NAMES) yield alone(what, name, raw[name])
}

function each<T>(make: (name: ContenderName) => T): Record<ContenderName, T> {
  return Object.fromEntries(NAMES.map((name) => [name, make(name)])) as Record<ContenderName, T>
}

import { type Arrival, LINK_MS, NODES, distances, real, simulated } from '@gridmesh-internal/fidelity'
import { type Bench, type Line, median, quantile } from '../report.ts'

const ROUNDS = 3
/**
 * How far a delivery may really be from what was simulated, for each link on its way, in ms: half a link, so that
 * both take as many links. The nodes share the cores of one machine, where their code takes time that it does not in the
 * simulator: the delays say how much.
 */
const TOLERANCE_MS = LINK_MS / 2
/** Share of the deliveries that have to be within it; others met a busy moment of the machine. */
const GOAL = 0.95

const nameOf = ({ message, node }: Arrival): string => `${message} at ${node}`
const delays = (arrivals: readonly Arrival[]): number[] => arrivals.map(({ delayMs }) => delayMs)

/** One scenario at both levels of the simulator, and by a process for each node over TCP with links as slow. */
export const bench: Bench = {
  about: `gossip between ${NODES} nodes, links of ${LINK_MS} ms, one node dies: simulated (ours), and real (theirs)`,
  async *run() {
    const [host, stack] = [await simulated('host'), await simulated('stack')]
    const measured: Arrival[][] = []
    for (let round = 0; round < ROUNDS; round++) measured.push(await real({ whenQuiet: true }))
    for (const [level, arrivals] of [
      ['host', host],
      ['stack', stack],
    ] as const) {
      yield* compare(level, arrivals, measured)
    }
  },
}

function* compare(level: string, simulation: readonly Arrival[], measured: readonly Arrival[][]): Iterable<Line> {
  const base = { case: level, unit: '' }
  yield {
    ...base,
    metric: 'deliveries',
    ...both(
      [simulation.length],
      measured.map((round) => round.length),
    ),
  }
  for (const q of [0.5, 0.9, 0.99]) {
    const theirs = measured.map((round) => quantile(delays(round), q))
    yield { ...base, metric: `delay p${q * 100}`, unit: 'ms', ...both([quantile(delays(simulation), q)], theirs) }
  }
  const raw = measured.map((round) => agreement(simulation, round))
  const ours = median(raw)
  const metric = `share of deliveries within ${TOLERANCE_MS} ms a link`
  yield { ...base, metric, ours, raw, goal: `>= ${GOAL}`, met: ours >= GOAL }
}

function both(
  simulation: readonly number[],
  measured: readonly number[],
): Pick<Line, 'ours' | 'theirs' | 'ratio' | 'raw'> {
  const [ours, theirs] = [median(simulation), median(measured)]
  return { ours, theirs, ratio: ours / theirs, raw: measured }
}

/** Share of what was simulated that really took as long, and not much longer. */
function agreement(simulation: readonly Arrival[], measured: readonly Arrival[]): number {
  const took = new Map(measured.map((arrival) => [nameOf(arrival), arrival.delayMs]))
  const near = simulation.filter((arrival) => {
    const links = distances(arrival.message).get(arrival.node) ?? 0
    return Math.abs((took.get(nameOf(arrival)) ?? Number.NaN) - arrival.delayMs) <= links * TOLERANCE_MS
  })
  return near.length / simulation.length
}

import { availableParallelism, totalmem } from 'node:os'
import { simulate } from '../processes/simulate.ts'
import type { SimnetFigures } from '../processes/simnet-run.ts'
import type { Bench, Line } from '../report.ts'

const NODES = [100, 1_000, 10_000] as const
const GIB = 2 ** 30

/** The simulator with gossipsub (D 8), peer manager, health monitor and broadcast, and Thailand's latencies. */
export const bench: Bench = {
  about: `10 messages of 1 KiB in 60 virtual seconds, ${availableParallelism()} cores, ${Math.round(totalmem() / GIB)} GiB`,
  async *run() {
    const costs: SimnetFigures[] = []
    for (const nodes of NODES) {
      const first = measure(nodes)
      costs.push(first)
      yield* figures(first)
      yield* nodes === 10_000 ? atTenThousand(first) : repeated(first, measure(nodes))
    }
    yield* growth(costs)
  },
}

function measure(nodes: number): SimnetFigures {
  return simulate(new URL('../processes/simnet-run.ts', import.meta.url), nodes) as SimnetFigures
}

function line(nodes: number, metric: string, unit: string, ours: number, goal?: [string, boolean]): Line {
  const base = { case: `${nodes.toLocaleString('en')} nodes`, metric, unit, ours, raw: [ours] }
  return goal === undefined ? base : { ...base, goal: goal[0], met: goal[1] }
}

function* figures(run: SimnetFigures): Iterable<Line> {
  const { nodes, buildMs, connectMs, wallMs, virtualMs, peakBytes, baseBytes, deliveries, cpuMs } = run
  yield line(nodes, 'built', 's', buildMs / 1_000)
  yield line(nodes, 'connected', 's', connectMs / 1_000)
  yield line(nodes, 'whole run', 's', wallMs / 1_000)
  yield line(nodes, 'processor', 's', cpuMs / 1_000)
  yield line(nodes, 'virtual time', 's', virtualMs / 1_000)
  yield line(nodes, 'memory', 'GiB', peakBytes / GIB)
  yield line(nodes, 'delivered', '', run.deliveredRatio, ['= 1', run.deliveredRatio === 1])
  yield line(nodes, 'delay p99', 'ms', run.p99Ms, ['< 1000', run.p99Ms < 1_000])
  yield line(nodes, 'memory a node', 'KiB', (peakBytes - baseBytes) / nodes / 1_024)
  yield line(nodes, 'processor a node and virtual second', 'ms', cpuMs / nodes / (virtualMs / 1_000))
  yield line(nodes, 'processor a delivery, all in', 'ms', cpuMs / deliveries)
}

function* atTenThousand({ nodes, buildMs, phaseWallMs, peakBytes }: SimnetFigures): Iterable<Line> {
  yield line(nodes, 'built, goal', 's', buildMs / 1_000, ['< 120', buildMs < 120_000])
  yield line(nodes, '60 virtual seconds', 's', phaseWallMs / 1_000, ['< 600', phaseWallMs < 600_000])
  yield line(nodes, 'memory, goal', 'GiB', peakBytes / GIB, ['< 20', peakBytes < 20 * GIB])
}

/** Two runs are one run; and a thousand nodes are faster than the clock. */
function* repeated(first: SimnetFigures, second: SimnetFigures): Iterable<Line> {
  const isEqual = first.traceHash === second.traceHash
  yield line(first.nodes, 'equal traces of two runs', '', isEqual ? 1 : 0, ['= 1', isEqual])
  const speed = Math.max(first.phaseVirtualMs / first.phaseWallMs, second.phaseVirtualMs / second.phaseWallMs)
  yield line(first.nodes, 'virtual by real time', '×', speed, ['> 1', speed > 1])
}

/** Cost may grow with the nodes, and no faster: a tenth over is noise. */
function* growth(runs: readonly SimnetFigures[]): Iterable<Line> {
  const [, middle, last] = runs
  if (middle === undefined || last === undefined) return
  const cost = ({ cpuMs, nodes, virtualMs }: SimnetFigures): number => cpuMs / nodes / virtualMs
  const times = cost(last) / cost(middle)
  yield line(last.nodes, 'processor a node against 1,000 nodes', '×', times, ['<= 1.1', times <= 1.1])
}

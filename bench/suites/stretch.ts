import { availableParallelism, totalmem } from 'node:os'
import { simulate, SimulationEndedError } from '../processes/simulate.ts'
import type { StretchFigures } from '../processes/stretch-run.ts'
import type { Bench, Line } from '../report.ts'

const NODES = [12_500, 25_000, 50_000, 100_000]
const GIB = 2 ** 30

/** How many nodes the simulator carries on this machine, with gossipsub and broadcast alone. */
export const bench: Bench = {
  about: `one message of 1 KiB by gossip, as many nodes as go, ${availableParallelism()} cores, ${Math.round(totalmem() / GIB)} GiB`,
  async *run() {
    let bytesPerNode = 0
    for (const nodes of NODES) {
      const neededBytes = bytesPerNode * nodes
      if (neededBytes > totalmem()) {
        const goal: [string, boolean] = [`<= ${Math.round(totalmem() / GIB)}`, false]
        yield line(nodes, 'memory needed, by the run before', 'GiB', neededBytes / GIB, goal)
        return
      }
      try {
        const run = simulate(new URL('../processes/stretch-run.ts', import.meta.url), nodes) as StretchFigures
        bytesPerNode = run.peakBytes / run.nodes
        yield* figures(run)
      } catch (err) {
        if (!(err instanceof SimulationEndedError)) throw err
        process.stderr.write(`${err.message}\n`)
        yield line(nodes, 'delivered', '', 0, ['= 1', false])
        return
      }
    }
  },
}

function* figures({ nodes, ...run }: StretchFigures): Iterable<Line> {
  yield line(nodes, 'delivered', '', run.deliveredRatio, ['= 1', run.deliveredRatio === 1])
  yield line(nodes, 'delay p99', 'ms', run.p99Ms)
  yield line(nodes, 'whole run', 's', run.wallMs / 1_000)
  yield line(nodes, 'virtual time', 's', run.virtualMs / 1_000)
  yield line(nodes, 'processor', 's', run.cpuMs / 1_000)
  yield line(nodes, 'memory', 'GiB', run.peakBytes / GIB)
  yield line(nodes, 'memory a node', 'KiB', run.peakBytes / nodes / 1_024)
}

function line(nodes: number, metric: string, unit: string, ours: number, goal?: [string, boolean]): Line {
  const base = { case: `${nodes.toLocaleString('en')} nodes`, metric, unit, ours, raw: [ours] }
  return goal === undefined ? base : { ...base, goal: goal[0], met: goal[1] }
}

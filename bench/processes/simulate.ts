import { spawnSync } from 'node:child_process'
import { totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

const BYTES_PER_MIB = 2 ** 20
const MEMORY_SHARE = 0.9
/**
 * Ten thousand nodes are a heap of some GiB that hardly any of dies. The collector is to look at it seldom: by its own
 * sizes it takes a third of the time.
 */
const COLLECTOR = ['--min-semi-space-size=256', '--max-semi-space-size=256', '--initial-heap-size=12000']

/** A simulation did not come to its end, for want of memory most likely. */
export class SimulationEndedError extends Error {
  override readonly name = 'SimulationEndedError'

  constructor(nodes: number, ending: string) {
    super(`The simulation of ${nodes} nodes ended by ${ending}`)
  }
}

/**
 * Runs one simulation in a process of its own, so that its memory is its own. Returns the figures that it prints.
 * @throws {SimulationEndedError}
 */
export function simulate(script: URL, nodes: number): unknown {
  const heapMib = Math.floor((totalmem() * MEMORY_SHARE) / BYTES_PER_MIB)
  const flags = [`--max-old-space-size=${heapMib}`, ...COLLECTOR]
  const { stdout, status, signal } = spawnSync(process.execPath, [...flags, fileURLToPath(script), String(nodes)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new SimulationEndedError(nodes, signal ?? `exit code ${status}`)
  return JSON.parse(stdout)
}

import type { SimulationLevel } from '@gridmesh/simnet'
import type { Played } from '@gridmesh/simnet/scenarios'

/** One simulation to run. */
export interface Job {
  readonly scenario: string
  readonly nodes: number
  readonly seed: number
  readonly level: SimulationLevel
  /** File to write the trace to, one JSON array of time, node, kind and detail a line. */
  readonly trace?: string
}

/** What became of it: a result, or an error that ended it. */
export type JobOutcome = { readonly played: Played } | { readonly error: { name: string; message: string } }

/** What `--json` tells of a run: the figures, and how many laws did not hold. */
export interface JobFigures extends Pick<
  Played,
  'traceHash' | 'deliveredRatio' | 'p50Ms' | 'p99Ms' | 'virtualMs' | 'wallMs' | 'peakBytes' | 'events'
> {
  readonly scenario: string
  readonly nodes: number
  readonly seed: number
  readonly level: SimulationLevel
  readonly violations: number
}

/** The figures of a run. */
export function figuresOf({ scenario, nodes, seed, level }: Job, played: Played): JobFigures {
  const { traceHash, deliveredRatio, p50Ms, p99Ms, virtualMs, wallMs, peakBytes, events, violations } = played
  const figures = { traceHash, deliveredRatio, p50Ms, p99Ms, virtualMs, wallMs, peakBytes, events }
  return { scenario, nodes, seed, level, ...figures, violations: violations.length }
}

/** The one command that runs it again, event by event. */
export function replayCommand({ scenario, nodes, seed, level }: Job): string {
  const start = `gridmesh sim --scenario ${scenario} --nodes ${nodes} --seed ${seed}`
  return level === 'host' ? start : `${start} --level ${level}`
}

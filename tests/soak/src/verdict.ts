import { boundOf, WARM_UP_SHARE, type Bound } from './bounds.ts'
import { growth, slope } from './statistics.ts'

/** What was counted at one calm moment. */
export interface Sample {
  /** Time since the run began, in ms. */
  atMs: number
  /** Counts and sizes, by name. One that is missing in a sample was 0. */
  values: Readonly<Record<string, number>>
}

/** How one thing that was counted went. */
export interface Line {
  name: string
  bound: Bound
  start: number
  end: number
  max: number
  slopePerMinute: number
  growth: number
  isFlat: boolean
}

/** Leaves out the samples of the warm-up. */
export function afterWarmUp(samples: readonly Sample[]): readonly Sample[] {
  return samples.slice(Math.ceil(samples.length * WARM_UP_SHARE))
}

/**
 * Judges each thing that was counted. It is not flat when both its slope and its growth are over their bounds: noise
 * alone may tilt the line or lift a median, and a leak does both.
 */
export function judge(samples: readonly Sample[]): Line[] {
  const names = new Set(samples.flatMap(({ values }) => Object.keys(values)))
  const minutes = samples.map(({ atMs }) => atMs / 60_000)
  return [...names].map((name) =>
    lineOf(
      name,
      minutes,
      samples.map(({ values }) => values[name] ?? 0),
    ),
  )
}

function lineOf(name: string, minutes: readonly number[], values: readonly number[]): Line {
  const bound = boundOf(name)
  const slopePerMinute = slope(minutes, values)
  const grown = growth(values)
  return {
    name,
    bound,
    start: values[0] ?? 0,
    end: values.at(-1) ?? 0,
    max: Math.max(...values),
    slopePerMinute,
    growth: grown,
    isFlat: slopePerMinute <= bound.slopePerMinute || grown <= bound.growth,
  }
}

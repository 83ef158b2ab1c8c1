import type { StopTimer } from '@libp2p/interface'
import type { SeriesLimit } from './series-limit.ts'

/** What the instruments of one metric share. */
export interface InstrumentContext {
  limit: SeriesLimit
  /** Told of each value that no metric can hold: one that is not finite, or a counter's that is below 0. */
  refuse(): void
}

/** Values by label; what is no number counts as 1, as libp2p has it. */
export type Values = Readonly<Record<string, unknown>>

/** Calls back for each value of a group. */
export function each(values: Values, use: (key: string, value: number) => void): void {
  for (const [key, value] of Object.entries(values)) use(key, typeof value === 'number' ? value : 1)
}

/** Calls back with the seconds since now. prom-client's own timers read a clock that simulations cannot turn. */
export function secondsTimer(use: (seconds: number) => void): StopTimer {
  const startedAt = performance.now()
  return () => use((performance.now() - startedAt) / 1_000)
}

import type { LatencyModel } from '../types.ts'

/**
 * Latencies between Thailand's seven regions, one way, made by a formula and not measured:
 *
 *     ms = great-circle km × 1.5 ÷ 200 km/ms + 2 ms        1 ms within a region
 *
 * Light in fibre covers about 200 km each ms (two thirds of its speed in vacuum); cables are about half as long again
 * as the great circle; 2 ms stand for the access networks and routers at both ends. Great circles are taken by the
 * haversine formula on a sphere of 6,371 km between these places (degrees north, degrees east):
 *
 *     bangkok-metro   Bangkok            13.756  100.502
 *     central         Nakhon Sawan       15.693  100.123
 *     north           Chiang Mai         18.788   98.985
 *     northeast       Khon Kaen          16.432  102.824
 *     east            Chon Buri          13.361  100.985
 *     west            Kanchanaburi       14.023   99.533
 *     south           Hat Yai             7.008  100.475
 *
 * The table is written out, rounded to 0.1 ms, since the last bit of a sine may differ between engines.
 */
export const THAILAND_REGIONS = ['bangkok-metro', 'central', 'north', 'northeast', 'east', 'west', 'south'] as const

const MATRIX_MS: readonly (readonly number[])[] = [
  [1, 3.6, 6.4, 4.9, 2.5, 2.8, 7.6],
  [3.6, 1, 4.7, 4.3, 4.1, 3.5, 9.2],
  [6.4, 4.7, 1, 5.6, 6.8, 6, 11.9],
  [4.9, 4.3, 5.6, 1, 5, 5.3, 10.1],
  [2.5, 4.1, 6.8, 5, 1, 3.3, 7.3],
  [2.8, 3.5, 6, 5.3, 3.3, 1, 7.9],
  [7.6, 9.2, 11.9, 10.1, 7.3, 7.9, 1],
]

/** The latency of Thailand's seven regions; see `links/thailand.ts` for how the table is made. */
export function thailandLatency(): LatencyModel {
  return { kind: 'regions', regions: THAILAND_REGIONS, matrixMs: MATRIX_MS }
}

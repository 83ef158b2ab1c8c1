import type { ServiceMap } from '@libp2p/interface'
import type { SimulationInit } from './types.ts'

const AT_LEAST_ONE = ['maxVirtualMs', 'maxWallMs', 'maxEventsPerInstant'] as const

/** @throws {RangeError} when an option makes no sense */
export function checkInit<S extends ServiceMap>(init: SimulationInit<S>): void {
  const { seed, level = 'host', nodes = 0, lastEvents = 0, epochMs = 0 } = init
  if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
    throw new RangeError(`seed is ${seed}, expected a whole number or a string`)
  }
  if (level !== 'host' && level !== 'stack') throw new RangeError(`level is ${String(level)}, expected host or stack`)
  for (const [name, value] of Object.entries({ nodes, lastEvents })) {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name} is ${value}, expected 0 or more`)
  }
  if (!Number.isSafeInteger(epochMs)) throw new RangeError(`epochMs is ${epochMs}, expected a whole number of ms`)
  for (const name of AT_LEAST_ONE) {
    const value = init[name]
    if (value !== undefined && !(value >= 1)) throw new RangeError(`${name} is ${value}, expected 1 or more`)
  }
}

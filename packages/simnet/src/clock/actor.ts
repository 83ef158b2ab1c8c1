import type { Random } from '../random/random.ts'
import type { ClockEvent } from './virtual-clock.ts'

/**
 * On whose behalf code runs: a node, or the scenario (index -1). Timers and messages belong to the actor that was
 * running when they were made, which is what lets a crash take a node's timers and a slow node delay only its own.
 */
export interface Actor {
  readonly index: number
  readonly random: Random
  /** False after a crash: whatever it had planned no longer happens. */
  isAlive: boolean
  /** How far its calendar clock is ahead, in ms. */
  skewMs: number
  /** CPU time that each of its events takes, in ms. */
  cpuMs: number
  /** Until when it computes, in virtual ms. */
  busyUntilMs: number
  /** Events that wait until it is no longer busy. */
  backlog: ClockEvent[] | undefined
}

export function createActor(index: number, random: Random): Actor {
  return { index, random, isAlive: true, skewMs: 0, cpuMs: 0, busyUntilMs: 0, backlog: undefined }
}

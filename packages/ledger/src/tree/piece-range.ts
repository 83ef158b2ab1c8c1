import { BUCKETS, HASH_BYTES } from '../constants.ts'
import { FAN_OUT, LEVELS } from './tree-hash.ts'

/** How long the proof of a range is, in bytes. */
export function proofLength(first: number, count: number): number {
  const beside = groupsOf(first, count).map(({ from, start, end, to }) => start - from + to - end)
  return beside.reduce((sum, hashes) => sum + hashes, 0) * HASH_BYTES
}

export function isRange(first: number, count: number): boolean {
  return Number.isInteger(first) && Number.isInteger(count) && first >= 0 && count >= 1 && first + count <= BUCKETS
}

/** On each level: what is known, `start` to `end`, and the whole nodes around it, `from` to `to`. */
export function groupsOf(first: number, count: number): { from: number; start: number; end: number; to: number }[] {
  let [start, end] = [first, first + count]
  return Array.from({ length: LEVELS }, () => {
    const from = Math.floor(start / FAN_OUT) * FAN_OUT
    const to = Math.ceil(end / FAN_OUT) * FAN_OUT
    const group = { from, start, end, to }
    start = from / FAN_OUT
    end = to / FAN_OUT
    return group
  })
}

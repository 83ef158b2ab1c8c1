import type { DiscoveryNeed } from '@gridmesh/interfaces'
import { fits, isSpecific } from './book-entry.ts'
import { shuffle } from './book-table.ts'
import type { PooledCandidate } from './candidate-pool.ts'

/** What the order depends on beside the candidates. */
export interface RankingView {
  /** Peers that are missing. */
  need: readonly DiscoveryNeed[]
  /** Links and dials by network group. */
  crowd: ReadonlyMap<string, number>
  /** Failed attempts of a candidate. */
  attempts(key: string): number
}

/** How well a candidate fits the needs for a role or region, the best of them. */
export function fitOf(candidate: PooledCandidate, need: readonly DiscoveryNeed[]): 'yes' | 'no' | 'maybe' {
  const all = new Set(need.filter(isSpecific).map((one) => fits(one, candidate)))
  if (all.has('yes')) return 'yes'
  return all.has('maybe') ? 'maybe' : 'no'
}

/**
 * Puts candidates in the order in which to dial them, and leaves out those that fit no need. Those known to fit a need
 * for a role or region come first. Then the sources take turns, so that who tells of thousands gets no more than who
 * tells of one; within a source those of the least crowded network group and with the fewest failures come first.
 */
export function rankCandidates(candidates: readonly PooledCandidate[], view: RankingView): PooledCandidate[] {
  const wanted = candidates.filter((candidate) => view.need.some((need) => fits(need, candidate) !== 'no'))
  const inOrder = shuffle(wanted)
    .map((candidate) => ({ candidate, crowd: crowdOf(candidate, view), attempts: view.attempts(candidate.key) }))
    .toSorted((a, b) => a.crowd - b.crowd || a.attempts - b.attempts)
  const turns = new Map<string, number>()
  const ranked: { candidate: PooledCandidate; turn: number; isNeeded: boolean }[] = []
  for (const { candidate } of inOrder) {
    const turn = turns.get(candidate.source) ?? 0
    turns.set(candidate.source, turn + 1)
    ranked.push({ candidate, turn, isNeeded: fitOf(candidate, view.need) === 'yes' })
  }
  return ranked
    .toSorted((a, b) => Number(b.isNeeded) - Number(a.isNeeded) || a.turn - b.turn)
    .map(({ candidate }) => candidate)
}

function crowdOf({ group }: PooledCandidate, { crowd }: RankingView): number {
  return crowd.get(group) ?? 0
}

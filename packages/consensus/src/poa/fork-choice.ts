import type { RatedTip } from '../engine.ts'
import type { PoaStanding } from './standing.ts'

/**
 * Which of two branches is better where neither finality nor a certified block says so; the smaller hash decides last.
 *
 * - `authority`: more weight, to which a block in turn adds more than any other
 * - `timestampReputation`: the greater height, then the earlier time, then the maker that took its last turn
 * - `longest`: the greater height
 */
export type PoaForkChoice = 'authority' | 'timestampReputation' | 'longest'

type Tip = RatedTip<PoaStanding>
/** What a tip has of something; more is better. */
type Rank = (tip: Tip) => number

/**
 * Before any choice: the branch of the newest finalised block, then the newest certified block. The certified block comes
 * first, or a minority that made many blocks would outweigh a majority that agreed, and nothing would get final.
 */
const ALWAYS: readonly Rank[] = [
  ({ isFinalisedBranch }) => Number(isFinalisedBranch),
  ({ standing }) => standing.certified,
]
/** Time and reputation tell blocks of one height apart: of a block and the one upon it the first is always earlier. */
const CHOICES: Readonly<Record<PoaForkChoice, readonly Rank[]>> = {
  authority: [({ standing }) => standing.weight],
  timestampReputation: [({ height }) => height, ({ timeMs }) => -timeMs, ({ standing }) => standing.reputation],
  longest: [({ height }) => height],
}

/** @throws {RangeError} for a choice that there is not */
export function checkForkChoice(choice: string): void {
  if (Object.hasOwn(CHOICES, choice)) return
  throw new RangeError(`forkChoice ${choice} is none of '${Object.keys(CHOICES).join("', '")}'`)
}

/** Goes by one rank after the other until one differs, and by the smaller hash where none does. */
export function betterBy(choice: PoaForkChoice): (a: Tip, b: Tip) => boolean {
  const ranks = [...ALWAYS, ...CHOICES[choice]]
  return (a, b) => {
    for (const rankOf of ranks) {
      const [first, second] = [rankOf(a), rankOf(b)]
      if (first !== second) return first > second
    }
    return a.hash < b.hash
  }
}

import { distance } from 'fastest-levenshtein'
import { MAX_SHOWN_CHARACTERS } from './constants.ts'

/** The candidate that is nearest to a name, unless all are too far to be meant. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  // Longer names are nobody's typing error, and the comparison costs their length each time.
  const typed = name.slice(0, MAX_SHOWN_CHARACTERS)
  const limit = Math.max(2, Math.ceil(typed.length * 0.4))
  let best: { name: string; away: number } | undefined
  for (const candidate of candidates) {
    const away = distance(typed.toLowerCase(), candidate.toLowerCase())
    if (away <= limit && away < (best?.away ?? Infinity)) best = { name: candidate, away }
  }
  return best?.name
}

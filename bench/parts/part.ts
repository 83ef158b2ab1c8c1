import { type Line, median } from '../report.ts'

const ROUNDS = 7

/** Does a part's work `count` times. */
export type Work = (count: number) => void | Promise<void>

/** One part of the path of a message, measured alone in this process. */
export interface Part {
  name: string
  unit: '/s' | 'MB/s'
  /** How often the work is done in a round. */
  count: number
  ours: Work
  /** What a user would pick instead. */
  theirs?: { name: string; count: number; run: Work }
  /** Figure of one operation: 1, or the megabytes that it moves. @default 1 */
  amount?: number
  goal?: number
}

/** Ours and theirs in turns, so that a slow moment of the machine hits both. The first round is thrown away. */
export async function measure(part: Part): Promise<Line> {
  const { name, unit, amount = 1, theirs } = part
  const mine: number[] = []
  const other: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const isCounted = round > 0
    const rate = await rateOf(part.ours, part.count)
    if (isCounted) mine.push(rate * amount)
    if (theirs === undefined) continue
    const theirRate = await rateOf(theirs.run, theirs.count)
    if (isCounted) other.push(theirRate * amount)
  }
  const ours = median(mine)
  const line = { case: name, metric: 'rate', unit, ours, raw: mine }
  const beside =
    theirs === undefined
      ? line
      : { ...line, case: `${name} (theirs: ${theirs.name})`, theirs: median(other), ratio: ours / median(other) }
  return part.goal === undefined ? beside : { ...beside, goal: `>= ${part.goal}`, met: ours >= part.goal }
}

async function rateOf(work: Work, count: number): Promise<number> {
  const start = performance.now()
  await work(count)
  return count / ((performance.now() - start) / 1_000)
}

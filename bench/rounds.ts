import { type Line, median } from './report.ts'

/** One figure of one contender, measured anew each time. */
export type Contender = () => Promise<number>

/**
 * The figures of all contenders, round by round in turns, so that a slow moment of the machine hits all of them. The
 * first round warms up and is thrown away.
 */
export async function inTurns<Name extends string>(
  contenders: Readonly<Record<Name, Contender>>,
  rounds: number,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contenders) as Name[]
  const raw = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const figure = await contenders[name]()
      if (round > 0) raw[name].push(figure)
    }
  }
  return raw
}

/** What a ratio of two medians is aimed at, such as `>= 1.4`. */
export type RatioGoal = `${'>=' | '<='} ${number}`

/** What is measured, and in what. */
export interface Measured {
  case: string
  metric: string
  unit: string
}

/** Ours beside one of the others, both measured in this run. */
export function beside(
  what: Measured,
  mine: readonly number[],
  other: { name: string; raw: readonly number[] },
  goal?: RatioGoal,
): Line {
  const [ours, theirs] = [median(mine), median(other.raw)]
  const ratio = ours / theirs
  const line = { ...what, case: `${what.case} (theirs: ${other.name})`, ours, theirs, ratio, raw: mine }
  return goal === undefined ? line : { ...line, goal: `ratio ${goal}`, met: meets(ratio, goal) }
}

/** The rounds of one of them alone, so that the raw figures of all are printed. */
export function alone(what: Measured, name: string, raw: readonly number[]): Line {
  return { ...what, case: `${what.case}, ${name}`, ours: median(raw), raw }
}

function meets(ratio: number, goal: RatioGoal): boolean {
  const bound = Number(goal.slice(3))
  return goal.startsWith('>=') ? ratio >= bound : ratio <= bound
}

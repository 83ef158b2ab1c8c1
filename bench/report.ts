import Table from 'cli-table3'

/** One figure. `theirs` is what it is held against, measured in the same run. */
export interface Line {
  case: string
  metric: string
  unit: string
  ours: number
  theirs?: number
  /** ours / theirs */
  ratio?: number
  /** What was aimed at, such as `< 100`. */
  goal?: string
  met?: boolean
  /** The figure of each round, in order. */
  raw: readonly number[]
}

/** A benchmark: what it measures, and the figures as they come. */
export interface Bench {
  about: string
  run(): AsyncIterable<Line>
}

/** A value so high that the share `q` of all lies at or below it. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? Number.NaN
}

/** The median over rounds. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Prints figures as a table, the raw ones beside them. */
export function printLines(lines: readonly Line[]): void {
  const table = new Table({
    head: ['case', 'metric', 'ours', 'theirs', 'ratio', 'goal', 'met', 'rounds'],
    style: { head: [], border: [] },
  })
  for (const line of lines) {
    const withUnit = (value: number | undefined): string => (value === undefined ? '' : `${short(value)} ${line.unit}`)
    const met = line.met === undefined ? '' : line.met ? 'yes' : 'NO'
    const ratio = line.ratio === undefined ? '' : short(line.ratio)
    table.push([
      line.case,
      line.metric,
      withUnit(line.ours),
      withUnit(line.theirs),
      ratio,
      line.goal ?? '',
      met,
      line.raw.map(short).join(' '),
    ])
  }
  process.stdout.write(`${table.toString()}\n`)
}

function short(value: number): string {
  return value >= 1_000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}

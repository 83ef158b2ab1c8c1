import Table from 'cli-table3'
import { STREAMS } from './pace.ts'
import type { Totals } from './rounds.ts'
import type { Line, Sample } from './verdict.ts'

/** The lines as a table, those that are not flat marked. */
export function tableOf(lines: readonly Line[]): string {
  const head = ['', 'start', 'end', 'max', 'slope/min', 'bound', 'growth', 'bound', 'flat']
  const table = new Table({
    head,
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'left'],
  })
  for (const { name, bound, start, end, max, slopePerMinute, growth, isFlat } of lines) {
    table.push([
      bound.unit === '' ? name : `${name}, ${bound.unit}`,
      whole(start),
      whole(end),
      whole(max),
      slopePerMinute.toFixed(1),
      whole(bound.slopePerMinute),
      whole(growth),
      whole(bound.growth),
      isFlat ? 'yes' : 'NO',
    ])
  }
  return table.toString()
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** A line for one round. */
export function progressOf(totals: Readonly<Totals>, { atMs, values }: Sample): string {
  const { rounds, observedStreams, published, delivered, answered, reconnects, kills, refused } = totals
  const done = `${published} published, ${delivered} delivered, ${answered} answered, ${observedStreams} streams`
  const churn = `${reconnects} reconnects, ${kills} kills, ${refused} refused`
  const held = `heap ${whole((values['heap'] ?? 0) / 1_024)} MiB, rss ${whole((values['rss'] ?? 0) / 1_024)} MiB`
  return `round ${rounds}, ${(atMs / 1_000).toFixed(0)} s: ${done}, ${churn}, ${held}`
}

/** What was done in the whole run. */
export function summaryOf(totals: Readonly<Totals>): string {
  const { rounds, published, delivered, answered, refused, reconnects, kills, restarts, observedStreams } = totals
  const streams =
    observedStreams >= STREAMS
      ? `${observedStreams} streams at the observed node`
      : `only ${observedStreams} of ${STREAMS} streams at the observed node in that time`
  return [
    `${rounds} rounds: ${published} orders published, ${delivered} delivered, ${answered} requests answered,`,
    `${streams}, ${reconnects} reconnects, ${kills} kills, ${restarts} restarts,`,
    `${refused} refused or lost on the way to a node that was ended`,
  ].join('\n')
}

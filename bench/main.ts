// Runs benchmarks: `npm run bench`, `npm run bench -- devnet`, `npm run bench -- all --json --goals --record`.
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { writeRecord } from './records/write-record.ts'
import { type Bench, type Line, printLines } from './report.ts'

/** From the smallest part to whole networks, so that the first figures come soon; others follow by name. */
const ORDER = [
  'parts',
  'noise',
  'router',
  'unicast',
  'bulk',
  'lanes',
  'broadcast',
  'mesh',
  'sustained',
  'links',
  'idle',
]

const suites = readdirSync(new URL('suites/', import.meta.url))
  .map((file) => file.replace(/\.ts$/, ''))
  .toSorted((a, b) => placeOf(a) - placeOf(b) || (a < b ? -1 : 1))

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    goals: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const wanted = positionals.length === 0 || positionals.includes('all') ? suites : positionals
const unknown = wanted.filter((name) => !suites.includes(name))
if (values.help || unknown.length > 0) {
  if (unknown.length > 0) process.stderr.write(`There is no benchmark ${unknown.join(', ')}.\n`)
  process.stdout.write(`npm run bench -- [${suites.join('|')}|all] [--json] [--goals] [--record]\n`)
  process.exit(values.help ? 0 : 2)
}

let failed = 0
let missed = 0
for (const name of wanted) {
  try {
    missed += await run(name)
  } catch (err) {
    failed++
    process.stderr.write(`${name} failed: ${err instanceof Error ? (err.stack ?? err.message) : String(err)}\n`)
  }
}
// With --goals the run is a check: a goal that was missed shows in the exit code.
process.exit(failed > 0 || (values.goals && missed > 0) ? 1 : 0)

/** Runs one suite, prints what it finds, and returns how many goals were missed. */
async function run(name: string): Promise<number> {
  const { bench } = (await import(`./suites/${name}.ts`)) as { bench: Bench }
  if (!values.json) process.stdout.write(`\n${name}: ${bench.about}\n`)
  const lines: Line[] = []
  const shown = (): Line[] => (values.goals ? lines.filter((line) => line.goal !== undefined) : lines)
  try {
    for await (const line of bench.run()) {
      lines.push(line)
      if (values.json && shown().includes(line)) process.stdout.write(`${JSON.stringify({ bench: name, ...line })}\n`)
    }
  } finally {
    // Also what a suite found before it failed.
    if (!values.json) printLines(shown())
  }
  // Only whole runs: half a suite must not take the place of a whole one.
  if (values.record) writeRecord(name, bench, lines)
  return lines.filter(({ met }) => met === false).length
}

function placeOf(name: string): number {
  const place = ORDER.indexOf(name)
  return place === -1 ? ORDER.length : place
}

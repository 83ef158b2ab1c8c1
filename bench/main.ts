// Runs benchmarks: `npm run bench`, `npm run bench -- devnet`, `npm run bench -- all --json --goals`.
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Bench, type Line, printLines } from './report.ts'

const suites = readdirSync(new URL('suites/', import.meta.url)).map((file) => file.replace(/\.ts$/, ''))

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    goals: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const wanted = positionals.length === 0 || positionals.includes('all') ? suites : positionals
const unknown = wanted.filter((name) => !suites.includes(name))
if (values.help || unknown.length > 0) {
  if (unknown.length > 0) process.stderr.write(`There is no benchmark ${unknown.join(', ')}.\n`)
  process.stdout.write(`npm run bench -- [${suites.join('|')}|all] [--json] [--goals]\n`)
  process.exit(values.help ? 0 : 2)
}

let missed = 0
for (const name of wanted) {
  const { bench } = (await import(`./suites/${name}.ts`)) as { bench: Bench }
  if (!values.json) process.stdout.write(`\n${name}: ${bench.about}\n`)
  const lines: Line[] = []
  for await (const line of bench.run()) {
    if (values.goals && line.goal === undefined) continue
    if (line.met === false) missed++
    if (values.json) process.stdout.write(`${JSON.stringify({ bench: name, ...line })}\n`)
    else lines.push(line)
  }
  if (!values.json) printLines(lines)
}
// With --goals the run is a check: a goal that was missed shows in the exit code.
process.exit(values.goals && missed > 0 ? 1 : 0)

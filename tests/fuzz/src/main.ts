// `npm run fuzz`: changed inputs for what reads bytes of strangers. Fails where one is read as it must not be.
import { parseArgs } from 'node:util'
import { runJob } from './job.ts'
import { TARGETS } from './targets/index.ts'

const EXIT = { clean: 0, found: 1, usage: 2 }
const NAMES = TARGETS.map(({ name }) => name)
const USAGE = `npm run fuzz -- [target ...] [--minutes 10] [--seed <number>]

The minutes are those of all targets together. What runs something new, and what is found, is kept in tests/fuzz/corpus.

Targets: ${NAMES.join(', ')}
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    help: { type: 'boolean', default: false },
  },
})
const [minutes, seed] = [Number(values.minutes), Number(values.seed)]
const names = positionals.length === 0 || positionals.includes('all') ? NAMES : positionals
const isUsable = minutes > 0 && Number.isSafeInteger(seed) && names.every((name) => NAMES.includes(name))
if (values.help || !isUsable) {
  process.stdout.write(USAGE)
  process.exit(values.help ? EXIT.clean : EXIT.usage)
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)
say(`fuzz: ${names.length} targets, ${minutes} min in all, seed ${seed}`)
let [executions, faults] = [0, 0]
for (const name of names) {
  const report = await runJob({ name, totalMs: (minutes * 60_000) / names.length, seed })
  executions += report.executions
  faults += report.faults.length
  const share = Math.round((100 * report.read) / Math.max(1, report.executions))
  say(`${name}: ${report.executions} inputs, ${share} % read, ${report.blocks} blocks ran, ${report.kept} inputs kept`)
  for (const { path, message } of report.faults) say(`  FOUND ${message.slice(0, 500)}\n        ${path}`)
}
say(faults === 0 ? `${executions} inputs, and nothing was found` : `FAILED: ${faults} of ${executions} inputs`)
process.exit(faults === 0 ? EXIT.clean : EXIT.found)

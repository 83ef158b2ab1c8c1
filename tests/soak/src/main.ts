// `npm run soak`: nodes under load and churn for a while. Fails if what one of them holds keeps growing.
import { parseArgs } from 'node:util'
import { LEAKS, type LeakName } from './leaks.ts'
import { progressOf, summaryOf, tableOf } from './report.ts'
import { soak } from './soak.ts'
import { afterWarmUp, judge } from './verdict.ts'

/** Exit codes: all is flat, something is not, the command line is wrong, Ctrl-C. */
const EXIT = { flat: 0, leaking: 1, usage: 2, interrupted: 130 }
/** A second signal this soon is the same Ctrl-C, passed on by a launcher, and not a person's impatience. */
const SAME_SIGNAL_MS = 500
const USAGE = `npm run soak -- [--minutes 10] [--leak ${Object.keys(LEAKS).join('|')}]\n`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    leak: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
const totalMs = Number(values.minutes) * 60_000
const isLeak = (name: string): name is LeakName => Object.hasOwn(LEAKS, name)
const leak = values.leak !== undefined && isLeak(values.leak) ? values.leak : undefined
if (values.help || !(totalMs > 0) || values.leak !== leak) {
  process.stdout.write(USAGE)
  process.exit(values.help ? EXIT.flat : EXIT.usage)
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const interrupt = new AbortController()
let firstMs: number | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (firstMs !== undefined && performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(EXIT.interrupted)
    firstMs ??= performance.now()
    interrupt.abort()
  })
}

// The first word opens stdout: that is not the node's.
say(`soak: ${values.minutes} min, one observed node in this process and its peers in their own`)
const { samples, totals, leftovers } = await soak({
  totalMs,
  leak,
  signal: interrupt.signal,
  onRound: (done, sample) => say(progressOf(done, sample)),
})
say(`\n${summaryOf(totals)}`)
if (interrupt.signal.aborted) {
  say('interrupted: nothing is judged')
  process.exit(EXIT.interrupted)
}

const lines = judge(afterWarmUp(samples))
say(tableOf(lines))
const faults = lines.filter(({ isFlat }) => !isFlat).map(({ name }) => `${name} grows`)
for (const [type, count] of Object.entries(leftovers)) faults.push(`${count} more ${type} after stop`)
say(faults.length === 0 ? 'all is flat, and nothing is left after stop' : `FAILED: ${faults.join(', ')}`)
process.exit(faults.length === 0 ? EXIT.flat : EXIT.leaking)

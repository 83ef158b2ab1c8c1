import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Bench, Line } from '../report.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const GIB = 2 ** 30
const DIGITS = 4

/** One run of one suite, as `docs/generator` reads it. */
interface Record {
  suite: string
  about: string
  /** Day of the run, ISO 8601. */
  date: string
  /** Of the tree that was measured; ends in `-dirty` where it was changed since. */
  commit: string
  machine: { processor: string; cores: number; memoryGiB: number; node: string }
  lines: readonly Line[]
}

/** Writes the figures of a run to `bench/records/<suite>.json`, in the place of those of the run before. */
export function writeRecord(suite: string, { about }: Bench, lines: readonly Line[]): void {
  const record: Record = {
    suite,
    about,
    date: new Date().toISOString().slice(0, 10),
    commit: run('git', 'describe', '--always', '--dirty').trim(),
    machine: {
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / GIB),
      node: process.version,
    },
    lines,
  }
  const path = `bench/records/${suite}.json`
  const text = JSON.stringify(record, (_key, value: unknown) => (typeof value === 'number' ? short(value) : value))
  const formatted = execFileSync('node_modules/.bin/oxfmt', [`--stdin-filepath=${path}`], {
    cwd: ROOT,
    encoding: 'utf8',
    input: text,
  })
  writeFileSync(new URL(`../../${path}`, import.meta.url), formatted)
}

/** More digits than these are noise. */
function short(value: number): number {
  return Math.abs(value) >= 10 ** DIGITS ? Math.round(value) : Number(value.toPrecision(DIGITS))
}

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd: ROOT, encoding: 'utf8' })
}

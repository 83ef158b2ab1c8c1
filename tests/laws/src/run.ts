// Runs the tests that docs/laws.md names: exactly their files, in one run.
import { spawnSync } from 'node:child_process'
import { ROOT, proofs } from './map.ts'

const files = [...new Set(proofs().map(({ file }) => file))]
const { status } = spawnSync('pnpm', ['exec', 'vitest', 'run', ...files, ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
})
process.exitCode = status ?? 1

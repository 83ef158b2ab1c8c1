// The whole check: builds, then runs every gate and both tiers of tests, and closes with `N passed, N failed`.
// A gate counts as one; a gate's output is shown when it fails. The tests go on after a failed gate.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from './packages.mjs'

// Two chains, of about equal time, one for each of two cores.
const GATES = [
  [
    ['types', 'pnpm', 'run', 'typecheck'],
    ['lint', 'pnpm', 'run', 'lint'],
  ],
  [
    ['format', 'pnpm', 'exec', 'oxfmt', '--check'],
    ['import star', 'node', 'scripts/check-star.mjs'],
    ['generated docs', 'node', 'docs/generator/generate.mjs', '--check'],
    ['code in READMEs', 'node', 'scripts/check-readmes.mjs'],
    ['unused code', 'pnpm', 'exec', 'knip'],
    ['packages as a user gets them', 'node', 'scripts/check-packages.mjs'],
    ['examples', 'node', 'examples/run-all.mjs'],
  ],
]
const SOAK = ['soak, 60 s', 'node', '--expose-gc', 'tests/soak/src/main.ts', '--minutes', '1']

// Hundreds of processes load the same modules: each is compiled once.
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'compile')

let passed = 0
let failed = 0
const started = performance.now()
const seconds = (since) => `${((performance.now() - since) / 1_000).toFixed(1)} s`

async function gate([name, command, ...args]) {
  const since = performance.now()
  const run = promisify(execFile)(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 2 ** 20 })
  const { ok, output } = await run.then(
    () => ({ ok: true, output: '' }),
    ({ stdout, stderr }) => ({ ok: false, output: `${stdout}${stderr}` }),
  )
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds(since)})`)
  if (!ok) console.log(output)
  if (ok) passed++
  else failed++
  return ok
}

async function inTurn(gates) {
  for (const one of gates) await gate(one)
}

async function tests(tier) {
  const report = join(mkdtempSync(join(tmpdir(), 'gridmesh-test-')), 'report.json')
  const args = ['exec', 'vitest', 'run', '--project', tier, '--reporter=default', '--reporter=json']
  await once(spawn('pnpm', [...args, `--outputFile.json=${report}`], { cwd: root, stdio: 'inherit' }), 'close')
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'))
    // A file that does not load, or whose hooks fail, fails without a failed test.
    const broken = testResults.filter(
      ({ status, assertionResults }) =>
        status === 'failed' && assertionResults.every((result) => result.status !== 'failed'),
    )
    passed += numPassedTests
    failed += numFailedTests + broken.length
  } catch (err) {
    console.log(`FAILED ${tier} tests: no report: ${err.message}`)
    failed++
  } finally {
    rmSync(join(report, '..'), { recursive: true, force: true })
  }
}

if (await gate(['build', 'pnpm', 'exec', 'turbo', 'run', 'build', '--output-logs=errors-only'])) {
  // The soak mostly waits: it costs little beside the others. Networks that are to be quick come when it is over.
  const soak = gate(SOAK)
  await Promise.all(GATES.map(inTurn))
  await tests('unit')
  await soak
  for (const tier of ['apart', 'integration']) await tests(tier)
}
console.log(`in ${seconds(started)}`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

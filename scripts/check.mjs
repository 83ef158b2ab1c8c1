// The whole check: builds, then runs every gate and all tiers of tests, and closes with `N passed, N failed`, before it
// the names of those that failed. A gate counts as one; a gate's output is shown when it fails.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { constants, setPriority, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { root } from './packages.mjs'

const GATES = [
  ['types', 'pnpm', 'run', 'typecheck'],
  ['lint', 'pnpm', 'run', 'lint'],
  ['format', 'pnpm', 'exec', 'oxfmt', '--check'],
  ['import star', 'node', 'scripts/check-star.mjs'],
  ['generated docs', 'node', 'docs/generator/generate.mjs', '--check'],
  ['code in READMEs', 'node', 'scripts/check-readmes.mjs'],
  ['unused code', 'pnpm', 'exec', 'knip'],
  ['packages as a user gets them', 'node', 'scripts/check-packages.mjs'],
  ['examples', 'node', 'examples/run-all.mjs'],
]
const SOAK = ['soak, 60 s', 'node', '--expose-gc', 'tests/soak/src/main.ts', '--minutes', '1']

// Hundreds of processes load the same modules: each is compiled once.
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'compile')

let passed = 0
const failures = []
const started = performance.now()
const seconds = (since) => `${((performance.now() - since) / 1_000).toFixed(1)} s`

/** Starts a command. One behind the others gets what they leave of the processor. */
function start(command, args, { stdio, isBehind = false }) {
  const child = spawn(command, args, { cwd: root, stdio })
  if (isBehind && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
  return child
}

async function gate([name, command, ...args], options) {
  const since = performance.now()
  const child = start(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const [code] = await once(child, 'close')
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds(since)})`)
  if (code === 0) passed++
  else {
    console.log(output)
    failures.push(name)
  }
  return code === 0
}

async function tests(tier, options) {
  const report = join(mkdtempSync(join(tmpdir(), 'gridmesh-test-')), 'report.json')
  const args = ['exec', 'vitest', 'run', '--project', tier, '--reporter=default', '--reporter=json']
  const child = start('pnpm', [...args, `--outputFile.json=${report}`], { stdio: 'inherit', ...options })
  const [code] = await once(child, 'close')
  const before = failures.length
  try {
    const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'))
    passed += numPassedTests
    for (const { name, status, assertionResults } of testResults) {
      const failed = assertionResults.filter((result) => result.status === 'failed')
      const file = relative(root, name)
      failures.push(...failed.map(({ fullName }) => `${file}: ${fullName}`))
      // A file that does not load, or whose hooks fail, fails without a failed test.
      if (status === 'failed' && failed.length === 0) failures.push(file)
    }
  } catch (err) {
    failures.push(`${tier} tests: no report: ${err.message}`)
  } finally {
    rmSync(join(report, '..'), { recursive: true, force: true })
  }
  // What was thrown outside of every test is in no report.
  if (code !== 0 && failures.length === before) failures.push(`${tier} tests: an error outside of the tests, see above`)
}

/** What only takes the processor: it goes on behind whatever else is tested. */
async function behind() {
  const options = { isBehind: true }
  for (const one of GATES) await gate(one, options)
  await tests('heavy', options)
}

/** Networks that are to be quick come when those that only take their time are over. */
async function inFront() {
  const soak = gate(SOAK)
  for (const tier of ['unit', 'timed', 'apart']) await tests(tier)
  await soak
  await tests('integration')
}

if (await gate(['build', 'pnpm', 'exec', 'turbo', 'run', 'build', '--output-logs=errors-only'])) {
  await Promise.all([behind(), inFront()])
}
for (const failure of failures) console.log(`FAILED ${failure}`)
console.log(`in ${seconds(started)}`)
console.log(`${passed} passed, ${failures.length} failed`)
process.exitCode = failures.length === 0 ? 0 : 1

import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Links, decoders and commands: little of them waits for a network to be quick. */
const APART = [
  'tests/{interop,fuzz}/test/**/*.test.ts',
  'tests/integration/test/{bad-input,chain-api,http,sample-day}.test.ts',
  'tests/laws/test/{defaults,map,message-errors,refusals,reputation,shutdown,stop}.test.ts',
]

/** Laws and simulations that take much of the processor and wait for nothing: they may run behind all others. */
const HEAVY = [
  '{apps/node/test/sim,packages/simnet/test}/**/*.test.ts',
  'packages/consensus/test/simulation.test.ts',
  'packages/ledger/test/{laws,state-tree}.test.ts',
]

const UNIT = ['{packages,apps}/*/test/**/*.test.ts', 'docs/generator/test/**/*.test.ts']

/** Tests that stop the clock or replace a module, themselves or by a file beside them: each has a process of its own. */
const TIMED = UNIT.flatMap((pattern) => globSync(pattern)).filter((file) => {
  const text = readFileSync(file, 'utf8')
  const beside = [...text.matchAll(/from '(\.\.?\/[^']+)'/g)].map(([, path = '']) => join(dirname(file), path))
  const own = beside.filter((path) => !path.includes('/src/'))
  return [text, ...own.map((path) => readFileSync(path, 'utf8'))].some((each) => /useFakeTimers|vi\.mock\(/.test(each))
})

/** Who runs one after the other where all are run at once: each tier has its own number of workers. */
const inTurn = (groupOrder: number) => ({ sequence: { groupOrder } })

/** What every tier has. */
const ALL = { setupFiles: [join(import.meta.dirname, 'scripts/patient-waits.mjs')] }

const ALONE = {
  ...ALL,
  // Many of them wait now and then: one more than there are cores keeps those busy.
  maxWorkers: availableParallelism() + 1,
  // Only what hangs is to fail, however busy the machine is.
  testTimeout: 30_000,
  hookTimeout: 30_000,
}

export default defineConfig({
  test: {
    projects: [
      // What one process can prove alone, in three tiers; what may run side by side; and networks of real nodes over TCP.
      {
        test: {
          ...ALONE,
          ...inTurn(1),
          name: 'unit',
          // Two hundred files that import much the same: a process for each would take twice the time.
          isolate: false,
          include: UNIT,
          exclude: [...HEAVY, ...TIMED],
        },
      },
      { test: { ...ALONE, ...inTurn(2), name: 'timed', include: TIMED, exclude: HEAVY } },
      {
        test: {
          ...ALL,
          ...inTurn(3),
          name: 'heavy',
          // Simulations replace the globals of their process.
          isolate: true,
          maxWorkers: availableParallelism(),
          include: HEAVY,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          ...ALL,
          ...inTurn(4),
          name: 'apart',
          maxWorkers: availableParallelism(),
          include: APART,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...ALL,
          ...inTurn(5),
          name: 'integration',
          include: ['tests/*/test/**/*.test.ts'],
          exclude: APART,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Networks of up to thirty nodes, in up to twenty processes: two at once starve each other.
          fileParallelism: false,
        },
      },
    ],
  },
})

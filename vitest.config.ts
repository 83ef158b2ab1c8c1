import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Links, decoders and commands: little of them waits for a network to be quick. */
const APART = [
  'tests/{interop,fuzz}/test/**/*.test.ts',
  'tests/integration/test/{bad-input,chain-api,http,sample-day}.test.ts',
  'tests/laws/test/{map,message-errors,refusals,reputation,shutdown,stop}.test.ts',
]

export default defineConfig({
  test: {
    projects: [
      // Three tiers: what one process can prove alone; what may run side by side; and networks of real nodes over TCP.
      {
        test: {
          name: 'unit',
          // Many of them wait now and then: one more than there are cores keeps those busy.
          maxWorkers: availableParallelism() + 1,
          // Only what hangs is to fail, however busy the machine is.
          testTimeout: 30_000,
          hookTimeout: 30_000,
          include: ['{packages,apps}/*/test/**/*.test.ts', 'docs/generator/test/**/*.test.ts'],
        },
      },
      {
        test: {
          name: 'apart',
          maxWorkers: availableParallelism(),
          include: APART,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
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

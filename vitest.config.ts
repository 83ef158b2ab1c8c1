import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      // Two tiers: what one process can prove alone, then real nodes over TCP.
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
          name: 'integration',
          include: ['tests/*/test/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Networks of up to thirty nodes, in up to twenty processes: two at once starve each other.
          fileParallelism: false,
        },
      },
    ],
  },
})

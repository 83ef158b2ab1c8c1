import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      // Two tiers: what one process can prove alone, then real nodes over TCP.
      {
        test: {
          name: 'unit',
          maxWorkers: '100%',
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
          fileParallelism: false,
        },
      },
    ],
  },
})

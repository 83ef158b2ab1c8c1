import { expect, it } from 'vitest'
import { broadcastConformance } from '@gridmesh/interfaces/conformance'
import { harness } from './harness.ts'

it.each(broadcastConformance(harness()).map(({ name, run }) => [name, run] as const))(
  '%s',
  async (_, run) => {
    await expect(run()).resolves.toBeUndefined()
  },
  30_000,
)

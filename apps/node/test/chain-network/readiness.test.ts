import type { SyncProgress, SyncStatus } from '@gridmesh/block-sync'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Readiness } from '../../src/chain-network/readiness.ts'

let status: Pick<SyncStatus, 'phase' | 'progress'>
const at = (height: number): SyncProgress => ({ from: 0, height, target: 1_000_000, blocksPerSecond: 1 })

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
  status = { phase: 'idle', progress: undefined }
})
afterEach(() => vi.useRealTimers())

it.each(['idle', 'history'] as const)('is ready while a sync is at %s', (phase) => {
  status = { phase, progress: undefined }
  expect(new Readiness(() => status).isReady()).toBe(true)
})

it.each(['blocks', 'checkpoint'] as const)(
  'is not ready while a sync of %s gets on, however long it takes',
  (phase) => {
    const readiness = new Readiness(() => status)
    for (let height = 0; height < 10; height++) {
      status = { phase, progress: at(height) }
      expect(readiness.isReady()).toBe(false)
      vi.advanceTimersByTime(4_999)
      expect(readiness.isReady()).toBe(false)
    }
  },
)

it('is ready once a run has not got on for 5 s, and not before it has had as long again with the next', () => {
  const readiness = new Readiness(() => status)
  status = { phase: 'blocks', progress: at(7) }
  expect(readiness.isReady()).toBe(false)
  vi.advanceTimersByTime(5_000)
  expect(readiness.isReady()).toBe(true)
  status = { phase: 'idle', progress: undefined }
  expect(readiness.isReady()).toBe(true)
  status = { phase: 'blocks', progress: at(7) }
  expect(readiness.isReady()).toBe(false)
})

import { queryObjects } from 'node:v8'
import { expect, it } from 'vitest'
import { ReadyWaiters } from '../src/ready-waiters.ts'

it('keeps nothing of peers for whom nobody waits any more', () => {
  const waiters = new ReadyWaiters()
  const before = queryObjects(Set, { format: 'count' })
  for (let i = 0; i < 1_000; i++) waiters.add(`peer ${i}`).cancel()
  expect(queryObjects(Set, { format: 'count' })).toBeLessThan(before + 1_000)
})

import { expect, it, vi } from 'vitest'
import { openLevel } from '../src/level-store.ts'
import { folder } from './helpers.ts'

const { sizes } = vi.hoisted(() => ({ sizes: new Array<number>() }))
vi.mock('classic-level', () => ({
  ClassicLevel: class {
    constructor(_path: string, { writeBufferSize }: { writeBufferSize: number }) {
      sizes.push(writeBufferSize)
    }

    async open(): Promise<void> {}
  },
}))

it('takes a write buffer that is no larger than told, at most a quarter smaller, and not that of the node beside it', async () => {
  const [path, told] = [folder(), 33_554_432]
  for (let i = 0; i < 50; i++) await openLevel(path, { writeBufferBytes: told, blockCacheBytes: 0 })
  expect(sizes).toHaveLength(50)
  expect(sizes.filter((size) => !Number.isInteger(size) || size > told || size < 0.75 * told)).toEqual([])
  expect(new Set(sizes).size).toBeGreaterThan(1)
})

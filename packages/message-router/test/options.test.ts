import { expect, it } from 'vitest'
import { routerOptions } from '../src/options.ts'

it.each(['batchDelayMs', 'maxBatchHoldMs', 'handlerTimeoutMs', 'stopTimeoutMs'])(
  'refuses a %s that no timer can be set to, since that would fire at once',
  (name) => {
    for (const value of [Infinity, 2_147_483_648]) {
      expect(() => routerOptions({ [name]: value })).toThrow(`${name} ${value} must be at most 2147483647`)
    }
    expect(routerOptions({ [name]: 2_147_483_647 })).toMatchObject({ [name]: 2_147_483_647 })
  },
)

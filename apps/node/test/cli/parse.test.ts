import { expect, it } from 'vitest'
import { addressArgument, hashArgument } from '../../src/cli/parse.ts'

it('reads an address, and a hash, also in capitals', () => {
  const text = 'aB'.repeat(32)
  expect([addressArgument('--to')(text), hashArgument('hash')(text)]).toEqual(Array(2).fill('ab'.repeat(32)))
})

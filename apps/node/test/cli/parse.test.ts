import { expect, it } from 'vitest'
import { addressArgument, hashArgument, pathPart } from '../../src/cli/parse.ts'

it('reads an address, and a hash, also in capitals', () => {
  const text = 'aB'.repeat(32)
  expect([addressArgument('--to')(text), hashArgument('hash')(text)]).toEqual(Array(2).fill('ab'.repeat(32)))
})

it('escapes a part of a path, and refuses what a client would take for a step', () => {
  expect(pathPart('a name', 'a/é?')).toBe('a%2F%C3%A9%3F')
  for (const text of ['', '.', '..']) expect(() => pathPart('a name', text)).toThrow(`Expected a name, got "${text}"`)
})

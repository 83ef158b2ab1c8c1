import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkWithin } from '../src/bounds.ts'
import { corpusNames, loadCorpus } from '../src/corpus.ts'
import { applyEdits, type Edit, EDGES } from '../src/edits.ts'
import { TARGETS } from '../src/targets/index.ts'

const at = fc.nat(65_535)
const length = fc.integer({ min: 1, max: 64 })
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), at, value: fc.nat(255) }),
  fc.record({ kind: fc.constant('flip' as const), at, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('add' as const), at, by: fc.integer({ min: -16, max: 16 }) }),
  fc.record({
    kind: fc.constant('number' as const),
    at,
    bytes: fc.constantFrom(1, 2, 4, 8),
    value: fc.constantFrom(...EDGES),
  }),
  fc.record({
    kind: fc.constant('insert' as const),
    at,
    bytes: fc.array(fc.nat(255), { minLength: 1, maxLength: 16 }),
  }),
  fc.record({ kind: fc.constant('remove' as const), at, length }),
  fc.record({ kind: fc.constant('repeat' as const), at, length }),
  fc.record({ kind: fc.constant('truncate' as const), at }),
  fc.record({ kind: fc.constant('splice' as const), at, from: at, length, isInserted: fc.boolean() }),
)
const edits = fc.array(edit, { minLength: 1, maxLength: 5 })

it('has targets of different names, and no corpus of what is no target', () => {
  const names = new Set(TARGETS.map(({ name }) => name))
  expect(names.size).toBe(TARGETS.length)
  expect(corpusNames().filter((name) => !names.has(name))).toEqual([])
})

describe.each(TARGETS.map((target) => [target.name, target] as const))('%s', (name, target) => {
  const corpus = loadCorpus(name)

  it('reads what is true', async () => {
    for (const bytes of target.seeds) expect(await checkWithin(target, bytes)).toBe('read')
  })

  it('reads or refuses all that was kept of former runs', async () => {
    for (const bytes of corpus) expect(['read', 'refused']).toContain(await checkWithin(target, bytes))
  })

  it('reads or refuses what is changed', async () => {
    const inputs = [...target.seeds, ...corpus]
    const input = fc.constantFrom(...inputs)
    await fc.assert(
      fc.asyncProperty(input, input, edits, async (bytes, other, changes) => {
        expect(['read', 'refused']).toContain(await checkWithin(target, applyEdits(bytes, changes, other)))
      }),
      { numRuns: 150 },
    )
  })
})

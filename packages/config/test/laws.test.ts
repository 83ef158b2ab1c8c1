import fc from 'fast-check'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { loadConfig, toYaml } from '../src/index.ts'
import { problemsOf } from './problems-of.ts'

const schema = z.strictObject({
  a: z.int().default(0),
  b: z.strictObject({ text: z.string().default(''), list: z.array(z.string()).default([]) }).prefault({}),
  m: z.record(z.string(), z.number()).default({}),
})
const SOURCES = ['profile', 'file', 'environment', 'flag'] as const

it('always takes the value of the strongest source that gives one', () => {
  const given = fc.record(
    { profile: fc.integer(), file: fc.integer(), environment: fc.integer(), flag: fc.integer() },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(given, ({ profile, file, environment, flag }) => {
      const config = loadConfig({
        schema,
        ...(profile === undefined ? {} : { profile: { name: 'p', text: `a: ${profile}` } }),
        ...(file === undefined ? {} : { file: { path: 'f', text: `a: ${file}` } }),
        ...(environment === undefined ? {} : { env: { GRIDMESH_A: `${environment}` } }),
        flags: { a: flag },
      })
      const values = { profile, file, environment, flag }
      const strongest = SOURCES.findLast((source) => values[source] !== undefined)

      expect(config.value.a).toBe(strongest === undefined ? 0 : values[strongest])
      expect(config.origin('a').source).toBe(strongest ?? 'default')
    }),
  )
})

it('reads back what it prints', () => {
  const key = fc.string({ minLength: 1 }).filter((text) => text !== '__proto__')
  const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
  const value = fc.record({
    a: fc.integer(),
    b: fc.record({ text: fc.string({ unit: 'grapheme' }), list: fc.array(fc.string()) }),
    m: fc.dictionary(key, number),
  })
  fc.assert(
    fc.property(value, ({ a, b, m }) => {
      const config = loadConfig({
        schema,
        flags: { a, b: { list: b.list }, m },
        file: { path: 'f', text: textOf(b.text) },
      })
      const again = loadConfig({ schema, file: { path: 'printed', text: toYaml(config) } })

      expect(again.value).toEqual(config.value)
    }),
  )
})

function textOf(text: string): string {
  return `b: { text: ${JSON.stringify(text)} }`
}

it('answers any text with a value or a ConfigError', () => {
  const pieces = fc.constantFrom(
    'a',
    'b',
    ': ',
    '\n',
    '  ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '&x ',
    '*x',
    '!t ',
    '"',
    "'",
    '#',
    '1',
    '?',
    '|',
    '\t',
    '<<',
    '---',
    '%',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(pieces, { maxLength: 40 }).map((list) => list.join('')),
      ),
      (text) => {
        // `problemsOf` throws whatever is no ConfigError.
        expect(problemsOf({ schema, file: { path: 'f', text } }).every(({ message }) => message !== '')).toBe(true)
      },
    ),
    { numRuns: 1_000 },
  )
})

it('gives every setting that is wrong in a file a place of its own', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('x', 'y'), { minLength: 1, maxLength: 20 }), (words) => {
      const numbers = z.object({ n: z.array(z.int()) })
      const text = `n:\n${words.map((word) => `  - ${word}\n`).join('')}`
      const places = problemsOf({ schema: numbers, file: { path: 'f', text } }).map(({ line, column }) => [
        line,
        column,
      ])
      expect(places).toEqual(words.map((_, i) => [i + 2, 5]))
    }),
  )
})

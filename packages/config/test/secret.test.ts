import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { loadConfig, secret, toJsonSchema, toReference, toYaml } from '../src/index.ts'
import { problemsOf } from './problems-of.ts'

const HIDDEN = 'correct-horse-battery'

const schema = z.strictObject({
  user: z.string().default('me'),
  token: secret(z.string()).min(8).optional().describe('Token'),
  http: z.strictObject({ key: secret(z.string().min(3)).default('initial-key') }).prefault({}),
  keys: z.array(secret(z.string())).default([]),
  byName: z.record(z.string(), secret(z.string())).default({}),
  vault: secret(z.strictObject({ pin: z.string() })).optional(),
  either: z.union([z.int(), z.strictObject({ pass: secret(z.string()) })]).default(1),
})
const flags = {
  token: HIDDEN,
  'http.key': HIDDEN,
  keys: [HIDDEN],
  'byName.a': HIDDEN,
  'vault.pin': HIDDEN,
  either: { pass: HIDDEN },
}

it('gives secrets to the program and prints none of them', () => {
  const config = loadConfig({ schema, flags })

  expect(config.value.token).toBe(HIDDEN)
  expect(config.value.vault?.pin).toBe(HIDDEN)
  const printed = [
    toYaml(config),
    JSON.stringify(config),
    JSON.stringify(config.entries()),
    JSON.stringify(config.value),
    inspect(config, { depth: 9 }),
    inspect(config.value, { depth: 9 }),
  ]
  for (const text of printed) expect(text).not.toContain(HIDDEN)
})

it('shows that a secret is set, where from, and what stands around it', () => {
  const config = loadConfig({ schema, flags })

  expect(config.entries().find(({ path }) => path === 'token')).toMatchObject({
    value: '[redacted]',
    isSecret: true,
    origin: { source: 'flag', where: '--token' },
  })
  expect(JSON.parse(JSON.stringify(config.value))).toMatchObject({ user: 'me', http: { key: '[redacted]' } })
})

it('shows that a secret is not set', () => {
  expect(
    loadConfig({ schema })
      .entries()
      .find(({ path }) => path === 'token')?.value,
  ).toBeUndefined()
  expect(JSON.parse(JSON.stringify(loadConfig({ schema }).value))).not.toHaveProperty('token')
})

it('leaves the value equal to what was set', () => {
  const { value } = loadConfig({ schema: z.object({ token: secret(z.string()) }), flags: { token: HIDDEN } })
  expect(value).toEqual({ token: HIDDEN })
  expect(Object.keys(value)).toEqual(['token'])
})

it.each([
  ['too short', secret(z.string()).min(99)],
  [
    'refused in words made of it',
    secret(z.string()).refine(() => false, { error: ({ input }) => `bad: ${String(input)}` }),
  ],
  ['of another type', secret(z.int())],
  ['not one of a few', secret(z.enum(['a', 'b']))],
])('names no secret that is %s', (_, token) => {
  const problems = problemsOf({ schema: z.strictObject({ token }), file: { path: 'f', text: `token: ${HIDDEN}` } })

  expect(problems).toHaveLength(1)
  expect(JSON.stringify(problems)).not.toContain(HIDDEN)
  expect(problems[0]?.received).toBe('[redacted]')
})

it('names no part of a secret that is a mapping', () => {
  const own = { error: ({ input }: { input?: unknown }) => `bad: ${JSON.stringify(input)}` }
  const token = secret(z.object({ pin: z.string() })).refine(() => false, own)
  const problems = problemsOf({ schema: z.strictObject({ token }), flags: { 'token.pin': HIDDEN } })

  expect(problems).toHaveLength(1)
  expect(JSON.stringify(problems)).not.toContain(HIDDEN)
})

it('names no secret that stands where a section belongs, under an unknown key, or in a broken file', () => {
  const texts = [`http: ${HIDDEN}`, `tokn: ${HIDDEN}`, `token: "${HIDDEN}`, `token: ${HIDDEN}: ${HIDDEN}`]
  for (const text of texts) {
    const problems = problemsOf({ schema, file: { path: 'f', text } })
    expect(problems).not.toEqual([])
    expect(JSON.stringify(problems)).not.toContain(HIDDEN)
  }
})

it('repeats nothing of a text that is no YAML, whatever a secret without quotes begins or ends with', () => {
  const hidden = 'Zq7Xk9Wv4Jm2'
  const fragments = Array.from({ length: hidden.length - 2 }, (_, at) => hidden.slice(at, at + 3))
  const signs = fc.string({
    unit: fc.constantFrom(...'* ! & | > % @ ` { } [ ] " \' \\ ? : - , # ~ = \t'.split(' '), ' '),
    maxLength: 5,
  })
  fc.assert(
    fc.property(signs, signs, fc.constantFrom('token: ', ''), (before, after, key) => {
      const text = `user: me\n${key}${before}${hidden}${after}\n`
      const malformed = problemsOf({ schema, file: { path: 'f', text } }).filter(
        ({ expected }) => expected === 'valid YAML',
      )
      for (const fragment of fragments) expect(JSON.stringify(malformed)).not.toContain(fragment)
    }),
    {
      numRuns: 2_000,
      examples: [
        ['*', '', 'token: '],
        ['!', '', 'token: '],
        ['|', '', 'token: '],
        ['>', '', 'token: '],
        ['"\\x', '"', 'token: '],
        ['}', '', 'token: '],
        ['{', ', Zq7Xk9Wv4Jm2}', 'token: '],
        ['%', '\n---\nuser: me', ''],
      ],
    },
  )
})

it('marks secrets in the JSON schema and keeps their defaults out of what is generated', () => {
  expect(JSON.stringify(toJsonSchema(schema))).not.toContain('initial-key')
  expect(toJsonSchema(schema)).toMatchObject({ properties: { token: { writeOnly: true, description: 'Token' } } })
  expect(toReference(schema)).not.toContain('initial-key')
})

it('keeps the description that the schema had before', () => {
  expect(secret(z.string().describe('Token')).description).toBe('Token')
})

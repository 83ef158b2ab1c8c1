import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { loadConfig } from '../src/index.ts'
import { linesOf, problemsOf } from './problems-of.ts'

const schema = z.object({ any: z.unknown().optional(), map: z.record(z.string(), z.unknown()).default({}) })
const file = (text: string) => ({ schema, file: { path: 'f', text } })

const nested = (depth: number): string => `any: ${'['.repeat(depth)}${']'.repeat(depth)}`
const list = (values: number): string => `[${Array(values).fill('1').join()}]`
const manyKeys = (value: number): string => {
  return Array.from({ length: 2_000 }, (_, i) => `  k${i}: ${value}\n`).join('')
}

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'config-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

it('reads a file of maxFileBytes and refuses one of a byte more', () => {
  const path = join(dir, 'large.yaml')
  writeFileSync(path, 'any: 12345')
  expect(loadConfig({ schema, file: { path }, maxFileBytes: 10 }).value.any).toBe(12_345)

  const tooLarge = expect.objectContaining({ name: 'ConfigFileError', code: 'file-too-large', path })
  expect(() => loadConfig({ schema, file: { path }, maxFileBytes: 9 })).toThrow(tooLarge)
})

it('holds texts to the limit too, in bytes', () => {
  const text = 'any: é'
  expect(() => loadConfig({ ...file(text), maxFileBytes: 6 })).toThrow('f: it is larger than 6 bytes')
  expect(() => loadConfig({ schema, profile: { name: 'p', text }, maxFileBytes: 6 })).toThrow('p: it is larger')
})

it('refuses a file that is not UTF-8', () => {
  const path = join(dir, 'latin.yaml')
  writeFileSync(path, Buffer.from([0x61, 0x3a, 0x20, 0xe9]))
  expect(() => loadConfig({ schema, file: { path } })).toThrow(expect.objectContaining({ code: 'file-not-utf8' }))
})

it('resolves maxAliases aliases and no more, counting those within aliased values', () => {
  const text = 'any: [&a 1, &b [*a, *a], *b, *b]'

  expect(loadConfig({ ...file(text), maxAliases: 8 }).value.any).toEqual([1, [1, 1], [1, 1], [1, 1]])
  expect(linesOf({ ...file(text), maxAliases: 7 })).toEqual(['f:1:21: more than 7 aliases'])
})

it('stays small on a file that unfolds without end', () => {
  const lines = Array.from({ length: 30 }, (_, i) => `  - &x${i + 1} [${`*x${i}, `.repeat(9)}]`)
  expect(linesOf(file(`any:\n  - &x0 [1]\n${lines.join('\n')}`))[0]).toContain('more than 100 aliases')
})

it('reads 100,000 values and no more, counting those within aliased values', () => {
  // The list, its values, and each time it is used.
  const text = (values: number): string => `any: &a ${list(values)}\nmap: { b: *a, c: *a, d: *a }`

  expect(problemsOf(file(text(24_998)))).toEqual([])
  expect(linesOf(file(text(24_999)))).toEqual([expect.stringMatching(/^f:1:\d+: more than 100000 values$/)])
  expect(linesOf(file(`any: ${list(200_000)}`))).toHaveLength(1)
  expect(linesOf(file(`any: &a ${list(400_000)}\nmap: { a: [${Array(90).fill('*a').join()}] }`))).toHaveLength(1)
})

it('refuses an anchor that contains itself, and an alias without anchor', () => {
  expect(linesOf(file('any: &a [*a]'))[0]).toMatch(/^f:1:\d+: /)
  expect(linesOf(file('any: *b'))).toEqual([
    'f:1:6: an alias without an anchor before it; text that begins with * needs quotes',
  ])
})

it('refuses collections nested more than 64 deep', () => {
  expect(problemsOf(file(nested(63)))).toEqual([])
  expect(linesOf(file(nested(64)))).toEqual(['f:1:69: collections are nested more than 64 deep'])
  expect(linesOf(file(nested(2_000)))).not.toEqual([])
})

it('names both lines of a duplicate key', () => {
  expect(linesOf(file('any: 1\nmap: {}\nany: 2'))).toEqual(['f:3:1: duplicate key, first at line 1'])
})

it('refuses tags, keys that are no text, and more than one document', () => {
  expect(linesOf(file('any: !!js/function x'))[0]).toContain('f:1:6: tags are not supported')
  expect(linesOf(file('any: !!timestamp 2020-01-01'))[0]).toContain('f:1:6: tags are not supported')
  expect(linesOf(file('? [1]\n: 2'))[0]).toContain('f:1:3')
  expect(linesOf(file('any: 1\n---\nany: 2'))).toEqual(['f:2:1: more than one document'])
})

it('refuses a file that is a list or a word', () => {
  expect(linesOf(file('- a'))).toEqual(['f:1:1: expected a mapping, got a list of 1 value'])
  expect(linesOf(file('hello'))).toEqual(['f:1:1: expected a mapping, got "hello"'])
})

it('lets no key reach the prototype', () => {
  const lines = linesOf(file('__proto__: { polluted: 1 }\nmap: { __proto__: { polluted: 1 } }'))

  expect(lines).toHaveLength(2)
  expect(lines[0]).toContain('unknown key "__proto__"')
  const { value } = loadConfig(file('any: { __proto__: { polluted: 1 } }\nmap: { constructor: 1 }'))
  expect(Reflect.get(Object(value.any), 'polluted')).toBeUndefined()
  expect(value.map).toEqual({ constructor: 1 })
  expect(linesOf({ schema, flags: JSON.parse('{"__proto__.polluted": 1, "map.__proto__": 1}') })).toHaveLength(2)
  expect(Reflect.get({}, 'polluted')).toBeUndefined()
})

it('takes thousands of keys in each source', () => {
  const profile = { name: 'p', text: `map:\n${manyKeys(1)}` }
  const config = loadConfig({ ...file(`map:\n${manyKeys(2)}`), profile })

  expect(config.value.map['k1999']).toBe(2)
  expect(config.origin('map.k1999')).toEqual({ source: 'file', where: 'f:2001:10' })
})

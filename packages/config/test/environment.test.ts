import { expect, it } from 'vitest'
import { z } from 'zod'
import { loadConfig } from '../src/index.ts'
import { linesOf } from './problems-of.ts'

const schema = z.object({
  text: z.string().optional(),
  count: z.number().optional(),
  big: z.bigint().optional(),
  isOn: z.boolean().optional(),
  list: z.array(z.string()).optional(),
  numbers: z.array(z.int()).optional(),
  levels: z.record(z.string(), z.int()).optional(),
  either: z.union([z.int(), z.boolean(), z.enum(['auto'])]).optional(),
  three: z.literal(3).optional(),
  pairs: z.array(z.object({ a: z.int() })).optional(),
  maxURLLength: z.int().optional(),
  trimmed: z.string().trim().transform(Number).optional(),
})

it.each<[string, string, unknown]>([
  ['text', '  007 ', '  007 '],
  ['text', '', ''],
  ['count', '-1.5e3', -1500],
  ['count', ' 7 ', 7],
  ['big', '9007199254740993', 9_007_199_254_740_993n],
  ['isOn', 'True', true],
  ['isOn', 'false', false],
  ['list', 'a, b,c', ['a', 'b', 'c']],
  ['list', '', []],
  ['list', '["a,b"]', ['a,b']],
  ['numbers', '1,2', [1, 2]],
  ['levels', 'gridmesh:a=1, b=2', { 'gridmesh:a': 1, b: 2 }],
  ['levels', '{"a=b": 1}', { 'a=b': 1 }],
  ['levels', '', undefined],
  ['either', '5', 5],
  ['either', 'true', true],
  ['either', 'auto', 'auto'],
  ['three', '3', 3],
  ['pairs', '[{"a": 1}]', [{ a: 1 }]],
  ['trimmed', ' 12 ', 12],
])('reads %s from %j', (key, text, expected) => {
  const name = `GRIDMESH_${key.replace('isOn', 'is_on').toUpperCase()}`
  expect(Reflect.get(loadConfig({ schema, env: { [name]: text } }).value, key)).toEqual(expected)
})

it.each([
  ['COUNT', '', 'a number, got ""'],
  ['COUNT', '0x10', 'a number, got "0x10"'],
  ['COUNT', 'Infinity', 'a number, got "Infinity"'],
  ['IS_ON', 'yes', 'true or false, got "yes"'],
  ['LEVELS', 'a', 'a mapping, got "a"'],
  ['PAIRS', '[{', 'a list, each a mapping, got "[{"'],
])('refuses %s=%j', (name, text, message) => {
  const [line = ''] = linesOf({ schema, env: { [`GRIDMESH_${name}`]: text } })
  expect(line).toContain(`expected ${message}`)
})

it('splits the words of a key, capitals in a row as one word', () => {
  expect(loadConfig({ schema, env: { GRIDMESH_MAX_URL_LENGTH: '9' } }).value.maxURLLength).toBe(9)
})

it('looks at no variable without the prefix, nor at those that are named as no settings', () => {
  const env = { PATH: '/bin', GRIDMESH_CONFIG: 'x', GRIDMESH_TEXT: undefined, COUNT: 'x' }

  expect(loadConfig({ schema, env, otherEnv: ['GRIDMESH_CONFIG'] }).value).toEqual({})
  expect(linesOf({ schema, env })).toEqual(['GRIDMESH_CONFIG: unknown variable'])
})

it('takes another prefix', () => {
  expect(loadConfig({ schema, envPrefix: 'APP_', env: { APP_COUNT: '1', GRIDMESH_COUNT: 'x' } }).value.count).toBe(1)
})

it('reads flags that are text like variables, and others as they are', () => {
  const flags = { count: '5', isOn: true, 'levels.a.b': '1', list: ['x'], text: undefined }

  expect(loadConfig({ schema, flags }).value).toEqual({ count: 5, isOn: true, levels: { 'a.b': 1 }, list: ['x'] })
})

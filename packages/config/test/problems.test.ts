import { expect, it } from 'vitest'
import { z } from 'zod'
import { ConfigError, loadConfig } from '../src/index.ts'
import { linesOf, problemsOf } from './problems-of.ts'

const schema = z.strictObject({
  name: z.string().regex(/^[a-z]+$/, 'expected lower-case letters'),
  p2p: z
    .strictObject({
      port: z.int().min(0).max(65_535).default(9000),
      host: z.string().min(1).default('::'),
      share: z.number().gt(0).lt(1).multipleOf(0.25).default(0.5),
      mode: z.enum(['noise', 'tls']).default('noise'),
      peers: z.array(z.string()).min(1).max(3).default(['a']),
      limit: z.union([z.int(), z.literal('none')]).default('none'),
    })
    .prefault({}),
  http: z.strictObject({ port: z.int().default(80) }).prefault({}),
})
const file = (text: string) => ({ schema, file: { path: 'node.yaml', text: `name: x\n${text}` } })

it('says file, line, column, path, what was expected and what came', () => {
  expect(problemsOf(file('p2p:\n  port: nine\n'))).toEqual([
    {
      source: 'file',
      file: 'node.yaml',
      line: 3,
      column: 9,
      path: 'p2p.port',
      received: '"nine"',
      expected: 'an integer from 0 to 65535',
      message: 'node.yaml:3:9: p2p.port: expected an integer from 0 to 65535, got "nine"',
    },
  ])
})

it.each([
  ['port: 65536', 'p2p.port: expected an integer from 0 to 65535, got 65536'],
  ['port: 1.5', 'p2p.port: expected an integer from 0 to 65535, got 1.5'],
  ['port:', 'p2p.port: expected an integer from 0 to 65535, got null'],
  ['host: ""', 'p2p.host: expected text of at least 1 character, got ""'],
  ['host: [a]', 'p2p.host: expected text of at least 1 character, got a list of 1 value'],
  ['share: 1', 'p2p.share: expected a number above 0 and below 1, a multiple of 0.25, got 1'],
  ['share: .inf', 'p2p.share: expected a number above 0 and below 1, a multiple of 0.25, got Infinity'],
  ['mode: nois', 'p2p.mode: expected one of "noise", "tls", got "nois"'],
  ['peers: []', 'p2p.peers: expected a list of 1 to 3 values, each text, got a list of 0 values'],
  ['peers: [a, {}]', 'p2p.peers[1]: expected text, got a mapping'],
  ['limit: no', 'p2p.limit: expected an integer or "none", got "no"'],
])('explains %s', (line, message) => {
  expect(linesOf(file(`p2p:\n  ${line}\n`)).map((text) => text.replace(/^node\.yaml:3:\d+: /, ''))).toEqual([message])
})

it('names the problems of all sources at once, in the order of the sources and lines', () => {
  const init = {
    ...file('p2p:\n  prot: 9\n  port: nine\nhttp: 5\n'),
    profile: { name: 'small', text: 'name: X' },
    env: { GRIDMESH_P2P_HOTS: 'a', GRIDMESH_P2P_SHARE: '7' },
    flags: { 'p2p.mod': 'tls', 'http.port': 'x' },
  }
  expect(linesOf(init)).toEqual([
    'node.yaml:3:3: p2p: unknown key "prot", did you mean "port"?',
    'node.yaml:4:9: p2p.port: expected an integer from 0 to 65535, got "nine"',
    'node.yaml:5:7: http: expected a mapping, got 5',
    'GRIDMESH_P2P_HOTS: unknown variable, did you mean GRIDMESH_P2P_HOST?',
    'GRIDMESH_P2P_SHARE: p2p.share: expected a number above 0 and below 1, a multiple of 0.25, got 7',
    '--p2p-mod: unknown flag, did you mean --p2p-mode?',
    '--http-port: http.port: expected an integer, got "x"',
  ])
})

const loadTwoWrong = () => loadConfig(file('p2p: { port: x, host: 3 }'))

it('puts every line into the message of the error', () => {
  expect(loadTwoWrong).toThrow(ConfigError)
  expect(loadTwoWrong).toThrow(expect.objectContaining({ name: 'ConfigError', code: 'invalid-config' }))
  expect(loadTwoWrong).toThrow(/^2 settings are wrong:\n {2}node.yaml:2:14: p2p.port.*\n {2}node.yaml:2:23: p2p.host/)
})

it("uses the schema's own words where it has some", () => {
  const own = z.object({ a: z.int().refine((value) => value % 2 === 0, 'must be even'), b: z.int().default(1) })
  const whole = own.refine(({ a, b }) => a > b, 'a must be above b')

  expect(linesOf({ schema: own, flags: { a: 3 } })).toEqual(['--a: a: must be even, got 3'])
  expect(linesOf({ schema: whole, flags: { a: 0 } })).toEqual(['a must be above b'])
  expect(linesOf({ schema, flags: { name: 'X' } })).toEqual(['--name: name: expected lower-case letters, got "X"'])
})

it('says of a missing value what it is and how to set it', () => {
  const line =
    'name: expected text that matches /^[a-z]+$/, got nothing; set it in a file, with GRIDMESH_NAME or with --name'

  expect(linesOf({ schema })).toEqual([line])
  expect(problemsOf({ schema })[0]).toMatchObject({ source: 'default', path: 'name' })
})

it('says of a default that does not go with another value what it is', () => {
  const pair = z
    .strictObject({ low: z.int().default(1), high: z.int().default(5) })
    .refine(({ low, high }) => high >= low, { path: ['high'], error: 'expected low or more' })

  expect(linesOf({ schema: z.object({ pair: pair.prefault({}) }), flags: { 'pair.low': 9 } })).toEqual([
    'pair.high: expected low or more, got 5 by default; set it in a file, with GRIDMESH_PAIR_HIGH or with --pair-high',
  ])
})

it('says of what is missing within a list that nothing came, whatever the default of the list', () => {
  const list = z.object({ peers: z.array(z.object({ id: z.string() })).default([]) })

  expect(linesOf({ schema: list, flags: { peers: [{}] } })[0]).toMatch(
    /^--peers: peers\[0\]\.id: expected text, got nothing/,
  )
})

const flagName = (path: string): string => `--set ${path}`

it('calls flags as the program does', () => {
  const init = { ...file('p2p:\n  port: 1\n'), flagName }

  expect(loadConfig({ ...init, flags: { 'p2p.port': '2' } }).origin('p2p.port').where).toBe('--set p2p.port')
  expect(linesOf({ ...init, flags: { 'p2p.port': 'x', 'p2p.mod': 'tls' } })).toEqual([
    '--set p2p.mod: unknown flag, did you mean --set p2p.mode?',
    '--set p2p.port: p2p.port: expected an integer from 0 to 65535, got "x"',
  ])
  expect(linesOf({ schema, flagName })[0]).toMatch(/with GRIDMESH_NAME or with --set name$/)
})

it('says where the section stands in which a value is missing', () => {
  const nested = z.object({ http: z.object({ port: z.int(), host: z.string() }) })
  const lines = linesOf({ schema: nested, file: { path: 'f', text: '\nhttp:\n  host: a\n' } })

  expect(lines).toEqual([
    'f:3:3: http.port: expected an integer, got nothing; set it in a file, with GRIDMESH_HTTP_PORT or with --http-port',
  ])
})

it.each([
  ['prot: 1', '"p2p.port" or "http.port"', 'port: 1'],
  ['hots: 1', '"p2p.host"', 'host: 1'],
])('finds the section of a key that stands in the wrong one', (_, meant, line) => {
  const key = line.split(':')[0]
  expect(linesOf(file(line))).toEqual([`node.yaml:2:1: unknown key "${key}", did you mean ${meant}?`])
})

it('lists the known keys where none is like an unknown one', () => {
  expect(linesOf(file('http:\n  zzzzzz: 1'))).toEqual(['node.yaml:3:3: http: unknown key "zzzzzz", known here: port'])
})

it('names unknown keys of an object within a list', () => {
  const list = z.object({ peers: z.array(z.strictObject({ id: z.string() })) })
  const text = 'peers:\n  - id: a\n  - id: b\n    di: c\n'

  expect(linesOf({ schema: list, file: { path: 'f', text } })).toEqual([
    'f:4:9: peers[1]: unknown key "di", did you mean "id"?',
  ])
})

it('tells a wrong key of a mapping from a wrong value', () => {
  const record = z.object({ m: z.record(z.string().min(2), z.int()) })

  expect(linesOf({ schema: record, flags: { m: { a: 1 } } })).toEqual(['--m: m.a: expected another key, got 1'])
  expect(linesOf({ schema: record, flags: { m: { ab: 'x' } } })).toEqual(['--m: m.ab: expected an integer, got "x"'])
})

it('takes a key for one of its own names only, whatever every object has', () => {
  const open = z.object({ port: z.int().optional() }).catchall(z.int())
  const text = 'constructor: x\nhttp: { toString: y, port: z }\n'

  expect(linesOf({ schema: open.extend({ http: open }), file: { path: 'f', text } })).toEqual([
    'f:1:14: constructor: expected an integer, got "x"',
    'f:2:19: http.toString: expected an integer, got "y"',
    'f:2:28: http.port: expected an integer, got "z"',
  ])
})

it('does not call a value missing that may stand in a file that is no YAML', () => {
  const lines = linesOf({ schema, file: { path: 'node.yaml', text: 'name: "x\n' } })

  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/^node\.yaml:\d+:\d+: a quote, bracket, comma, colon or space is missing$/)
})

it('shows the beginning of a long value only', () => {
  const [line = ''] = linesOf(file(`p2p:\n  port: ${'x'.repeat(10_000)}`))
  expect(line).toContain('x…"')
  expect(line.length).toBeLessThan(200)
})

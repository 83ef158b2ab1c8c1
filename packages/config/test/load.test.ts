import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { loadConfig } from '../src/index.ts'

const schema = z.strictObject({
  name: z.string().default('node'),
  p2p: z
    .strictObject({
      port: z.int().min(0).max(65_535).default(9000),
      minPeers: z.int().positive().default(8),
      bootstrap: z.array(z.string()).default([]),
    })
    .prefault({}),
  levels: z.record(z.string(), z.enum(['info', 'debug'])).default({}),
  motto: z.string().optional(),
})

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'config-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

it('fills every setting from the schema when no source is given', () => {
  const config = loadConfig({ schema })

  expect(config.value).toEqual({ name: 'node', p2p: { port: 9000, minPeers: 8, bootstrap: [] }, levels: {} })
  expect(config.origin('p2p.port')).toEqual({ source: 'default' })
})

it('lets each source win over the ones before it, setting by setting', () => {
  const sources = {
    profile: { name: 'small', text: 'name: a\np2p:\n  port: 1\n  minPeers: 1\n' },
    file: { path: 'node.yaml', text: 'p2p:\n  port: 2\n  minPeers: 2\n' },
    env: { GRIDMESH_P2P_PORT: '3', GRIDMESH_P2P_MIN_PEERS: '3' },
    flags: { 'p2p.minPeers': 4 },
  }
  const config = loadConfig({ schema, ...sources })

  expect(config.value.name).toBe('a')
  expect(config.value.p2p).toEqual({ port: 3, minPeers: 4, bootstrap: [] })
  expect(config.origin('name')).toEqual({ source: 'profile', where: 'small:1:7' })
  expect(config.origin('p2p.port')).toEqual({ source: 'environment', where: 'GRIDMESH_P2P_PORT' })
  expect(config.origin('p2p.minPeers')).toEqual({ source: 'flag', where: '--p2p-min-peers' })
})

it('replaces a list as a whole and merges a mapping key by key', () => {
  const config = loadConfig({
    schema,
    profile: { name: 'p', text: 'p2p: { bootstrap: [a, b, c] }\nlevels: { x: info, y: info }' },
    file: { path: 'f', text: 'p2p: { bootstrap: [d] }\nlevels: { y: debug }' },
  })

  expect(config.value.p2p.bootstrap).toEqual(['d'])
  expect(config.value.levels).toEqual({ x: 'info', y: 'debug' })
  expect(config.origin('levels.x')).toEqual({ source: 'profile', where: 'p:2:14' })
  expect(config.origin('levels.y')).toEqual({ source: 'file', where: 'f:2:14' })
})

it('knows the place of one entry of a list, and the list where the entry has none', () => {
  const config = loadConfig({ schema, file: { path: 'f', text: 'p2p:\n  bootstrap:\n    - a\n    - b\n' } })

  expect(config.origin('p2p.bootstrap[1]')).toEqual({ source: 'file', where: 'f:4:7' })
  expect(config.origin('p2p.bootstrap[7]')).toEqual({ source: 'file', where: 'f:3:5' })
})

it('refuses to tell the origin of what is no setting, and names the nearest', () => {
  const config = loadConfig({ schema })

  expect(() => config.origin('p2p.prot')).toThrow('no setting "p2p.prot", did you mean p2p.port?')
  expect(() => config.origin('p2p')).toThrow(RangeError)
})

it('takes a section without lines, and an empty file, as saying nothing', () => {
  expect(loadConfig({ schema, file: { path: 'f', text: 'p2p:\n  # port: 1\nlevels:\n' } }).value.p2p.port).toBe(9000)
  expect(loadConfig({ schema, file: { path: 'f', text: '' } }).value.name).toBe('node')
})

it('applies the defaults within a section that has no default of its own', () => {
  const open = z.object({ http: z.object({ port: z.int().default(80) }), extra: z.object({ a: z.int() }).optional() })

  expect(loadConfig({ schema: open }).value).toEqual({ http: { port: 80 } })
})

it('keeps the rest of a default that stands for a whole section once one value in it is set', () => {
  const inner = z.strictObject({ host: z.string().default('::'), port: z.int().default(1) })
  const outer = z.strictObject({ http: inner.default({ host: 'localhost', port: 80 }) })
  const config = loadConfig({ schema: outer, flags: { 'http.port': 81 } })

  expect(config.value).toEqual({ http: { host: 'localhost', port: 81 } })
  expect(config.origin('http.host')).toEqual({ source: 'default' })
})

it('keeps keys that the schema leaves open', () => {
  const loose = z.looseObject({ a: z.int().default(1) })
  const config = loadConfig({ schema: loose, file: { path: 'f', text: 'b: 2' } })

  expect(config.value).toEqual({ a: 1, b: 2 })
  expect(config.entries().map(({ path, value }) => [path, value])).toEqual([
    ['a', 1],
    ['b', 2],
  ])
})

it('freezes the value at every depth', () => {
  const { value } = loadConfig({ schema, flags: { 'p2p.bootstrap': ['a'] } })

  expect(Object.isFrozen(value)).toBe(true)
  expect(Object.isFrozen(value.p2p.bootstrap)).toBe(true)
  expect(() => Object.assign(value.p2p, { port: 1 })).toThrow(TypeError)
})

it('leaves what a flag was given as it was', () => {
  const list = ['a']
  loadConfig({ schema, flags: { 'p2p.bootstrap': list } })
  expect(Object.isFrozen(list)).toBe(false)
})

it('lists every setting in the order of the schema, also those that are not set', () => {
  const entries = loadConfig({ schema, env: { GRIDMESH_LEVELS: 'a.b=info' } }).entries()

  expect(entries.map(({ path }) => path)).toEqual([
    'name',
    'p2p.port',
    'p2p.minPeers',
    'p2p.bootstrap',
    'levels["a.b"]',
    'motto',
  ])
  expect(entries.at(-1)).toEqual({
    path: 'motto',
    keys: ['motto'],
    value: undefined,
    isSecret: false,
    origin: { source: 'default' },
  })
})

it('reads a file with a byte order mark and keeps its columns', () => {
  const path = join(dir, 'bom.yaml')
  writeFileSync(path, '\uFEFFname: x\n')
  const config = loadConfig({ schema, file: { path } })

  expect(config.value.name).toBe('x')
  expect(config.origin('name').where).toBe(`${path}:1:7`)
})

it('names the path and the reason when a file cannot be read', () => {
  const path = join(dir, 'absent.yaml')
  const error = { name: 'ConfigFileError', code: 'file-unreadable', path }

  expect(() => loadConfig({ schema, file: { path } })).toThrow(expect.objectContaining(error))
  expect(() => loadConfig({ schema, file: { path } })).toThrow(`${path}: there is no such file`)
  expect(() => loadConfig({ schema, file: { path: dir } })).toThrow(`${dir}: it is a directory`)
})

it('refuses a schema in which two settings share a variable', () => {
  const twice = z.object({ p2p: z.object({ port: z.int() }), p2pPort: z.int() })
  expect(() => loadConfig({ schema: twice })).toThrow('p2p.port and p2pPort would both be set by GRIDMESH_P2P_PORT')
})

it('refuses a schema that is not an object, and limits below 0', () => {
  expect(() => loadConfig({ schema: z.string() })).toThrow(TypeError)
  expect(() => loadConfig({ schema, maxFileBytes: -1 })).toThrow('maxFileBytes -1')
  expect(() => loadConfig({ schema, maxAliases: Number.NaN })).toThrow('maxAliases NaN')
})

it('takes a schema that contains itself', () => {
  interface Tree {
    name: string
    child?: Tree | undefined
  }
  const tree: z.ZodType<Tree> = z.object({
    name: z.string().default('x'),
    get child() {
      return tree.optional()
    },
  })
  const config = loadConfig({ schema: z.object({ tree }), file: { path: 'f', text: 'tree: { child: { name: y } }' } })

  expect(config.value.tree).toEqual({ name: 'x', child: { name: 'y' } })
})

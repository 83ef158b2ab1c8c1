import { expect, it } from 'vitest'
import { z } from 'zod'
import { loadConfig, toJsonSchema, toReference, toYaml } from '../src/index.ts'

const schema = z.object({
  name: z.string(),
  p2p: z
    .object({
      port: z.int().min(0).max(65_535).default(9000).describe('TCP port'),
      pingMs: z.number().positive().default(5).describe('Time | between\n pings'),
      mode: z.enum(['noise', 'tls']).default('noise'),
      peers: z.array(z.string()).default([]),
    })
    .prefault({ port: 9001 }),
  levels: z.record(z.string(), z.int()).optional(),
  motto: z.string().optional(),
})

it('writes one line of reference for each setting', () => {
  expect(toReference(schema).split('\n')).toEqual([
    '| Setting | Type | Default | Unit | Variable | Description |',
    '| --- | --- | --- | --- | --- | --- |',
    '| `name` | text | required |  | `GRIDMESH_NAME` |  |',
    '| `p2p.port` | integer from 0 to 65535 | `9001` |  | `GRIDMESH_P2P_PORT` | TCP port |',
    String.raw`| ${'`p2p.pingMs`'} | number above 0 | ${'`5`'} | ms | ${'`GRIDMESH_P2P_PING_MS`'} | Time \| between pings |`,
    '| `p2p.mode` | one of "noise", "tls" | `"noise"` |  | `GRIDMESH_P2P_MODE` |  |',
    '| `p2p.peers` | list, each text | `[]` |  | `GRIDMESH_P2P_PEERS` |  |',
    '| `levels` | mapping to an integer | not set |  | `GRIDMESH_LEVELS` |  |',
    '| `motto` | text | not set |  | `GRIDMESH_MOTTO` |  |',
    '',
  ])
})

it('names the variables of a reference by the given prefix', () => {
  expect(toReference(schema, { envPrefix: 'APP_' })).toContain('`APP_P2P_PORT`')
})

it('writes a JSON schema of what may be written, which refuses unknown keys', () => {
  expect(toJsonSchema(schema)).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    required: ['name'],
    additionalProperties: false,
    properties: {
      p2p: {
        additionalProperties: false,
        properties: { port: { type: 'integer', default: 9000, maximum: 65_535, description: 'TCP port' } },
      },
      levels: { additionalProperties: { type: 'integer' } },
    },
  })
})

it('prints YAML with the origin of each value', () => {
  const file = { path: 'f.yaml', text: 'name: x\np2p:\n  peers: [a]\n' }

  expect(toYaml(loadConfig({ schema, file, env: { GRIDMESH_LEVELS: 'a=1' } }))).toBe(
    [
      'name: x # file, f.yaml:1:7',
      'p2p:',
      '  port: 9001 # default',
      '  pingMs: 5 # default',
      '  mode: noise # default',
      '  # file, f.yaml:3:10',
      '  peers:',
      '    - a',
      'levels:',
      '  a: 1 # environment, GRIDMESH_LEVELS',
      '# motto: not set',
      '',
    ].join('\n'),
  )
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { toJsonSchema } from '@gridmesh/config'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { loadNodeConfig } from '../src/config/load.ts'
import { nodeConfigSchema, type NodeConfig } from '../src/config/schema.ts'
import { prepareFiles } from '../src/devnet/files.ts'
import { planDevnet } from '../src/devnet/plan.ts'
import { createLog } from '../src/logging.ts'
import { createNode } from '../src/create-node.ts'

const PROFILE = 'gridtokenx'
const log = createLog({ format: 'json', level: 'silent', components: {} })
const QUIET = {
  'p2p.port': 0,
  'http.port': 0,
  'discovery.strategies': ['stored', 'bootstrap', 'static', 'peer-exchange'],
  'chain.verifyThreads': 0,
}

let data = ''
let file = ''
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'gridmesh-settings-'))
  const [node] = await prepareFiles(data, PROFILE, planDevnet({ nodes: 1, baseHttp: 20_000, baseP2p: 21_000 }))
  file = node?.config ?? ''
})
afterAll(() => rm(data, { recursive: true }))

/** What the check says of settings; `all right` where it lets them pass. */
function checked(flags: Record<string, unknown>): string {
  try {
    configOf(flags)
    return 'all right'
  } catch (err) {
    if (err instanceof Error && err.name === 'ConfigError') return err.message
    throw err
  }
}

function configOf(flags: Record<string, unknown>): NodeConfig {
  return loadNodeConfig({ profile: PROFILE, file, flags: { ...QUIET, ...flags } }).config
}

/** Starts a node, stops it, and gives what the process said meanwhile of timers that were to wait too long. */
async function warningsOf(config: NodeConfig): Promise<string[]> {
  const warnings: string[] = []
  const heed = ({ name, message }: Error): void => {
    if (name === 'TimeoutOverflowWarning') warnings.push(message)
  }
  process.on('warning', heed)
  onTestFinished(() => void process.off('warning', heed))
  const node = await createNode({ config, log })
  await node.start()
  await node.stop()
  // Warnings come behind what was called.
  await setImmediate()
  return warnings
}

/** What has to be set with a setting. */
const beside: Record<string, Record<string, unknown>> = {
  'chain.checkpoint.height': { 'chain.checkpoint.hash': 'ab'.repeat(32) },
}

/** Addresses of as many peers as there are numbers. */
function members(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => {
    const raw = new Uint8Array(32)
    new DataView(raw.buffer).setUint32(0, from + i)
    return `/ip4/127.0.0.1/tcp/1/p2p/${peerIdFromPublicKey(publicKeyFromRaw(raw)).toString()}`
  })
}

const numberSchema = z.object({
  type: z.enum(['integer', 'number']),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().default(0),
})
const sectionSchema = z.object({ properties: z.record(z.string(), z.unknown()) })

/** The settings that are numbers, each with the ends of its range and with what is far or not so far within it. */
function extremes(json: unknown, keys: readonly string[] = []): (readonly [string, readonly number[]])[] {
  const section = sectionSchema.safeParse(json)
  if (section.success) {
    return Object.entries(section.data.properties).flatMap(([key, below]) => extremes(below, [...keys, key]))
  }
  const { data: number } = numberSchema.safeParse(json)
  if (number === undefined || keys.at(-1) === 'port') return []
  const least = number.minimum ?? (number.type === 'integer' ? 1 : Number.MIN_VALUE)
  const most = number.maximum ?? (number.type === 'integer' ? Number.MAX_SAFE_INTEGER : Number.MAX_VALUE)
  return [[keys.join('.'), [...new Set([least, 600, 20_000, 3_000_000_000, most])]]]
}

const table = extremes(toJsonSchema(nodeConfigSchema))

it('knows the numbers among the settings', () => {
  expect(table.length).toBeGreaterThan(40)
})

describe.each(table)('%s', (path, values) => {
  it.each(values)(
    'of %d is refused with section and value, or starts without a timer that is too long',
    async (value) => {
      const flags = { ...beside[path], [path]: value }
      const said = checked(flags)
      const [section = path] = path.split('.')
      const refusal = [expect.stringContaining(section), expect.stringContaining(`${value}`)]
      const isRefused = said !== 'all right'
      expect(isRefused ? [said, said] : await warningsOf(configOf(flags))).toEqual(isRefused ? refusal : [])
    },
  )
})

it.each([
  ['the longest lists', { capabilities: Array.from({ length: 62 }, (_, i) => `c${i}`), 'chain.forkChoice': 'longest' }],
  ['members of both kinds', { 'p2p.bootstrap': members(0, 600), 'discovery.staticPeers': members(200, 1_000) }],
  ['reserved roles beyond all numbers', { 'pool.reservedRoles': { authority: Number.MAX_SAFE_INTEGER } }],
  ['roles beyond all numbers', { 'discovery.roles': { authority: Number.MAX_SAFE_INTEGER } }],
  ['an IPv6 address', { 'p2p.host': '::1' }],
  ['an API that others can reach', { 'http.host': '0.0.0.0', 'http.token': '0123456789abcdef' }],
])('starts with %s', async (_, flags) => {
  expect(await warningsOf(configOf(flags))).toEqual([])
})

it('takes a peer id in its form as a CID for the same peer', () => {
  const [address = ''] = members(0, 1)
  const id = address.slice(address.lastIndexOf('/') + 1)
  const cid = peerIdFromString(id).toCID().toString()
  const flags = { 'pool.reservedPeers': [cid], 'p2p.bootstrap': [address.replace(id, cid)] }
  expect(configOf(flags)).toMatchObject({ pool: { reservedPeers: [id] }, p2p: { bootstrap: [address] } })
})

it.each([
  [
    { 'reconnection.coolDownMs': 400_000 },
    'reconnection.coolDownMs',
    'expected maxDelayMs, which is 300000, or less, got 400000',
  ],
  [
    { 'health.busyDelayMs': 600 },
    'health.overloadedDelayMs',
    'expected busyDelayMs, which is 600, or more, got 500 by default; set it',
  ],
  [
    { 'discovery.maxIntervalMs': 500 },
    'discovery.maxIntervalMs',
    'expected intervalMs, which is 1000, or more, got 500',
  ],
  [{ 'health.pingDeadlineMs': 3e9 }, 'health.pingDeadlineMs', 'an integer from 1 to 2147483647, got 3000000000'],
  [{ 'messages.batchDelayMs': 3e9 }, 'messages.batchDelayMs', 'an integer from 1 to 2147483647, got 3000000000'],
  [{ 'http.host': '0.0.0.0' }, 'http.token', 'since others can reach http.host "0.0.0.0", got nothing'],
  [{ 'p2p.host': 'localhost' }, 'p2p.host', 'an IPv4 or IPv6 address, got "localhost"'],
  [{ 'p2p.host': '256.1.1.1' }, 'p2p.host', 'an IPv4 or IPv6 address, got "256.1.1.1"'],
  [{ 'p2p.host': 'fe80::1%eth0' }, 'p2p.host', 'an IPv4 or IPv6 address, got "fe80::1%eth0"'],
  [{ 'p2p.bootstrap': ['/ip4/1.2.3.4/tcp/1/p2p/zzz'] }, 'p2p.bootstrap[0]', 'ends in /p2p/ and a peer id'],
  [
    { 'p2p.bootstrap': members(0, 600), 'discovery.staticPeers': members(600, 1_001) },
    'discovery.staticPeers',
    '1000 peers at most, with those of p2p.bootstrap',
  ],
  [{ capabilities: Array.from({ length: 63 }, (_, i) => `c${i}`) }, 'capabilities', 'a list of at most 62 values'],
])('refuses %j', (flags, path, rule) => {
  expect(checked(flags)).toMatch(`${path}: expected`)
  expect(checked(flags)).toMatch(rule)
})

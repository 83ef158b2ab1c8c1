import type { Hello } from '@gridmesh/interfaces'
import { MemoryDatastore } from 'datastore-core'
import fc from 'fast-check'
import { Key } from 'interface-datastore'
import { expect, it, vi } from 'vitest'
import { DATASTORE_PREFIX } from '../src/constants.ts'
import { REPORT_CLASSES } from '../src/offences.ts'
import { at, makeHello, makeManager, makePeerIds } from './support.ts'

const ids = await makePeerIds(40)
const self = at(ids, 0)
const peer = at(ids, 1)
const strangers = ids.slice(2)

/** As much as a handshake lets a peer say. */
function largestHello(): Hello {
  return makeHello({
    chainId: 'c'.repeat(128),
    genesisHash: 'g'.repeat(128),
    tipHash: 't'.repeat(128),
    role: 'r'.repeat(64),
    region: 'e'.repeat(64),
    capabilities: Array.from({ length: 64 }, (_, index) => String(index).padStart(64, 'c')),
    listenAddresses: Array.from({ length: 32 }, (_, index) => String(index).padStart(256, '/')),
    userAgent: 'u'.repeat(128),
    credentials: new Uint8Array(2_048),
  })
}

const nasty = fc.constantFrom('a', ' ', '\n', '\u0000', '\u001B', '\u202E', '\uD800', '\u{1F600}')

it('never holds more than maxPeers when strangers are announced, and keeps linked and banned ones', async () => {
  const { libp2p, manager } = makeManager(self, { maxPeers: 10 })
  await manager.start()
  const victim = at(strangers, 0)
  libp2p.open(peer)
  await manager.ban(victim, 'said so')
  for (const stranger of strangers.slice(1)) {
    libp2p.events.safeDispatchEvent('peer:discovery', { detail: { id: stranger, multiaddrs: [] } })
    expect(manager.peers.size).toBeLessThanOrEqual(10)
  }
  expect(manager.get(peer)?.state).toBe('connected')
  expect(manager.isBanned(victim)).toBe(true)
  expect(manager.get(at(strangers, strangers.length - 1))?.state).toBe('known')
  await manager.stop()
})

it('never forgets a linked peer, even where more are linked than maxPeers', async () => {
  const { libp2p, manager } = makeManager(self, { maxPeers: 3 })
  await manager.start()
  for (const stranger of strangers.slice(0, 6)) libp2p.open(stranger)
  for (const stranger of strangers.slice(6)) manager.report(stranger, { class: 'slow' })
  expect(manager.stats().byState.connected).toBe(6)
  expect(manager.peers.size).toBeLessThanOrEqual(7)
  await manager.stop()
})

it('holds no more than maxCandidates however many are discovered', async () => {
  const { libp2p, manager } = makeManager(self, { maxCandidates: 5 })
  await manager.start()
  for (const stranger of strangers) {
    libp2p.events.safeDispatchEvent('peer:discovery', { detail: { id: stranger, multiaddrs: [] } })
    manager.addCandidate({ id: stranger, addresses: ['/memory/x'] })
  }
  expect(manager.candidates()).toHaveLength(5)
  await manager.stop()
})

it('keeps at most maxAddresses of a peer that announces without end, none of them too long or of another peer', () => {
  const { manager } = makeManager(self, { maxAddresses: 3, maxAddressLength: 100 })
  const addresses = Array.from({ length: 50 }, (_, index) => `/memory/${index}`)
  const foreign = `/memory/x/p2p/${at(strangers, 0).toString()}`
  manager.addCandidate({ id: peer, addresses: [`/memory/${'x'.repeat(200)}`, foreign, ...addresses] })
  expect(manager.get(peer)?.addresses).toEqual([0, 1, 2].map((index) => `/memory/${index}/p2p/${peer.toString()}`))
})

it('explains in at most maxLedgerEntries lines and one, each of them short, whatever is reported', async () => {
  const { manager } = makeManager(self, { maxLedgerEntries: 4, maxEvidenceLength: 10 })
  await manager.start()
  const report = fc.record({
    class: fc.constantFrom(...REPORT_CLASSES),
    weight: fc.double(),
    evidence: fc.string({ unit: nasty, maxLength: 50 }),
  })
  fc.assert(
    fc.property(fc.array(report, { maxLength: 20 }), (reports) => {
      for (const one of reports) manager.report(peer, one)
      const lines = manager.explain(peer)
      expect(lines.length).toBeLessThanOrEqual(5)
      expect(lines.slice(0, 4).every((line) => line.length < 110 && !/\p{Cc}/u.test(line))).toBe(true)
      expect(Number.isFinite(manager.reputation(peer))).toBe(true)
    }),
  )
  await manager.stop()
})

it('counts no traffic of strangers', () => {
  const { manager } = makeManager(self)
  for (const stranger of strangers) manager.countTraffic(stranger, 'bulk', 'in', 1e9)
  expect(manager.peers.size).toBe(0)
})

it('keeps of a peer that is gone who it was, and neither its lists nor more than 8 of its reports', async () => {
  const datastore = new MemoryDatastore()
  const { libp2p, manager } = makeManager(self, {}, { datastore })
  await manager.start()
  const connection = libp2p.open(peer)
  manager.markReady(peer, largestHello())
  for (let index = 0; index < 40; index++) manager.report(peer, { class: 'useful', evidence: `block ${index}` })
  expect(manager.get(peer)?.hello?.capabilities).toHaveLength(64)
  expect(manager.explain(peer)).toHaveLength(40)

  libp2p.close(connection)
  manager.updateHello(peer, largestHello())
  expect(manager.get(peer)?.hello).toMatchObject({ role: 'r'.repeat(64), capabilities: [], listenAddresses: [] })
  expect(manager.get(peer)?.hello).not.toHaveProperty('credentials')
  expect(manager.explain(peer)).toHaveLength(9)
  expect(manager.explain(peer).at(-1)).toContain('+32 in 32 earlier entries: 32 useful')
  await manager.stop()
})

it('stores at most 16 KiB of a peer, whatever it said and was reported for', async () => {
  const datastore = new MemoryDatastore()
  const { libp2p, manager } = makeManager(self, { upkeepIntervalMs: 1 }, { datastore })
  await manager.start()
  libp2p.open(peer)
  const addresses = Array.from({ length: 40 }, (_, index) => `/dns4/${String(index).padStart(180, '\u4E2D')}`)
  manager.addCandidate({ id: peer, addresses })
  manager.markReady(peer, largestHello())
  const kinds = REPORT_CLASSES.filter((name) => name !== 'provable-lie')
  for (let index = 0; index < 70; index++) {
    manager.report(peer, { class: at(kinds, index % kinds.length), weight: 1e-6, evidence: '\u4E2D'.repeat(200) })
  }
  expect(manager.get(peer)?.addresses).toHaveLength(8)
  const key = new Key(`${DATASTORE_PREFIX}/${peer.toString()}`)
  await vi.waitFor(async () => expect(await datastore.has(key)).toBe(true))
  expect(manager.get(peer)?.state).toBe('ready')
  expect((await datastore.get(key)).byteLength).toBeLessThan(16_384)
  await manager.ban(peer, '\u4E2D'.repeat(200))
  expect((await datastore.get(key)).byteLength).toBeLessThan(16_384)
  await manager.stop()
})

it('holds what it reads back to its limits', async () => {
  const datastore = new MemoryDatastore()
  const first = makeManager(self, {}, { datastore })
  await first.manager.start()
  first.manager.addCandidate({
    id: peer,
    addresses: ['/memory/0', `/memory/${'1'.repeat(50)}`, '/memory/2', '/memory/3'],
  })
  first.manager.report(peer, { class: 'invalid-message' })
  await first.manager.stop()
  const { manager } = makeManager(self, { maxAddresses: 2, maxAddressLength: 80 }, { datastore })
  await manager.start()
  expect(manager.get(peer)?.addresses).toEqual([0, 2].map((index) => `/memory/${index}/p2p/${peer.toString()}`))
  await manager.stop()
})

it('stores a Hello without its credentials', async () => {
  const datastore = new MemoryDatastore()
  const { libp2p, manager } = makeManager(self, {}, { datastore })
  await manager.start()
  libp2p.open(peer)
  manager.markReady(peer, { ...makeHello(), credentials: new TextEncoder().encode('secret') })
  await manager.stop()
  const stored = new TextDecoder().decode(await datastore.get(new Key(`${DATASTORE_PREFIX}/${peer.toString()}`)))
  expect(stored).toContain('north')
  expect(stored).not.toContain('credentials')
})

it('survives a bus that says nonsense', async () => {
  const { libp2p, manager } = makeManager(self)
  await manager.start()
  const uncaught = vi.fn<(err: unknown) => void>()
  process.on('uncaughtException', uncaught)
  const nonsense = JSON.parse('{}')
  const detail = { ...nonsense, id: peer, peerId: peer, remotePeer: peer }
  for (const type of ['peer:identify', 'peer:discovery', 'connection:open', 'connection:close'] as const) {
    libp2p.events.dispatchEvent(new CustomEvent(type, { detail }))
  }
  await new Promise((resolve) => setImmediate(resolve))
  process.off('uncaughtException', uncaught)
  expect(uncaught).not.toHaveBeenCalled()
  await manager.stop()
})

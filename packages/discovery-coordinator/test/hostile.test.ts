import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { lpStream } from '@libp2p/utils'
import { createLibp2p } from 'libp2p'
import { identify } from '@libp2p/identify'
import { expect, it, onTestFinished, vi } from 'vitest'
import { decodeReply, encodeReply, encodeRequest } from '../src/exchange-messages.ts'
import { PEER_EXCHANGE_PROTOCOL, peerExchange, type PeerExchangeInit } from '../src/index.ts'
import { addressOf, base, makeNode, makeStranger, noting, type TestNode } from './node.ts'
import { FakePeerManager } from './support.ts'

const LIMITS = { maxRecords: 250, maxRecordBytes: 2_048 }
const SOON = { interval: 5 }
const IDLE = { minPeers: 0, targetPeers: 0 }

interface Victim {
  node: TestNode
  manager: FakePeerManager
}

async function makeVictim(init: PeerExchangeInit = {}, siblings: object = {}): Promise<Victim> {
  const manager = new FakePeerManager()
  const options = { ...IDLE, strategies: [peerExchange(init)] }
  const node = await makeNode({ init: options, siblings: { peerManager: noting(manager), ...siblings } })
  // The first round is over: the next is far off.
  await vi.waitFor(() => expect(node.services.discovery.stats().strategies['peer-exchange']?.runs).toBe(1), SOON)
  return { node, manager }
}

/** Opens a stream by hand, says something, and resolves with the reply, or with `undefined` where none comes. */
async function ask(connection: Connection, say: (stream: Stream) => void): Promise<Uint8Array[] | undefined> {
  const stream = await connection.newStream(PEER_EXCHANGE_PROTOCOL)
  const messages = lpStream(stream)
  try {
    say(stream)
    const bytes = await messages.read({ signal: AbortSignal.timeout(20_000) })
    return decodeReply(bytes.subarray(), LIMITS)
  } catch {
    return undefined
  }
}

function request(stream: Stream): void {
  const bytes = encodeRequest(250)
  stream.send(Uint8Array.of(bytes.byteLength, ...bytes))
}

function cut(stream: Stream): void {
  stream.send(Uint8Array.of(5, 1))
  stream.abort(new TypeError('cut off by a test'))
}

async function expectStillServing(victim: Victim): Promise<void> {
  const honest = await makeStranger()
  expect(await ask(await honest.dial(addressOf(victim.node)), request)).toBeDefined()
}

it('answers a request, refuses the next within the gap without blame, and blames who goes on', async () => {
  const victim = await makeVictim()
  const connection = await (await makeStranger()).dial(addressOf(victim.node))
  expect(await ask(connection, request)).toEqual([])
  expect(await ask(connection, request)).toBeUndefined()
  expect(victim.manager.told).toEqual([])
  expect(await ask(connection, request)).toBeUndefined()
  await vi.waitFor(() => expect(victim.manager.told[0]).toMatch(/^rate-limited /), SOON)
  await expectStillServing(victim)
})

it('answers again once the gap is over', async () => {
  const victim = await makeVictim({ requestGapMs: 1 })
  const connection = await (await makeStranger()).dial(addressOf(victim.node))
  expect(await ask(connection, request)).toEqual([])
  await vi.waitFor(async () => expect(await ask(connection, request)).toEqual([]), SOON)
})

it('refuses newcomers while it remembers maxTrackedPeers who asked', async () => {
  const victim = await makeVictim({ maxTrackedPeers: 1 })
  expect(await ask(await (await makeStranger()).dial(addressOf(victim.node)), request)).toEqual([])
  expect(await ask(await (await makeStranger()).dial(addressOf(victim.node)), request)).toBeUndefined()
})

it('does not answer a peer that the handshake has not made ready', async () => {
  const handshake = { isReady: () => false, whenReady: async () => new Promise(() => {}) }
  const victim = await makeVictim({}, { handshake: () => handshake })
  expect(await ask(await (await makeStranger()).dial(addressOf(victim.node)), request)).toBeUndefined()
  expect(victim.manager.told).toEqual([])
})

it.each<[string, (stream: Stream) => void]>([
  ['garbage', (stream) => void stream.send(Uint8Array.of(4, 255, 255, 255, 255))],
  ['a request of 65 bytes', (stream) => void stream.send(Uint8Array.of(65, ...new Uint8Array(65)))],
  ['a length of gigabytes', (stream) => void stream.send(Uint8Array.of(255, 255, 255, 127))],
  ['a length without an end', (stream) => void stream.send(new Uint8Array(60).fill(0xff))],
  ['more bytes than a request has', (stream) => void stream.send(new Uint8Array(50_000).fill(0xff))],
])('blames a peer that sends %s, and serves on', async (_, say) => {
  const victim = await makeVictim()
  expect(await ask(await (await makeStranger()).dial(addressOf(victim.node)), say)).toBeUndefined()
  await vi.waitFor(() => expect(victim.manager.told[0]).toMatch(/^protocol-violation /), SOON)
  await expectStillServing(victim)
})

it('ends a stream on which nothing comes after timeoutMs, and one that is cut off, without blame', async () => {
  const victim = await makeVictim({ timeoutMs: 3_000 })
  expect(await ask(await (await makeStranger()).dial(addressOf(victim.node)), () => undefined)).toBeUndefined()
  expect(await ask(await (await makeStranger()).dial(addressOf(victim.node)), cut)).toBeUndefined()
  await expectStillServing(victim)
  expect(victim.manager.told).toEqual([])
})

/** For who is to give up. Any other victim has the time that a busy machine may take. */
const IMPATIENT = { timeoutMs: 200 }

/** A stranger that answers requests in its own way, and the victim connected to it. */
async function withLiar(
  answer: (stream: Stream) => void | Promise<void>,
  init: PeerExchangeInit = {},
): Promise<Victim & { liar: Libp2p }> {
  const [victim, liar] = [await makeVictim(init), await makeStranger()]
  await liar.handle(PEER_EXCHANGE_PROTOCOL, answer)
  await victim.node.dial(addressOf(liar))
  await vi.waitFor(async () => {
    expect((await victim.node.peerStore.get(liar.peerId)).protocols).toContain(PEER_EXCHANGE_PROTOCOL)
  }, SOON)
  return { ...victim, liar }
}

function reply(records: readonly Uint8Array[]): (stream: Stream) => Promise<void> {
  return async (stream) => {
    await lpStream(stream).write(encodeReply(records))
    await stream.close()
  }
}

it.each<[string, string, (stream: Stream) => void | Promise<void>]>([
  ['protocol-violation', 'garbage', (stream) => void stream.send(Uint8Array.of(4, 255, 255, 255, 255))],
  ['protocol-violation', 'records that are none', reply([Uint8Array.of(1, 2, 3)])],
  ['protocol-violation', '251 records', reply(Array.from({ length: 251 }, () => new Uint8Array(1)))],
  ['protocol-violation', 'a record of 2,049 bytes', reply([new Uint8Array(2_049)])],
  ['protocol-violation', 'a reply without an end', (stream) => void stream.send(new Uint8Array(60).fill(0xff))],
  ['protocol-violation', 'a reply of gigabytes', (stream) => void stream.send(Uint8Array.of(255, 255, 255, 127))],
  ['slow', 'nothing', () => undefined],
])('reports as %s a peer that answers with %s, finds nobody, and lives on', async (report, _, answer) => {
  const { node, manager, liar } = await withLiar(answer, report === 'slow' ? IMPATIENT : {})
  expect(await node.services.discovery.discoverNow()).toBe(0)
  expect(manager.told).toEqual([`${report} ${liar.peerId.toString()}`])
  expect(node.getConnections()).toHaveLength(1)
})

it('gives up on a reply that trickles in', async () => {
  const timers: ReturnType<typeof setInterval>[] = []
  const { node, manager } = await withLiar((stream) => {
    stream.send(Uint8Array.of(200, 1))
    timers.push(setInterval(() => stream.status === 'open' && stream.send(Uint8Array.of(0)), 10))
  }, IMPATIENT)
  expect(await node.services.discovery.discoverNow()).toBe(0)
  for (const timer of timers) clearInterval(timer)
  expect(manager.told[0]).toMatch(/^slow /)
})

it('asks a peer only once within the gap, whatever the round', async () => {
  let asked = 0
  const { node } = await withLiar(async (stream) => {
    asked++
    await reply([])(stream)
  })
  for (let i = 0; i < 5; i++) await node.services.discovery.discoverNow()
  expect(asked).toBe(1)
})

/** A stranger whose record is well signed, and no peer record by its type: identify takes it for one all the same. */
async function makeOddStranger(): Promise<Libp2p> {
  const privateKey = await generateKeyPair('Ed25519')
  const stranger = await createLibp2p({ ...base(), privateKey, services: { identify: identify() } })
  onTestFinished(() => stranger.stop())
  const record = new PeerRecord({ peerId: stranger.peerId, multiaddrs: stranger.getMultiaddrs() })
  record.codec = Uint8Array.of(1)
  const envelope = await RecordEnvelope.seal(record, privateKey)
  await stranger.peerStore.patch(stranger.peerId, { peerRecordEnvelope: envelope.marshal() })
  await stranger.handle(PEER_EXCHANGE_PROTOCOL, reply([]))
  return stranger
}

it('blames no honest peer for what a stranger signed of itself, and learns what else that peer tells', async () => {
  const [honest, stranger, other] = [await makeVictim(), await makeOddStranger(), await makeStranger()]
  await other.handle(PEER_EXCHANGE_PROTOCOL, reply([]))
  for (const peer of [stranger, other]) {
    await peer.dial(addressOf(honest.node))
    await vi.waitFor(async () => {
      expect((await honest.node.peerStore.get(peer.peerId)).peerRecordEnvelope).toBeDefined()
    }, SOON)
  }
  const victim = await makeVictim()
  await victim.node.dial(addressOf(honest.node))
  await vi.waitFor(async () => {
    expect((await victim.node.peerStore.get(honest.node.peerId)).protocols).toContain(PEER_EXCHANGE_PROTOCOL)
  }, SOON)
  expect(await victim.node.services.discovery.discoverNow()).toBe(1)
  expect(victim.manager.told).toEqual([])
})

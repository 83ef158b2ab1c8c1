import { type Reason, type Referrals } from '@gridmesh/interfaces'
import type { Connection } from '@libp2p/interface'
import { createLibp2p } from 'libp2p'
import { expect, it, onTestFinished, vi } from 'vitest'
import { decodeFrame } from '../src/decode-frame.ts'
import { encodeFrame } from '../src/encode-frame.ts'
import { handshake, HANDSHAKE_PROTOCOL, type HandshakeInit } from '../src/index.ts'
import {
  addressOf,
  base,
  dialRaw,
  FRAME_LIMITS,
  makeHello,
  makeInit,
  makeNode,
  makeStranger,
  prefixed,
  rawFrames,
} from './helpers.ts'

const FULL: Reason = { code: 'inbound-full', message: 'maxInbound is 0', limit: 'maxInbound', value: 0 }
const RECORDS = [Uint8Array.of(1, 2, 3), Uint8Array.of(4)]

/** A node that has no place for anybody, and knows others. */
async function makeFull(referrals: Referrals = async () => RECORDS, init: Partial<HandshakeInit> = {}) {
  const full = await makeNode(init)
  full.node.addEventListener('connection:open', ({ detail: { remotePeer } }) => {
    void full.handshake.goodbye(remotePeer, FULL, { referrals })
  })
  return full
}

/** A node that notes whom it is referred to, and by whom. */
async function makeNewcomer(init: Partial<HandshakeInit> = {}) {
  const told: { records: readonly Uint8Array[]; from: string }[] = []
  const discovery = {
    referred: (records: readonly Uint8Array[], { remotePeer }: Connection) => {
      told.push({ records, from: remotePeer.toString() })
    },
  }
  const node = await createLibp2p({
    ...base(),
    services: { discovery: () => discovery, handshake: handshake(makeInit(init)) },
  })
  onTestFinished(() => node.stop())
  return { node, handshake: node.services.handshake, told }
}

it('hears a peer for which there is no place, and refers it to others with the refusal', async () => {
  const [full, newcomer] = [await makeFull(), await makeNewcomer()]
  await newcomer.node.dial(full.address)
  await expect(newcomer.handshake.whenReady(full.node.peerId)).rejects.toMatchObject({ reason: FULL, by: 'them' })
  expect(newcomer.told).toEqual([{ records: RECORDS, from: full.node.peerId.toString() }])
  await vi.waitFor(() => expect(full.events).toEqual(['refused inbound-full by us']))
  await vi.waitFor(() => expect(newcomer.node.getConnections()).toEqual([]))
})

it.each<[string, Partial<HandshakeInit>, Partial<HandshakeInit>, string]>([
  ['is of another chain', { chainId: 'other' }, {}, 'wrong-chain'],
  ['is not authorised', {}, { authorise: () => ({ code: 'unauthorised', message: 'no' }) }, 'unauthorised'],
])('tells nothing of others to a peer that %s', async (_, theirs, ours, code) => {
  const referrals = vi.fn<Referrals>(async () => RECORDS)
  const [full, newcomer] = [await makeFull(referrals, ours), await makeNewcomer(theirs)]
  await newcomer.node.dial(full.address)
  await expect(newcomer.handshake.whenReady(full.node.peerId)).rejects.toMatchObject({ reason: { code } })
  expect(referrals).not.toHaveBeenCalled()
  expect(newcomer.told).toEqual([])
})

it.each<[string, Referrals]>([
  ['fails', () => Promise.reject(new TypeError('thrown by a test'))],
  [
    'throws',
    () => {
      throw new TypeError('thrown by a test')
    },
  ],
  ['takes too long', () => new Promise(() => undefined)],
])('refuses all the same where finding others %s', async (_, referrals) => {
  const [full, newcomer] = [await makeFull(referrals), await makeNewcomer()]
  await newcomer.node.dial(full.address)
  await expect(newcomer.handshake.whenReady(full.node.peerId)).rejects.toMatchObject({ reason: FULL, by: 'them' })
  expect(newcomer.told).toEqual([])
})

it('refuses at once a peer that it has accepted already, and that has not answered', async () => {
  const full = await makeNode()
  const stranger = await makeStranger()
  const raw = await dialRaw(stranger, full.address)
  raw.write({ kind: 'hello', hello: makeHello() })
  expect([await raw.read(), await raw.read()]).toMatchObject([
    { kind: 'hello' },
    { kind: 'verdict', refusal: undefined },
  ])
  void full.handshake.goodbye(stranger.peerId, FULL, { referrals: async () => RECORDS })
  raw.write({ kind: 'verdict' })
  expect(await raw.read()).toEqual({ kind: 'goodbye', reason: FULL })
  expect(full.events).toEqual(['refused inbound-full by us'])
})

it('refuses a peer that says nothing, and leaves none alone for being silent', async () => {
  const full = await makeFull(undefined, { unknownPeers: 'tolerate', deadlineMs: 200 })
  const stranger = await makeStranger()
  const connection = await stranger.dial(full.address)
  await vi.waitFor(() => expect(connection.status).not.toBe('open'))
  expect(full.events).not.toContain('ready')
})

it('takes no word of others from a peer that dialled it, which anybody can do', async () => {
  const newcomer = await makeNewcomer()
  const raw = await dialRaw(await makeStranger(), addressOf(newcomer.node))
  raw.write({ kind: 'hello', hello: makeHello() }, { kind: 'verdict', refusal: FULL, referrals: RECORDS })
  await raw.stream.close()
  await vi.waitFor(() => expect(raw.connection.status).not.toBe('open'))
  expect(newcomer.told).toEqual([])
})

it('takes no word of others from a peer that accepts it, or that refuses it when both are ready', async () => {
  const [newcomer, peer] = [await makeNewcomer(), await makeStranger()]
  await peer.handle(HANDSHAKE_PROTOCOL, async (stream, connection) => {
    const raw = rawFrames(stream, connection)
    raw.write({ kind: 'hello', hello: makeHello() })
    // A verdict that accepts, and has a record.
    raw.writeBytes(prefixed(Uint8Array.of(0x12, 5, 0x08, 1, 0x1a, 1, 7)))
    raw.write({ kind: 'verdict', refusal: FULL, referrals: RECORDS })
    await stream.close()
  })
  const connection = await newcomer.node.dial(addressOf(peer))
  await newcomer.handshake.whenReady(peer.peerId)
  await vi.waitFor(() => expect(connection.status).not.toBe('open'))
  expect(newcomer.told).toEqual([])
})

/** The lengths of those records in a refusal that arrive. */
function arriving(referrals: readonly Uint8Array[]): number[] {
  const frame = decodeFrame(encodeFrame({ kind: 'verdict', refusal: FULL, referrals }), FRAME_LIMITS)
  return frame.kind === 'verdict' ? (frame.referrals ?? []).map(({ byteLength }) => byteLength) : []
}

it('sends 8 records and 4,096 bytes of them at most', () => {
  expect(arriving(Array.from({ length: 9 }, () => new Uint8Array(10)))).toEqual(Array.from({ length: 8 }, () => 10))
  expect(arriving([4_000, 97, 96].map((bytes) => new Uint8Array(bytes)))).toEqual([4_000, 96])
})

import type { Unicast } from '@gridmesh/interfaces'
import { unicast } from '@gridmesh/unicast'
import { createLibp2p, type Libp2p } from 'libp2p'
import { expect, it, onTestFinished, vi } from 'vitest'
import { handshake, HANDSHAKE_PROTOCOL, type HandshakeInit, type HandshakeService } from '../src/index.ts'
import { readLimits } from '../src/options.ts'
import { addressOf, base, becomeReady, makeInit, makeNode, makeStranger, rawFrames, reports } from './helpers.ts'

const TOLERATE = { unknownPeers: 'tolerate', deadlineMs: 100 } as const
const UNSUPPORTED = { name: 'HandshakeRejectedError', code: 'unsupported', reason: { limit: 'unknownPeers' } }

/** A node with a protocol that waits for the handshake. */
async function makeGated(
  init: Partial<HandshakeInit>,
): Promise<Libp2p<{ handshake: HandshakeService; unicast: Unicast }>> {
  const services = { handshake: handshake(makeInit(init)), unicast: unicast() }
  const node = await createLibp2p({ ...base(), services })
  onTestFinished(() => node.stop())
  return node
}

/** A node of another sort: it has the protocol, and no handshake. */
async function makeForeign(): Promise<Libp2p<{ unicast: Unicast }>> {
  const node = await createLibp2p({ ...base(), services: { unicast: unicast() } })
  onTestFinished(() => node.stop())
  return node
}

it('tolerates a peer that it dialled and that does not know the handshake, which never gets ready', async () => {
  const [a, stranger] = [await makeNode(TOLERATE), await makeStranger()]
  const tolerated: string[] = []
  a.handshake.addEventListener('peer:tolerated', ({ detail }) => tolerated.push(detail.peer.toString()))
  const connection = await a.node.dial(addressOf(stranger))
  await expect(a.handshake.whenReady(stranger.peerId)).rejects.toMatchObject(UNSUPPORTED)
  expect(tolerated).toEqual([stranger.peerId.toString()])
  await a.handshake.goodbye(stranger.peerId, { code: 'test', message: 'nobody hears it' })
  expect([connection.status, a.handshake.isReady(stranger.peerId)]).toEqual(['open', false])
  expect([a.events, a.told]).toEqual([[], []])
})

it('tolerates a dialler that opens no handshake within deadlineMs, and blames nobody', async () => {
  const [a, stranger] = [await makeNode(TOLERATE), await makeStranger()]
  await stranger.dial(a.address)
  await vi.waitFor(() => expect(a.node.getConnections()).toHaveLength(1))
  await expect(a.handshake.whenReady(stranger.peerId)).rejects.toMatchObject(UNSUPPORTED)
  expect(a.node.getConnections()[0]?.status).toBe('open')
  expect([a.events, a.told]).toEqual([[], []])
})

it('begins anew with a tolerated dialler that speaks the handshake after all', async () => {
  const [a, stranger] = [await makeNode(TOLERATE), await makeStranger()]
  const connection = await stranger.dial(a.address)
  await vi.waitFor(() => expect(a.node.getConnections()).toHaveLength(1))
  await expect(a.handshake.whenReady(stranger.peerId)).rejects.toMatchObject(UNSUPPORTED)
  await becomeReady(rawFrames(await connection.newStream(HANDSHAKE_PROTOCOL), connection))
  await vi.waitFor(() => expect(a.handshake.isReady(stranger.peerId)).toBe(true))
  await connection.close()
  await vi.waitFor(() => expect(a.events).toEqual(['ready', 'left']))
})

it('disconnects, though it tolerates, a peer that opens the handshake and is silent, or is on another chain', async () => {
  const [a, stranger, other] = [await makeNode(TOLERATE), await makeStranger(), await makeNode({ chainId: 'other' })]
  const connection = await stranger.dial(a.address)
  await connection.newStream(HANDSHAKE_PROTOCOL)
  await other.node.dial(a.address)
  await vi.waitFor(() => expect(a.node.getConnections()).toEqual([]))
  expect(a.events.toSorted()).toEqual(['refused timeout by us', expect.stringContaining('refused wrong-chain')])
  expect(reports(a.told)).toEqual(['slow'])
})

it('lets no gated protocol take a stream of a tolerated peer, nor open one to it, whoever dialled', async () => {
  const ours = await makeGated(TOLERATE)
  const [dialled, dialler] = [await makeForeign(), await makeForeign()]
  let runs = 0
  ours.services.unicast.handle('echo', (bytes) => {
    runs += 1
    return bytes
  })
  await ours.dial(dialled.getMultiaddrs())
  await dialler.dial(ours.getMultiaddrs())
  for (const foreign of [dialled, dialler]) {
    await expect(ours.services.handshake.whenReady(foreign.peerId)).rejects.toMatchObject(UNSUPPORTED)
    const asked = foreign.services.unicast.request(ours.peerId, 'echo', Uint8Array.of(1))
    await expect(asked).rejects.toMatchObject({ code: 'not-ready', limit: 'unknownPeers' })
    const asking = ours.services.unicast.request(foreign.peerId, 'echo', Uint8Array.of(1))
    await expect(asking).rejects.toMatchObject(UNSUPPORTED)
    expect(ours.getConnections(foreign.peerId)).toHaveLength(1)
  }
  expect(runs).toBe(0)
})

it('refuses an option that is neither of the two, by name and value', () => {
  expect(() => readLimits(makeInit({ unknownPeers: JSON.parse('"ignore"') }))).toThrow('unknownPeers "ignore"')
})

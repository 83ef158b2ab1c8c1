import type { Reason } from '@gridmesh/interfaces'
import type { GridmeshNode } from '@gridmesh/node'
import type { ConnectionPoolService } from '@gridmesh/connection-pool'
import type { HandshakeService } from '@gridmesh/handshake'
import type { PeerLimits } from '@gridmesh/rate-limiter'
import { Network } from '@gridmesh-internal/support'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { guestOf, join } from '../src/guest.ts'
import type { MeshNode } from '../src/mesh-node.ts'
import { SOON } from '../src/mesh.ts'
import type { MeshInit } from '../src/services.ts'

const PER_SECOND = 5

let network: Network
let node: GridmeshNode
const guests: MeshNode[] = []

async function hub(flags: Record<string, unknown>): Promise<void> {
  network = await Network.start({ nodes: 1, flags: { 'pool.attemptsPerIpPerSecond': 1_000, ...flags } })
  node = network.node(0)
}

afterEach(async () => {
  for (const guest of guests.splice(0)) await guest.stop()
  await vi.waitFor(() => expect(node.libp2p.getConnections().length).toBe(0), SOON)
})

async function invite(init: MeshInit = {}): Promise<MeshNode> {
  const guest = await guestOf(node, init)
  guests.push(guest)
  return guest
}

/** Why somebody was refused or parted from, as the node saw it and as the guest did. */
interface BothEnds {
  here: (Partial<Reason> & { by?: string })[]
  there: (Partial<Reason> & { by?: string })[]
}

/** Listens at both ends, to everything that can tell of a refusal. */
function watch(guest: MeshNode): BothEnds {
  const ends: BothEnds = { here: [], there: [] }
  // The contract of a node is silent about events; those of its own modules are there.
  const services = node.libp2p.services as unknown as {
    handshake: HandshakeService
    connectionPool: ConnectionPoolService
    rateLimiter: PeerLimits
  }
  const isGuest = (peer: { toString(): string } | undefined): boolean => peer?.toString() === guest.id
  services.connectionPool.addEventListener('pool:refused', ({ detail }) => {
    if (detail.peer === undefined || isGuest(detail.peer)) ends.here.push(detail.reason)
  })
  services.handshake.addEventListener('peer:refused', ({ detail }) => {
    if (isGuest(detail.peer)) ends.here.push({ ...detail.reason, by: detail.by })
  })
  services.handshake.addEventListener('peer:goodbye', ({ detail }) => {
    if (isGuest(detail.peer)) ends.here.push(detail.reason)
  })
  services.rateLimiter.addEventListener('peer:limit', ({ detail }) => {
    if (isGuest(detail.peer)) ends.here.push({ code: 'rate-limited', limit: detail.limit, value: detail.value })
  })
  const there = guest.services
  there.handshake.addEventListener('peer:refused', ({ detail }) => ends.there.push({ ...detail.reason, by: detail.by }))
  there.handshake.addEventListener('peer:goodbye', ({ detail }) => ends.there.push(detail.reason))
  return ends
}

/** Resolves when each end has heard this reason, and nothing else; the node may say it by each of its modules. */
async function bothHear({ here, there }: BothEnds, reason: Partial<Reason>): Promise<void> {
  await vi.waitFor(() => {
    for (const end of [here, there]) {
      expect(end).not.toEqual([])
      for (const one of end) expect(one).toMatchObject(reason)
    }
  }, SOON)
}

describe('a peer is told code, limit and value, as the node itself is,', () => {
  beforeAll(() =>
    hub({
      'pool.maxPerIp': 2,
      'pool.exemptLoopback': false,
      'limits.messagesPerSecond': PER_SECOND,
      'limits.messagesBurst': 5,
    }),
  )
  afterAll(() => network.stop())

  it.each<[string, MeshInit, Partial<Reason>]>([
    ['wrong-chain', { handshake: { chainId: 'another' } }, { message: expect.stringContaining('"another"') as string }],
    ['wrong-genesis', { handshake: { genesisHash: 'ff' } }, { message: expect.stringContaining('"ff"') as string }],
  ])('when it is refused as %s, where the words name both values', async (code, init, { message = '' }) => {
    const guest = await invite(init)
    const ends = watch(guest)
    await expect(join(guest, node)).rejects.toMatchObject({ code })
    await bothHear(ends, { code, message })
  })

  it('when its address has too many connections', async () => {
    for (const early of [await invite(), await invite()]) await join(early, node)
    const guest = await invite()
    const ends = watch(guest)
    const reason = { code: 'ip-full', limit: 'maxPerIp', value: 2 }
    await expect(join(guest, node)).rejects.toMatchObject({ name: 'HandshakeRejectedError', by: 'them', reason })
    await bothHear(ends, reason)
    await vi.waitFor(() => expect(guest.libp2p.getConnections().length).toBe(0), SOON)
  })

  it('when it is banned; when it comes back, the node names the ban again', async () => {
    const guest = await invite()
    const ends = watch(guest)
    await join(guest, node)
    const { peerManager } = node.libp2p.services
    await peerManager.ban(guest.peerId, 'told two stories', 60_000)
    await vi.waitFor(() => expect(guest.libp2p.getConnections().length).toBe(0), SOON)
    expect(ends.there).toMatchObject([
      { code: 'banned', message: expect.stringContaining('told two stories') as string, value: 60_000 },
    ])
    expect(ends.here).toEqual([])
    const untilMs = peerManager.get(guest.peerId)?.bannedUntilMs
    await expect(join(guest, node)).rejects.toBeInstanceOf(Error)
    await vi.waitFor(
      () => expect(ends.here).toMatchObject([{ code: 'banned', limit: 'bannedUntilMs', value: untilMs }]),
      SOON,
    )
    await peerManager.unban(guest.peerId)
    await join(guest, node)
  })

  it('when it sends too much: the message is refused, not the peer', async () => {
    const guest = await invite()
    const ends = watch(guest)
    await join(guest, node)
    const { peerId, services } = node.libp2p
    services.unicast.handle('count', () => undefined)
    // More than a slow machine lets through, and fewer than would spend the reputation.
    const sends = Array.from({ length: 4 * PER_SECOND }, async () =>
      guest.services.unicast.send(peerId, 'count', new Uint8Array()).then(
        () => 'taken',
        (err: Error) => err,
      ),
    )
    const refused = (await Promise.all(sends)).filter((result) => result !== 'taken')
    expect(refused.length).toBeGreaterThan(0)
    for (const err of refused) {
      expect(err).toMatchObject({ code: 'rate-limited', limit: 'messagesPerSecond', value: PER_SECOND })
      expect(err).toHaveProperty('retryAfterMs', expect.any(Number))
    }
    for (const one of ends.here)
      expect(one).toMatchObject({ code: 'rate-limited', limit: 'messagesPerSecond', value: PER_SECOND })
    expect(ends.here.length).toBe(refused.length)
    expect(ends.there).toEqual([])
    expect(services.peerManager.explain(guest.peerId).join()).toContain('rate-limited')
    services.unicast.unhandle('count')
  })

  it('when its reputation is spent', async () => {
    const guest = await invite()
    const ends = watch(guest)
    await join(guest, node)
    const { peerManager } = node.libp2p.services
    peerManager.report(guest.peerId, { class: 'invalid-message', weight: 2.5, evidence: 'thrice the same' })
    await vi.waitFor(() => expect(guest.libp2p.getConnections().length).toBe(0), SOON)
    expect(ends.there).toMatchObject([{ limit: 'disconnectReputation', value: -20 }])
    expect(peerManager.explain(guest.peerId).join()).toContain('thrice the same')
  })
})

describe('a peer is told code, limit and value, as the node itself is, too', () => {
  beforeAll(() => hub({ 'pool.maxInbound': 1 }))
  afterAll(() => network.stop())

  it('when all slots are taken by peers that rank no lower', async () => {
    await join(await invite(), node)
    const guest = await invite()
    const ends = watch(guest)
    const reason = { code: 'inbound-full', limit: 'maxInbound', value: 1 }
    await expect(join(guest, node)).rejects.toMatchObject({ name: 'HandshakeRejectedError', by: 'them', reason })
    await bothHear(ends, reason)
  })

  it('when the node shuts down', async () => {
    const guest = await invite()
    const ends = watch(guest)
    await join(guest, node)
    await node.stop()
    await vi.waitFor(() => expect(guest.libp2p.getConnections().length).toBe(0), SOON)
    expect(ends.there).toMatchObject([{ code: 'shutting-down' }])
    expect(ends.here).toEqual([])
  })
})

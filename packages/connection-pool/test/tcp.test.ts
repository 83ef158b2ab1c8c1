import { connect, createServer, type Socket } from 'node:net'
import type { Reason } from '@gridmesh/interfaces'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { at } from './support.ts'
import { createNode, type Node, type NodeOptions } from './nodes.ts'

const nodes: Node[] = []
const lines: Line[] = []
const open = { exemptLoopback: true }

async function start(options: NodeOptions = {}): Promise<Node> {
  const node = await createNode(options)
  nodes.push(node)
  return node
}

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(async (node) => node.stop()))
  for (const line of lines.splice(0)) line.end()
})

/** A way to a node whose near end can be cut without the node hearing of it. */
interface Line {
  readonly addresses: Multiaddr[]
  cut(): void
  end(): void
}

async function lineTo(node: Node): Promise<Line> {
  const port = Number(
    node
      .getMultiaddrs()[0]
      ?.getComponents()
      .find(({ name }) => name === 'tcp')?.value,
  )
  const [near, far] = [new Set<Socket>(), new Set<Socket>()]
  const server = createServer((socket) => {
    const onward = connect(port, '127.0.0.1')
    socket.on('data', (data) => onward.write(data)).on('error', () => undefined)
    onward.on('data', (data) => socket.destroyed || socket.write(data)).on('error', () => undefined)
    onward.on('close', () => socket.destroy())
    near.add(socket)
    far.add(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const own = Object(server.address()).port as number
  const line: Line = {
    addresses: [multiaddr(`/ip4/127.0.0.1/tcp/${own}/p2p/${node.peerId.toString()}`)],
    cut: () => near.forEach((socket) => socket.destroy()),
    end: () => {
      far.forEach((socket) => socket.destroy())
      server.close()
    },
  }
  lines.push(line)
  return line
}

/** Dials, and resolves as soon as both sides are ready. */
async function join(node: Node, hub: Node): Promise<void> {
  await node.services.connectionPool.acquire(hub.peerId, { addresses: hub.getMultiaddrs() })
  await node.services.handshake.whenReady(hub.peerId)
  await hub.services.peerManager.whenReady(node.peerId)
}

function ipOf(address: string): string {
  return address.split('/')[2] ?? ''
}

function peersOf(node: Node): string[] {
  return node.getPeers().map(String)
}

it('reaches a peer within dialTimeoutMs though nothing comes back from its first two addresses', async () => {
  const [hub, node] = [await start({ init: open }), await start({ init: { ...open, dialTimeoutMs: 3_000 } })]
  const sockets = new Set<Socket>()
  const silent = createServer((socket) => sockets.add(socket.on('error', () => undefined)))
  lines.push({
    addresses: [],
    cut: () => undefined,
    end: () => {
      for (const socket of sockets) socket.destroy()
      silent.close()
    },
  })
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const port = Object(silent.address()).port as number
  const nowhere = ['ip4/127.0.0.1', 'dns4/localhost'].map((host) =>
    multiaddr(`/${host}/tcp/${port}/p2p/${hub.peerId.toString()}`),
  )
  const addresses = [...nowhere, ...hub.getMultiaddrs()]
  const { remoteAddr } = await node.services.connectionPool.acquire(hub.peerId, { addresses })
  expect(remoteAddr).toEqual(at(hub.getMultiaddrs(), 0))
})

describe('a full pool', () => {
  it('evicts the worst for a better newcomer, and both of them learn why', async () => {
    const hub = await start({ init: { ...open, maxInbound: 3 } })
    const here = [await start({ init: open }), await start({ init: open }), await start({ init: open })]
    for (const node of here) await join(node, hub)
    const worst = at(here, 1)
    const newcomer = await start({ init: open })
    hub.services.peerManager.report(worst.peerId, { class: 'slow', weight: 2 })
    hub.services.peerManager.report(newcomer.peerId, { class: 'useful', weight: 5 })
    await vi.waitFor(() => expect(hub.services.peerManager.reputation(worst.peerId)).toBeLessThan(-3))

    const evicted: { peer: string; reason: Reason }[] = []
    hub.services.connectionPool.addEventListener('pool:evicted', ({ detail: { peer, reason } }) => {
      evicted.push({ peer: peer.toString(), reason })
    })
    const told: Reason[] = []
    worst.services.handshake.addEventListener('peer:goodbye', ({ detail }) => told.push(detail.reason))
    let peak = 0
    hub.addEventListener('connection:open', () => {
      peak = Math.max(peak, hub.getConnections().length)
    })
    await join(newcomer, hub)

    const reason = { code: 'evicted', limit: 'maxInbound', value: 3 }
    expect(evicted).toMatchObject([{ peer: worst.peerId.toString(), reason }])
    expect(told).toMatchObject([reason])
    expect(peak).toBe(3)
    expect(peersOf(hub)).toHaveLength(3)
    expect(peersOf(hub)).not.toContain(worst.peerId.toString())
    await vi.waitFor(() => expect(worst.getConnections()).toEqual([]))
  })

  it('turns away a stranger that is no better, and the stranger learns the limit and its value', async () => {
    const hub = await start({ init: { ...open, maxInbound: 1 } })
    await join(await start({ init: open }), hub)
    const refused: Reason[] = []
    hub.services.connectionPool.addEventListener('pool:refused', ({ detail }) => refused.push(detail.reason))
    const stranger = await start({ init: open })
    await expect(join(stranger, hub)).rejects.toMatchObject({
      name: 'HandshakeRejectedError',
      code: 'inbound-full',
      by: 'them',
      reason: { limit: 'maxInbound', value: 1 },
    })
    expect(refused).toMatchObject([{ code: 'inbound-full', limit: 'maxInbound', value: 1 }])
    await vi.waitFor(() => expect(hub.getConnections()).toHaveLength(1))
    await vi.waitFor(() => expect(stranger.getConnections()).toEqual([]))
  })

  it('lets the owner of a reserved role in, though it cannot have said its role before', async () => {
    const hub = await start({ init: { ...open, maxInbound: 1, reservedRoles: { authority: 1 } } })
    await join(await start({ init: open }), hub)
    const authority = await start({ init: open, role: 'authority' })
    await join(authority, hub)
    const { connectionPool } = hub.services
    expect(connectionPool.usage()).toMatchObject({ inbound: { used: 1 }, reserved: { used: 1 } })
    await expect(join(await start({ init: open }), hub)).rejects.toMatchObject({ code: 'inbound-full' })
    expect(peersOf(hub)).toContain(authority.peerId.toString())
  })
})

describe('a swarm', () => {
  it(
    'of thirty from two networks takes no more than its share, and pushes out none of those who were there',
    { timeout: 30_000 },
    async () => {
      const hub = await start({ init: { maxInbound: 14, attemptsPerIpPerSecond: 30 } })
      const honest = [await start({ from: '127.50.0.1' }), await start({ from: '127.51.0.1' })]
      for (const node of honest) await join(node, hub)
      hub.services.peerManager.report(at(honest, 0).peerId, { class: 'useful' })

      let most = 0
      hub.addEventListener('connection:open', () => {
        const ips = hub.getConnections().map(({ remoteAddr }) => ipOf(remoteAddr.toString()))
        most = Math.max(most, ips.filter((ip) => ip.startsWith('127.99.0.')).length)
      })
      // One IP of its own for each of the first, then all from one IP of another network.
      const froms = Array.from({ length: 30 }, (_, index) => (index < 20 ? `127.99.0.${index + 1}` : '127.98.0.1'))
      const swarm = await Promise.all(froms.map(async (from) => start({ from })))
      const outcomes = await Promise.allSettled(swarm.map(async (node) => join(node, hub)))

      await vi.waitFor(() => expect(hub.services.connectionPool.usage()['turned-away'].used).toBe(0))
      const ips = hub.getConnections().map(({ remoteAddr }) => ipOf(remoteAddr.toString()))
      expect(ips.length).toBeLessThanOrEqual(14)
      expect(ips.filter((ip) => ip.startsWith('127.99.0.')).length).toBeLessThanOrEqual(10)
      expect(ips.filter((ip) => ip === '127.98.0.1').length).toBeLessThanOrEqual(3)
      // Those that are being turned away are open for a moment too, and are not among those who hold a slot.
      expect(most).toBeLessThanOrEqual(10 + 8)
      expect(peersOf(hub)).toEqual(expect.arrayContaining(honest.map(({ peerId }) => peerId.toString())))
      const codes = outcomes.flatMap((one) => (one.status === 'rejected' ? [String(Object(one.reason).code)] : []))
      expect(codes.filter((code) => code === 'network-full' || code === 'ip-full').length).toBeGreaterThan(0)
    },
  )
})

describe('a peer that is parted from', () => {
  it('since it was silent where another one came learns the limit and its value', async () => {
    const unprotected = { protectedByLatency: 0, protectedRegions: 0, protectedRoles: 0, minPeers: 0 }
    const init = { ...open, ...unprotected, maxInbound: 1, idleTimeoutMs: 300, reconcileIntervalMs: 100 }
    const [hub, peer, other] = [await start({ init }), await start({ init: open }), await start({ init: open })]
    const told: Reason[] = []
    peer.services.handshake.addEventListener('peer:goodbye', ({ detail }) => told.push(detail.reason))
    const evicted: Reason[] = []
    hub.services.connectionPool.addEventListener('pool:evicted', ({ detail }) => evicted.push(detail.reason))
    await join(peer, hub)
    await vi.waitFor(async () => join(other, hub), { interval: 100 })
    await vi.waitFor(() => expect(told).toMatchObject([{ code: 'idle', limit: 'idleTimeoutMs', value: 300 }]))
    expect(evicted).toEqual(told)
  })

  it('after a probe learns that it was one', async () => {
    const [hub, peer] = [await start({ init: open }), await start({ init: open })]
    const told: Reason[] = []
    hub.services.handshake.addEventListener('peer:refused', ({ detail }) => told.push(detail.reason))
    hub.services.handshake.addEventListener('peer:goodbye', ({ detail }) => told.push(detail.reason))
    await peer.services.connectionPool.probe(hub.peerId, hub.getMultiaddrs())
    await vi.waitFor(() => expect(told).toMatchObject([{ code: 'probe-over', limit: 'maxProbes', value: 1 }]))
  })

  it('for a role that it does not have learns which slots those are', async () => {
    const hub = await start({ init: { ...open, maxInbound: 1, reservedRoles: { authority: 1 } } })
    await join(await start({ init: open }), hub)
    const stranger = await start({ init: open })
    const told: Reason[] = []
    stranger.services.handshake.addEventListener('peer:goodbye', ({ detail }) => told.push(detail.reason))
    stranger.services.handshake.addEventListener('peer:refused', ({ detail }) => told.push(detail.reason))
    await stranger.services.connectionPool.acquire(hub.peerId, { addresses: hub.getMultiaddrs() })
    await vi.waitFor(
      () => expect(told).toMatchObject([{ code: 'role-not-reserved', limit: 'reservedRoles.authority', value: 1 }]),
      5_000,
    )
  })
})

describe('a peer that comes back', () => {
  it('is ready and answers at once, however often it was cut off without a word', async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const hub = await start({ init: { ...open, maxInbound: 0, reservedRoles: { authority: 1 } } })
    const line = await lineTo(hub)
    for (let life = 1; life <= 4; life++) {
      const peer = await start({ init: open, privateKey, role: 'authority' })
      await peer.handle('/life', async (stream) => stream.close())
      await peer.services.connectionPool.acquire(hub.peerId, { addresses: line.addresses })
      await peer.services.handshake.whenReady(hub.peerId)
      await vi.waitFor(async () => {
        const connection = await hub.services.connectionPool.acquire(peer.peerId)
        await connection.newStream('/life', { signal: AbortSignal.timeout(1_000) })
      })
      expect(hub.services.handshake.isReady(peer.peerId)).toBe(true)
      expect(hub.services.peerManager.get(peer.peerId)?.state).toBe('ready')
      expect(hub.getConnections()).toHaveLength(Math.min(life, 2))
      expect(hub.services.connectionPool.usage().reserved.used).toBe(1)
      line.cut()
      await peer.stop()
    }
  })

  it('takes no more than one place beside its neighbours, where all of one address have dialled each other at once', async () => {
    const init = { maxPerIp: 3, attemptsPerIpPerSecond: 100 }
    const members = [await start({ init }), await start({ init }), await start({ init }), await start({ init })]
    const left: string[] = []
    for (const { services } of members) services.handshake.addEventListener('peer:left', () => left.push('left'))
    const meet = async (): Promise<unknown> =>
      Promise.allSettled(
        members.flatMap((one) => members.filter((other) => other !== one).map(async (other) => join(one, other))),
      )
    await vi.waitFor(
      async () => {
        await meet()
        for (const member of members) {
          expect(peersOf(member)).toHaveLength(3)
          expect(member.getConnections()).toHaveLength(3)
          expect(member.getPeers().map((peer) => member.services.handshake.isReady(peer))).toEqual([true, true, true])
        }
      },
      { timeout: 25_000, interval: 500 },
    )
    expect(left).toEqual([])
  }, 30_000)

  it('keeps what both have dialled at once', async () => {
    const [one, other] = [await start({ init: open }), await start({ init: open })]
    const refused: Reason[] = []
    for (const { services } of [one, other]) {
      services.connectionPool.addEventListener('pool:refused', ({ detail }) => refused.push(detail.reason))
    }
    await Promise.all([join(one, other), join(other, one)])
    expect(refused).toEqual([])
    await vi.waitFor(() => expect(other.getConnections()).toHaveLength(one.getConnections().length))
    expect([1, 2]).toContain(one.getConnections().length)
  })
})

describe('with its neighbours', () => {
  it('says one goodbye when the peer manager disconnects, and never admits a peer that it banned', async () => {
    const [hub, peer] = [await start({ init: open }), await start({ init: open })]
    await join(peer, hub)
    const told: string[] = []
    peer.services.handshake.addEventListener('peer:goodbye', ({ detail }) => told.push(detail.reason.code))
    await hub.services.peerManager.ban(peer.peerId, 'lied')
    await vi.waitFor(() => expect(peer.getConnections()).toEqual([]))
    expect(told).toEqual(['banned'])

    const refused: Reason[] = []
    hub.services.connectionPool.addEventListener('pool:refused', ({ detail }) => refused.push(detail.reason))
    await expect(join(peer, hub)).rejects.toBeInstanceOf(Error)
    await expect(hub.services.connectionPool.acquire(peer.peerId)).rejects.toMatchObject({ code: 'banned' })
    expect(refused.map(({ code }) => code)).toEqual(['banned', 'banned'])
    expect(refused[0]?.value).toBeGreaterThan(Date.now())
    expect(hub.getConnections()).toEqual([])
  })

  it('makes one connection of many calls, probes without a trace, and leaves nothing after stop', async () => {
    const [hub, peer] = [await start({ init: open }), await start({ init: open })]
    const addresses = hub.getMultiaddrs()
    const { connectionPool } = peer.services
    await connectionPool.probe(hub.peerId, addresses)
    await vi.waitFor(() => expect([peer.getConnections(), hub.getConnections()]).toEqual([[], []]))
    const acquired = await Promise.all(
      Array.from({ length: 5 }, async () => connectionPool.acquire(hub.peerId, { addresses })),
    )
    expect(new Set(acquired.map(({ id }) => id)).size).toBe(1)
    expect(peer.getConnections()).toHaveLength(1)
    await peer.stop()
    expect(connectionPool.usage()).toMatchObject({ outbound: { used: 0 }, pending: { used: 0 } })
    await vi.waitFor(() => expect(hub.services.connectionPool.usage().inbound.used).toBe(0))
    await peer.start()
    await join(peer, hub)
    expect(connectionPool.usage().outbound.used).toBe(1)
  })
})

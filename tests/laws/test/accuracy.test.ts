import { LANES, type Lane, type Traffic } from '@gridmesh/interfaces'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { expectEachHas } from '../src/expectations.ts'
import { labelled } from '../src/inbox.ts'
import { KINDS } from '../src/kinds.ts'
import type { MeshNode } from '../src/mesh-node.ts'
import { Mesh, SOON } from '../src/mesh.ts'

const PROFILES = [
  { role: 'authority', region: 'north', capabilities: ['sync', 'vote'], userAgent: 'laws/1' },
  { role: 'producer', region: 'south', capabilities: ['sync'], userAgent: 'laws/2' },
  { role: 'consumer', region: 'north', capabilities: [], userAgent: 'laws/3' },
]

/** The shortest message of the first node to the second. */
const BRIEF = { from: 0, hop: 1, bytes: 0, how: 'send' } as const

const startedAtMs = Date.now()
let mesh: Mesh
beforeAll(async () => {
  mesh = await Mesh.start(PROFILES.length, (index) => ({ handshake: PROFILES[index] ?? {} }))
})
afterAll(() => mesh.stop())

function trafficOf(node: MeshNode, peer: MeshNode, lane: Lane): Traffic {
  const traffic = node.services.peerManager.get(peer.peerId)?.traffic[lane]
  if (traffic === undefined) throw new RangeError(`${node.name} does not know ${peer.name}`)
  return traffic
}

/** Both ends of every link tell the same story of it, lane by lane, in messages and in bytes. */
function expectAgreement(): void {
  for (const from of mesh.nodes) {
    for (const to of mesh.others(from)) {
      for (const lane of LANES) {
        const [out, into] = [trafficOf(from, to, lane), trafficOf(to, from, lane)]
        expect([from.name, to.name, lane, into.messagesIn, into.bytesIn]).toEqual([
          from.name,
          to.name,
          lane,
          out.messagesOut,
          out.bytesOut,
        ])
      }
    }
  }
}

describe('counts', () => {
  it('of messages and bytes agree at both ends of every link, in every lane, whatever is sent', async () => {
    const sends = fc.array(
      fc.record({
        from: fc.nat(PROFILES.length - 1),
        hop: fc.integer({ min: 1, max: PROFILES.length - 1 }),
        lane: fc.constantFrom(...LANES),
        bytes: fc.constantFrom(0, 1, 500, 66_000),
        how: fc.constantFrom('send' as const, 'flood' as const, 'gossip' as const, 'tree' as const),
      }),
      { minLength: 1, maxLength: 25 },
    )
    let run = 0
    await fc.assert(
      fc.asyncProperty(sends, async (todo) => {
        const prefix = `count ${++run}`
        await Promise.all(
          todo.map(async ({ from, hop, lane, bytes, how }, index) => {
            const node = mesh.node(from)
            const to = mesh.node((from + hop) % PROFILES.length)
            const message = labelled(`${prefix} ${index}`, bytes)
            if (how === 'send') await node.services.messages.send(to.peerId, KINDS[lane], message)
            else await node.services.messages.broadcast(KINDS[lane], message, { strategy: how })
            await expectEachHas(how === 'send' ? [to] : mesh.others(node), [`${prefix} ${index}`])
          }),
        )
        // Copies and acknowledgements are counted too, and may still be on their way.
        await vi.waitFor(expectAgreement, SOON)
      }),
      // Every lane is used once, whatever chance brings.
      { numRuns: 6, endOnFailure: true, examples: [[LANES.map((lane) => ({ ...BRIEF, lane }))]] },
    )
    const [some, other] = [mesh.node(0), mesh.node(1)]
    for (const lane of LANES) expect(trafficOf(some, other, lane).messagesOut).toBeGreaterThan(0)
  })

  it('of the router add up: what one sent to another alone, the other accepted, kind by kind', async () => {
    const [from, to] = [mesh.node(0), mesh.node(1)]
    const before = LANES.map((lane) => [
      count(from, to, KINDS[lane].kind, 'out'),
      count(to, from, KINDS[lane].kind, 'in'),
    ])
    for (const [index, lane] of LANES.entries()) {
      for (let sent = 0; sent <= index; sent++) {
        await from.services.messages.send(to.peerId, KINDS[lane], labelled(`routed ${lane} ${sent}`))
      }
    }
    const after = LANES.map((lane) => [
      count(from, to, KINDS[lane].kind, 'out'),
      count(to, from, KINDS[lane].kind, 'in'),
    ])
    expect(after).toEqual(before.map(([out = 0, into = 0], index) => [out + index + 1, into + index + 1]))
  })

  it('of peers by state are those of the links', () => {
    for (const node of mesh.nodes) {
      const { byState } = node.services.peerManager.stats()
      expect(byState).toMatchObject({ ready: PROFILES.length - 1, connected: 0, connecting: 0, draining: 0, banned: 0 })
      expect(new Set(node.libp2p.getPeers().map(String))).toEqual(new Set(mesh.others(node).map(({ id }) => id)))
    }
  })
})

describe('what a node says of a peer', () => {
  it('is what the peer says of itself: role, region, capabilities, software, chain, and where it listens', () => {
    for (const node of mesh.nodes) {
      for (const peer of mesh.others(node)) {
        const record = node.services.peerManager.get(peer.peerId)
        const profile = PROFILES[mesh.nodes.indexOf(peer)]
        expect(record?.hello).toMatchObject({ ...profile, chainId: 'laws', genesisHash: '00' })
        expect(record?.hello?.listenAddresses).toEqual(peer.libp2p.getMultiaddrs().map(String))
        expect(record?.addresses).toEqual(expect.arrayContaining(peer.libp2p.getMultiaddrs().map(String)))
        const shared = PROFILES[mesh.nodes.indexOf(node)]?.capabilities.filter((one) =>
          profile?.capabilities.includes(one),
        )
        expect(node.services.handshake.capabilities(peer.peerId)).toEqual(shared)
      }
    }
  })

  it('has the direction of the link, which is the other one at the other end', () => {
    for (const [index, node] of mesh.nodes.entries()) {
      for (const [other, peer] of mesh.nodes.entries()) {
        if (index === other) continue
        const directions = node.linksTo(peer).map(({ direction }) => direction)
        const record = node.services.peerManager.get(peer.peerId)
        expect(directions).toContain(record?.direction)
        expect(
          peer
            .linksTo(node)
            .map(({ direction }) => direction)
            .toSorted(),
        ).toEqual(directions.map((one) => (one === 'inbound' ? 'outbound' : 'inbound')).toSorted())
      }
    }
  })

  it('has been seen first between the start and now, and last when it was heard last', async () => {
    const [node, peer] = [mesh.node(0), mesh.node(1)]
    const record = () => {
      const found = node.services.peerManager.get(peer.peerId)
      if (found === undefined) throw new RangeError('the peer is not known')
      return found
    }
    const { firstSeenMs, lastSeenMs } = record()
    expect(firstSeenMs).toBeGreaterThanOrEqual(startedAtMs)
    expect(lastSeenMs).toBeGreaterThanOrEqual(firstSeenMs)
    const saidAtMs = Date.now()
    await peer.services.messages.send(node.peerId, KINDS.high, labelled('seen'))
    await vi.waitFor(() => expect(record().lastSeenMs).toBeGreaterThanOrEqual(saidAtMs), SOON)
    expect(record().lastSeenMs).toBeLessThanOrEqual(Date.now())
    expect(record().firstSeenMs).toBe(firstSeenMs)
  })

  it('follows the height that the peer announces, and is found by it', async () => {
    const [node, peer] = [mesh.node(0), mesh.node(2)]
    peer.services.handshake.setStatus({ height: 41, tipHash: 'ab' })
    await vi.waitFor(() => expect(node.services.peerManager.get(peer.peerId)?.height).toBe(41), SOON)
    const { peerManager } = node.services
    expect(peerManager.select({ minHeight: 41 }).map(({ id }) => id.toString())).toEqual([peer.id])
    expect(peerManager.select({ region: 'south' }).map(({ id }) => id.toString())).toEqual([mesh.node(1).id])
    expect(peerManager.select({ role: 'authority' })).toEqual([])
  })
})

/** Messages of a kind between two nodes, as one of them counts them. */
function count(node: MeshNode, peer: MeshNode, kind: string, what: 'in' | 'out'): number {
  return node.services.messages.stats().peers.get(peer.id)?.get(kind)?.[what] ?? 0
}

import type { IdentifyResult } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { FOREIGN_KINDS, ForeignProcess } from '../src/foreign-process.ts'
import { soon } from '../src/meeting.ts'
import { type OurNode, startOurNode, USER_AGENT } from '../src/our-node.ts'

const STOCK = ['/ipfs/id/1.0.0', '/ipfs/ping/1.0.0', '/meshsub/1.1.0', '/meshsub/1.2.0']
const OURS = [...STOCK, '/gridmesh/unicast/1/critical', '/gridmesh/unicast/1/bulk']

describe.each(FOREIGN_KINDS)('$name', (kind) => {
  let ours: OurNode
  let foreign: ForeignProcess
  let them: { peer: string; address: string }
  const identified: IdentifyResult[] = []

  beforeAll(async () => {
    ;[ours, foreign] = await Promise.all([startOurNode(kind), ForeignProcess.start(kind)])
    them = await foreign.self
    ours.addEventListener('peer:identify', ({ detail }) => identified.push(detail))
  })
  afterAll(async () => {
    await foreign.kill()
    await ours.stop()
  })

  const dialThem = async () => ours.dial(multiaddr(them.address))
  const dialUs = () => foreign.ask('dial', { address: String(ours.getMultiaddrs()[0]) })
  const areApart = (): Promise<void> =>
    vi.waitFor(async () => {
      expect(ours.getConnections().length).toBe(0)
      expect(await foreign.ask('links', {})).toEqual([])
    }, soon)

  describe.each([
    ['dialled by us', 'inbound', dialThem],
    ['dialling us', 'outbound', dialUs],
  ] as const)('%s', (_, direction, dial) => {
    it('agrees with us on the secure channel and on yamux', async () => {
      await dial()
      const encryption = kind.encryption === 'tls' ? '/tls/1.0.0' : '/noise'
      const muxer = '/yamux/1.0.0'
      await vi.waitFor(async () => {
        const links = await foreign.ask('links', {})
        expect(links).toEqual([{ peer: String(ours.peerId), direction, encryption, muxer }])
      }, soon)
      const ourSide = ours.getConnections().map((link) => [link.encryption, link.multiplexer])
      expect(ourSide).toEqual([[encryption, muxer]])
    })

    it('learns who we are by identify, and we who it is', async () => {
      await vi.waitFor(() => {
        expect(identified.at(-1)?.peerId.toString()).toBe(them.peer)
        expect(foreign.told('identified').at(-1)?.peer).toBe(String(ours.peerId))
      }, soon)
      const { agentVersion, protocols } = identified.splice(0).at(-1) ?? {}
      expect(agentVersion).toMatch(kind.program === 'libp2p-2' ? /libp2p\/2\./ : /libp2p\/3\./)
      expect(protocols).toEqual(expect.arrayContaining(STOCK))
      expect(protocols?.filter((protocol) => protocol.startsWith('/gridmesh/'))).toEqual([])
      expect(foreign.told('identified').at(-1)).toMatchObject({
        agent: USER_AGENT,
        protocols: expect.arrayContaining(OURS),
      })
    })

    it('answers our ping, and we answer its', async () => {
      expect(await ours.services.ping.ping(peerIdFromString(them.peer))).toBeGreaterThanOrEqual(0)
      expect(await foreign.ask('ping', { peer: String(ours.peerId) })).toBeGreaterThanOrEqual(0)
    })

    it('is measured by the health monitor, and its round trip is known to the peer manager', async () => {
      const peer = peerIdFromString(them.peer)
      ours.services.health.reset(peer)
      await vi.waitFor(() => expect(ours.services.health.get(peer)?.pings).toBeGreaterThan(1), soon)
      const { latency, availability, isHealthy } = ours.services.health.get(peer) ?? {}
      expect(latency?.samples).toBeGreaterThan(1)
      expect({ availability, isHealthy }).toEqual({ availability: 1, isHealthy: true })
      const record = ours.services.peerManager.get(peer)
      expect(record).toMatchObject({ state: 'ready', hello: { userAgent: expect.stringMatching(/libp2p\//) } })
      // A round trip on one machine may be 0 whole ms.
      expect(record?.latencyMs).toBeTypeOf('number')
    })

    it('parts when we hang up, comes back, and parts when it hangs up', async () => {
      await ours.hangUp(peerIdFromString(them.peer))
      await areApart()
      await dial()
      await vi.waitFor(() => expect(ours.services.peerManager.select()).toHaveLength(1), soon)
      await foreign.ask('hangUp', { peer: String(ours.peerId) })
      await areApart()
      const peer = peerIdFromString(them.peer)
      await vi.waitFor(() => expect(ours.services.peerManager.get(peer)?.state).toBe('known'), soon)
      expect(ours.services.peerManager.get(peer)?.failures).toBe(0)
    })
  })

  it('ends cleanly, and so does our link to it', async () => {
    await dialThem()
    await vi.waitFor(() => expect(ours.services.peerManager.select()).toHaveLength(1), soon)
    expect(await foreign.stop()).toEqual({ code: 0, errors: '' })
    await vi.waitFor(() => {
      expect(ours.getConnections().length).toBe(0)
      expect(ours.services.peerManager.stats().byState).toMatchObject({ known: 1, ready: 0, connected: 0 })
    }, soon)
  })
})

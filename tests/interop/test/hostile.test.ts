import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { PoolRefused } from '@gridmesh/connection-pool'
import type { StreamHandler } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { ForeignProcess, GENERATIONS } from '../src/foreign-process.ts'
import { type Got, listen, meet, soon, wireTopic } from '../src/meeting.ts'
import { MAX_INBOUND_PINGS, MAX_INBOUND_STREAMS, type OurNode, startOurNode } from '../src/our-node.ts'

const PING = '/ipfs/ping/1.0.0'
const HOLD = '/interop/hold/1'
const UNICAST = '/gridmesh/unicast/1/normal'
const PAYLOAD = Buffer.from('sell 3 kWh').toString('base64')

/** Never the same, and never a frame: it begins with a number that has no end. */
const garbage = (): string => randomBytes(50).fill(0xff, 0, 10).toString('base64')
let topics = 0

const holdOpen: StreamHandler = async (stream) => {
  await once(stream, 'remoteCloseWrite')
  await stream.close()
}

describe.each(GENERATIONS)('$name', (kind) => {
  let foreign: ForeignProcess
  let peer: string
  beforeAll(async () => {
    foreign = await ForeignProcess.start(kind)
    peer = (await foreign.self).peer
  })
  afterAll(() => foreign.kill())

  let ours: OurNode
  let address: string
  let got: Got[]
  // Of its own for each test: a foreign peer goes on offering a newcomer what it published before.
  let topic: string
  beforeEach(async () => {
    ours = await startOurNode({ ...kind, maxInbound: 1 })
    address = String(ours.getMultiaddrs()[0])
    topic = `orders-${++topics}`
    got = listen(ours, topic)
  })
  afterEach(() => ours.stop())

  const id = () => peerIdFromString(peer)
  const dialUs = (process = foreign) => process.ask('dial', { address })
  const pingUs = (process = foreign) => process.ask('ping', { peer: String(ours.peerId) })
  const publishGarbage = () => foreign.ask('publish', { topic: wireTopic(topic), bytes: garbage() })
  const isHeard = async (): Promise<void> => {
    await foreign.ask('publish', { topic: wireTopic(topic), payload: PAYLOAD })
    await vi.waitFor(() => expect(got).toMatchObject([{ payload: PAYLOAD }]), soon)
  }
  const partings = (): number =>
    foreign.told('disconnected').filter((parted) => parted.peer === String(ours.peerId)).length
  const violations = (): number => ours.services.peerManager.stats().reports['protocol-violation']
  const refusals = (): PoolRefused[] => {
    const refused: PoolRefused[] = []
    ours.services.connectionPool.addEventListener('pool:refused', ({ detail }) => refused.push(detail))
    return refused
  }
  const inbound = (): (string | undefined)[] =>
    ours
      .getConnections(id())
      .flatMap(({ streams }) => streams)
      .filter(({ direction }) => direction === 'inbound')
      .map(({ protocol }) => protocol)

  it('is blamed for a malformed frame, and heard when it goes on with a whole one', async () => {
    await meet(ours, foreign, topic)
    await publishGarbage()
    await isHeard()
    expect(violations()).toBe(1)
    expect(ours.services.peerManager.explain(id()).join('\n')).toContain('broadcast frame malformed')
  })

  it('is cut off when it goes on with malformed frames, and again when it comes back', async () => {
    await meet(ours, foreign, topic)
    await vi.waitFor(async () => {
      await publishGarbage()
      expect(partings()).toBe(1)
    }, soon)
    expect(ours.services.peerManager.reputation(id())).toBeLessThan(-20)
    await dialUs().catch(() => undefined)
    await vi.waitFor(() => {
      expect(partings()).toBe(2)
      expect(ours.getConnections().length).toBe(0)
    }, soon)
  })

  it('is let in no more once it is banned, and the pool says why', async () => {
    await meet(ours, foreign, topic)
    const refused = refusals()
    await ours.services.peerManager.ban(id(), 'it serves two masters')
    await vi.waitFor(() => expect(partings()).toBe(1), soon)
    await dialUs().catch(() => undefined)
    await vi.waitFor(() => expect(refused).toMatchObject([{ reason: { code: 'banned' } }]), soon)
    await vi.waitFor(async () => expect(await foreign.ask('links', {})).toEqual([]), soon)
  })

  it('is blamed for bytes that are no unicast message', async () => {
    await meet(ours, foreign, topic)
    await foreign.ask('send', { peer: String(ours.peerId), protocol: UNICAST, bytes: garbage() })
    await vi.waitFor(() => expect(violations()).toBe(1), soon)
    await isHeard()
  })

  it(`keeps no more than ${MAX_INBOUND_PINGS} of 40 streams for ping`, async () => {
    await dialUs()
    await vi.waitFor(async () => {
      // Again, where those before have timed out.
      await foreign.ask('openStreams', { peer: String(ours.peerId), protocol: PING, count: 40 })
      expect(await foreign.ask('countOpen', {})).toBe(MAX_INBOUND_PINGS)
    }, soon)
    expect(inbound().filter((protocol) => protocol === PING)).toHaveLength(MAX_INBOUND_PINGS)
    await foreign.ask('closeStreams', {})
    await vi.waitFor(async () => expect(await pingUs()).toBeGreaterThanOrEqual(0), soon)
  })

  it(`keeps no more than ${MAX_INBOUND_STREAMS} of 40 streams on its connection`, async () => {
    await meet(ours, foreign, topic)
    await ours.handle(HOLD, holdOpen, { maxInboundStreams: 100 })
    await vi.waitFor(async () => {
      await foreign.ask('openStreams', { peer: String(ours.peerId), protocol: HOLD, count: 40 })
      expect(inbound()).toHaveLength(MAX_INBOUND_STREAMS)
    }, soon)
    const held = inbound().filter((protocol) => protocol === HOLD).length
    expect(await foreign.ask('countOpen', {})).toBe(held)
    // The streams that were there before go on.
    await isHeard()
    await foreign.ask('closeStreams', {})
    await vi.waitFor(async () => expect(await pingUs()).toBeGreaterThanOrEqual(0), soon)
  })

  it('is let in nowhere when there is no room, and whoever was there stays', async () => {
    const refused = refusals()
    const second = await ForeignProcess.start(kind)
    onTestFinished(() => second.kill())
    await dialUs()
    await dialUs(second).catch(() => undefined)
    await vi.waitFor(() => expect(refused).toMatchObject([{ reason: { limit: 'maxInbound', value: 1 } }]), soon)
    await vi.waitFor(async () => expect(await second.ask('links', {})).toEqual([]), soon)
    expect(await pingUs()).toBeGreaterThanOrEqual(0)
  })

  it('is gone at once when its process dies', async () => {
    await meet(ours, foreign, topic)
    await foreign.kill()
    await vi.waitFor(() => {
      expect(ours.getConnections().length).toBe(0)
      expect(ours.services.broadcast.mesh(topic)).toEqual([])
    }, soon)
  })
})

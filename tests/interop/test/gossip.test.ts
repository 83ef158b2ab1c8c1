import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { encodeFrame, messageId } from '@gridmesh-internal/foreign'
import { peerIdFromString } from '@libp2p/peer-id'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { FOREIGN_KINDS, ForeignProcess } from '../src/foreign-process.ts'
import { type Got, listen, meet, soon, whenInMesh, wireTopic } from '../src/meeting.ts'
import { type OurNode, startOurNode } from '../src/our-node.ts'

const TOPIC = 'orders'

const payloadsOf = (messages: readonly { payload: string }[]): string[] => messages.map(({ payload }) => payload)
const random = (byteLength: number): string => randomBytes(byteLength).toString('base64')

/** Empty, and with a length that takes one byte, two and three; the last is the longest whose id is a plain hash. */
const PAYLOADS = [0, 1, 127, 128, 20_000, 65_536].map(random)
/** No length twice, or the same bytes could come from both sides, which are one message. */
const THEIR_PAYLOADS = [2, 126, 129, 20_001, 65_535].map(random)

/** The id that a foreign peer gives to a payload. */
function foreignId(payload: string): string {
  const data = encodeFrame(Buffer.from(payload, 'base64'), new Uint8Array())
  return Buffer.from(messageId({ topic: wireTopic(TOPIC), data })).toString('hex')
}

describe.each(FOREIGN_KINDS)('$name', (kind) => {
  let ours: OurNode
  let foreign: ForeignProcess
  let peer: string
  let got: Got[]

  beforeAll(async () => {
    ;[ours, foreign] = await Promise.all([startOurNode(kind), ForeignProcess.start(kind)])
    peer = (await foreign.self).peer
    got = listen(ours, TOPIC)
  })
  afterAll(async () => {
    await foreign.kill()
    await ours.stop()
  })

  const publish = async (payload: string, by = ours) =>
    by.services.broadcast.publish(TOPIC, Buffer.from(payload, 'base64'))
  const publishForeign = (payload: string) => foreign.ask('publish', { topic: wireTopic(TOPIC), payload })

  it('is in our mesh of a topic and we in its, and both say so', async () => {
    await meet(ours, foreign, TOPIC)
    expect(foreign.told('grafted')).toEqual([{ event: 'grafted', topic: wireTopic(TOPIC), peer: String(ours.peerId) }])
  })

  it('gets each of our messages once, with the same bytes and the same id', async () => {
    const ids: string[] = []
    for (const payload of PAYLOADS) {
      const delivery = await publish(payload)
      expect(delivery.peers.get(peer)).toEqual({ status: 'sent' })
      ids.push(delivery.id)
    }
    await vi.waitFor(() => expect(foreign.told('message')).toHaveLength(PAYLOADS.length), soon)
    // Gossip promises no order.
    expect(payloadsOf(foreign.told('message')).toSorted()).toEqual(PAYLOADS.toSorted())
    expect(
      foreign
        .told('message')
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(ids.toSorted())
    expect(new Set(foreign.told('message').map(({ lane, topic }) => `${lane} ${topic}`))).toEqual(
      new Set([`normal ${wireTopic(TOPIC)}`]),
    )
  })

  it('is heard once with each of its messages, with the same bytes', async () => {
    for (const payload of THEIR_PAYLOADS) {
      expect(await publishForeign(payload)).toEqual([String(ours.peerId)])
    }
    await vi.waitFor(() => expect(got).toHaveLength(THEIR_PAYLOADS.length), soon)
    expect(payloadsOf(got).toSorted()).toEqual(THEIR_PAYLOADS.toSorted())
    expect(got.map(({ id }) => id).toSorted()).toEqual(THEIR_PAYLOADS.map(foreignId).toSorted())
    expect(new Set(got.map(({ from, via, topic }) => `${from.toString()} ${via} ${topic}`))).toEqual(
      new Set([`${peer} gossip ${TOPIC}`]),
    )
  })

  it('is heard with the frame that the README shows, under the id that it names', async () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const frame = /```\n((?:[0-9a-f]{2} *)+)\n```/.exec(readme)?.[1]?.replaceAll(' ', '') ?? ''
    const id = /has the id `([0-9a-f]{40})`/.exec(readme)?.[1]
    const bytes = Buffer.from(frame, 'hex').toString('base64')
    await foreign.ask('publish', { topic: wireTopic(TOPIC), bytes })
    const payload = Buffer.of(1, 2, 3).toString('base64')
    await vi.waitFor(() => expect(got.at(-1)).toMatchObject({ id, payload, topic: TOPIC }), soon)
  })

  it('finds no subscriber on the same topic of another chain', async () => {
    const topic = `/gridmesh/another-chain/${TOPIC}/1`
    await foreign.ask('subscribe', { topic })
    expect(await foreign.ask('publish', { topic, payload: random(10) })).toEqual([])
  })

  it('reaches a third node of ours through us, and is reached by it', async () => {
    const third = await startOurNode(kind)
    onTestFinished(() => third.stop())
    const gotByThird = listen(third, TOPIC)
    await third.dial(ours.getMultiaddrs())
    await vi.waitFor(() => {
      expect(third.services.broadcast.mesh(TOPIC).map(String)).toEqual([String(ours.peerId)])
      expect(ours.services.broadcast.mesh(TOPIC).map(String)).toContain(String(third.peerId))
    }, soon)

    const [there, back] = [random(100), random(100)]
    await publishForeign(there)
    await vi.waitFor(() => expect(payloadsOf(gotByThird)).toEqual([there]), soon)
    const delivery = await publish(back, third)
    await vi.waitFor(() => expect(payloadsOf(foreign.told('message'))).toContain(back), soon)

    // Whoever got it twice would have by now: both messages went both links.
    expect(payloadsOf(gotByThird)).toEqual([there])
    expect(foreign.told('message').filter(({ id }) => id === delivery.id)).toHaveLength(1)
    expect(payloadsOf(got).filter((payload) => payload === there || payload === back)).toEqual([there, back])
  })

  it('passes messages on between two nodes of ours that are not connected', async () => {
    const far = await startOurNode(kind)
    onTestFinished(() => far.stop())
    const gotByFar = listen(far, TOPIC)
    await meet(far, foreign, TOPIC)
    const [there, back] = [random(100), random(100)]
    await publish(there)
    await vi.waitFor(() => expect(payloadsOf(gotByFar)).toEqual([there]), soon)
    await publish(back, far)
    await vi.waitFor(() => expect(payloadsOf(got)).toContain(back), soon)
    expect(String(got.at(-1)?.from)).toBe(peer)
    expect(String(gotByFar.at(-1)?.from)).toBe(peer)
  })

  it('is in the mesh again once it has left and come back', async () => {
    await foreign.ask('hangUp', { peer: String(ours.peerId) })
    await vi.waitFor(() => expect(ours.services.broadcast.mesh(TOPIC)).toEqual([]), soon)
    await foreign.ask('dial', { address: String(ours.getMultiaddrs()[0]) })
    await whenInMesh(ours, foreign, TOPIC)
    const [there, back] = [random(100), random(100)]
    await publish(there)
    await publishForeign(back)
    await vi.waitFor(() => {
      expect(payloadsOf(foreign.told('message'))).toContain(there)
      expect(payloadsOf(got)).toContain(back)
    }, soon)
  })

  it('gets a critical message by gossip, and the flood that it cannot take harms nothing', async () => {
    const payload = random(100)
    const bytes = Buffer.from(payload, 'base64')
    const delivery = await ours.services.broadcast.publish(TOPIC, bytes, { lane: 'critical' })
    await vi.waitFor(() => expect(foreign.told('message').at(-1)).toMatchObject({ payload, lane: 'critical' }), soon)
    expect(delivery.peers.get(peer)).toEqual({ status: 'sent' })
  })

  it('refuses a message by unicast with an error that names the protocol it lacks', async () => {
    const sent = ours.services.unicast.send(peerIdFromString(peer), 'orders', new Uint8Array(1))
    await expect(sent).rejects.toMatchObject({
      name: 'UnreachableError',
      cause: { message: expect.stringContaining('/gridmesh/unicast/1/normal') },
    })
  })

  it('is blamed for nothing in all this, and praised for what it brought', () => {
    expect(ours.services.peerManager.stats().reports).toMatchObject({ 'protocol-violation': 0, slow: 0 })
    expect(ours.services.peerManager.reputation(peerIdFromString(peer))).toBeGreaterThan(0)
  })
})

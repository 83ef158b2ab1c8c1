import type { Lane } from '@gridmesh/interfaces'
import { afterEach, expect, it, vi } from 'vitest'
import { encodeFrame } from '../src/frame.ts'
import { BROADCAST_HANDLER, CHUNK_HANDLER, TREE_HANDLER } from '../src/index.ts'
import { createNode, createRawPeer, eventually, meet, PATIENCE_MS, stopNodes, wireTopic } from './helpers/nodes.ts'
import { announce, pattern } from './helpers/payloads.ts'
import { peerIds } from './helpers/peer-ids.ts'
import { QUICK } from './helpers/tree-meeting.ts'

vi.setConfig({ testTimeout: 2 * PATIENCE_MS })
afterEach(stopNodes)

it.each([BROADCAST_HANDLER, TREE_HANDLER])(
  'passes on by %s no message in a lane above that of its topic, whatever lane it came in',
  async (handler) => {
    const [node, next] = [await createNode(QUICK), await createRawPeer()]
    next.unicast.handle(handler, () => undefined)
    node.broadcast.subscribe('orders', () => 'accept')
    node.broadcast.subscribe('notes', () => 'accept', { lane: 'bulk' })
    node.broadcast.subscribe('emergency', () => 'accept', { lane: 'critical' })
    const [stranger] = await peerIds(2)
    const passedOn = async (topic: string, lane: Lane): Promise<Lane | undefined> => {
      const sent = node.unicast?.sent ?? []
      const before = sent.length
      const origin = stranger.toMultihash().bytes
      const payload = new TextEncoder().encode(`${topic} ${lane}`)
      const frame = { lane, isDirected: false, origin, hops: 3, topic: wireTopic(topic), payload }
      const context = { peer: stranger, lane, signal: AbortSignal.timeout(PATIENCE_MS) }
      await node.unicast?.handlers.get(handler)?.(encodeFrame(frame), context)
      await eventually(() => expect(sent.slice(before).filter(({ name }) => name === handler)).toHaveLength(1))
      return sent.slice(before).find(({ name }) => name === handler)?.lane
    }
    for (const topic of ['orders', 'notes', 'emergency']) await meet(next, node, topic)

    expect(await passedOn('orders', 'critical')).toBe('normal')
    expect(await passedOn('orders', 'bulk')).toBe('bulk')
    expect(await passedOn('notes', 'critical')).toBe('bulk')
    expect(await passedOn('emergency', 'critical')).toBe('critical')
  },
)

it('pulls no payload in a lane above that of its topic, whatever lane its announcement names', async () => {
  const [node, attacker] = [await createNode(), await createRawPeer()]
  node.broadcast.subscribe('orders', () => 'accept')
  await meet(attacker, node, 'orders')
  const { frame } = announce(wireTopic('orders'), pattern(300_000), { lane: 'critical' })
  await attacker.unicast.send(node.peerId, BROADCAST_HANDLER, frame)
  await attacker.pubsub.publish(wireTopic('orders'), frame)
  const requests = () => node.unicast?.requested.filter(({ name }) => name === CHUNK_HANDLER) ?? []
  await eventually(() => expect(requests()).not.toEqual([]))
  expect(new Set(requests().map(({ lane }) => lane))).toEqual(new Set(['normal']))
})

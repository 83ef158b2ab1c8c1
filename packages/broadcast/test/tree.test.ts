import fc from 'fast-check'
import { afterEach, expect, it, vi } from 'vitest'
import { MAX_CONTROL_IDS, MAX_GRAFTS_PER_MESSAGE } from '../src/constants.ts'
import { encodeAck } from '../src/ack-codec.ts'
import { ACK_HANDLER, TREE_CONTROL_HANDLER, TREE_HANDLER } from '../src/index.ts'
import { toHex } from '../src/message-id.ts'
import { decodeControl, encodeControl } from '../src/tree-codec.ts'
import {
  collect,
  connect,
  connectAll,
  connectLine,
  createNode,
  createNodes,
  eventually,
  meshOf,
  nodeAt,
  PATIENCE_MS,
  stopNodes,
  type TestNode,
} from './helpers/nodes.ts'
import { frame, givenTo, idOf, meeting, QUICK, toldTo, TOPIC } from './helpers/tree-meeting.ts'

const MESSAGE = new Uint8Array([1, 2, 3])
vi.setConfig({ testTimeout: 2 * PATIENCE_MS })
afterEach(stopNodes)

/** Nodes of which each has all others in its mesh, and what their handlers got. */
async function meshed(count: number): Promise<{ nodes: TestNode[]; received: Map<string, Uint8Array[]> }> {
  const nodes = await createNodes(count, QUICK)
  const received = collect(nodes, TOPIC)
  await connectAll(nodes)
  for (const node of nodes) await meshOf(node, TOPIC, count - 1)
  return { nodes, received }
}

function sentBy(nodes: readonly TestNode[], name: string): number {
  return nodes.reduce((sum, { unicast }) => sum + (unicast?.sent.filter((send) => send.name === name).length ?? 0), 0)
}

/** Publishes the next message of a node, and waits until all others have it. */
async function expectSpread(author: TestNode, received: Map<string, Uint8Array[]>, content: number): Promise<void> {
  await author.broadcast.publish(TOPIC, new Uint8Array([content]), { strategy: 'tree' })
  await eventually(() => {
    for (const [peer, messages] of received) {
      const expected = peer === author.peerId.toString() ? 0 : 1
      expect(messages.filter(([first]) => first === content)).toHaveLength(expected)
    }
  })
}

/** Waits until no call of any node is under way. */
async function settled(nodes: readonly TestNode[]): Promise<void> {
  await eventually(() => {
    for (const { unicast } of nodes) expect(unicast?.inFlight).toBe(0)
  })
}

it('carries a message along a line, and hears from each that is linked that it has it', async () => {
  const nodes = await createNodes(4)
  const received = collect(nodes, TOPIC)
  await connectLine(nodes)
  await Promise.all(nodes.map((node, i) => meshOf(node, TOPIC, i === 0 || i === 3 ? 1 : 2)))

  const delivery = await nodeAt(nodes, 0).broadcast.publish(TOPIC, MESSAGE, { strategy: 'tree' })

  await delivery.settled()
  expect([...delivery.peers]).toEqual([[nodeAt(nodes, 1).peerId.toString(), { status: 'acknowledged' }]])
  await eventually(() => expect(received.get(nodeAt(nodes, 3).peerId.toString())).toEqual([MESSAGE]))
})

it('comes to send each message to each node once', async () => {
  const { nodes, received } = await meshed(6)
  let content = 0
  await vi.waitFor(
    async () => {
      const before = sentBy(nodes, TREE_HANDLER)
      await expectSpread(nodeAt(nodes, content % 6), received, content++)
      await settled(nodes)
      expect(sentBy(nodes, TREE_HANDLER) - before).toBe(5)
    },
    { timeout: PATIENCE_MS, interval: 5 },
  )
  // The first goes over all links, since it is not known yet which of them are too many.
  expect(sentBy(nodes, TREE_HANDLER)).toBeGreaterThan(5 * content)
})

it('has a node ask for what is kept from it, and hear the next by the link that brought it', async () => {
  const { nodes, received } = await meshed(3)
  const [author, other, victim] = [nodeAt(nodes, 0), nodeAt(nodes, 1), nodeAt(nodes, 2)]
  let content = 0
  for (; content < 3; content++) await expectSpread(author, received, content)
  await settled(nodes)
  // What would come to it by itself does not: it is told by the other, and asks that.
  const take = victim.unicast?.handlers.get(TREE_HANDLER)
  if (take === undefined) throw new RangeError('the victim has no handler')
  const lost = new Set<string>()
  const bringers: string[] = []
  victim.unicast?.handlers.set(TREE_HANDLER, (bytes, context) => {
    const from = context.peer.toString()
    bringers.push(from)
    if (lost.size === 0) lost.add(from)
    return lost.has(from) ? undefined : take(bytes, context)
  })

  await expectSpread(author, received, content++)
  const [bringer] = bringers
  const saviour = bringer === author.peerId.toString() ? other : author
  expect(bringers.at(-1)).toBe(saviour.peerId.toString())

  const asked = sentBy([victim], TREE_CONTROL_HANDLER)
  await expectSpread(author, received, content)
  expect(bringers.at(-1)).toBe(saviour.peerId.toString())
  expect(sentBy([victim], TREE_CONTROL_HANDLER)).toBe(asked)
})

it('enters a tree at one node where it does not subscribe itself', async () => {
  const { nodes, received } = await meshed(3)
  const outsider = await createNode({ ...QUICK, meshWaitMs: 1_000 })
  for (const node of nodes) await connect(outsider, node)
  await eventually(() => expect(outsider.libp2p.getPeers()).toHaveLength(3))

  await expectSpread(outsider, received, 1)

  expect(sentBy([outsider], TREE_HANDLER)).toBe(1)
  // The others are told of it.
  await eventually(() => expect(sentBy([outsider], TREE_CONTROL_HANDLER)).toBe(2))
})

it('carries what is announced, and pulls it from those who have it', async () => {
  const { nodes, received } = await meshed(3)
  const large = new Uint8Array(300_000).fill(7)
  const delivery = await nodeAt(nodes, 0).broadcast.publish(TOPIC, large, { strategy: 'tree' })
  await delivery.confirmed(2, { signal: AbortSignal.timeout(PATIENCE_MS) })
  for (const node of nodes.slice(1)) {
    const [message = new Uint8Array()] = received.get(node.peerId.toString()) ?? []
    expect(Buffer.compare(message, large)).toBe(0)
  }
})

it('spreads what is published while the mesh has not been made yet', async () => {
  const nodes = await createNodes(4, QUICK)
  await connectLine(nodes)
  const received = collect(nodes, TOPIC)
  await expectSpread(nodeAt(nodes, 0), received, 1)
  expect(sentBy(nodes, TREE_HANDLER)).toBeGreaterThanOrEqual(3)
})

it('tells a new neighbour of what went by before it came', async () => {
  const { nodes, received } = await meshed(2)
  await expectSpread(nodeAt(nodes, 0), received, 1)
  const late = await createNode(QUICK)
  const missed = collect([late], TOPIC)
  await connect(late, nodeAt(nodes, 1))
  await eventually(() => expect(missed.get(late.peerId.toString())).toEqual([new Uint8Array([1])]))
})

it('names what is wrong with bytes that are no frame or control message, blames for them, and throws nothing untyped', async () => {
  const { says, manager, raw } = await meeting()
  expect(await says(TREE_HANDLER, new Uint8Array([255]))).toBe('malformed')
  expect(await says(TREE_HANDLER, frame(1, { isDirected: true }))).toBe('malformed')
  expect(await says(TREE_CONTROL_HANDLER, new Uint8Array())).toBe('malformed')
  expect(await says(TREE_CONTROL_HANDLER, encodeControl({ graft: [new Uint8Array(19)] }))).toBe('malformed')
  const tooMany = Array.from({ length: MAX_CONTROL_IDS + 1 }, () => idOf(1))
  expect(await says(TREE_CONTROL_HANDLER, encodeControl({ ihave: tooMany }))).toBe('malformed')
  expect(manager.classesOf(raw.peerId)).toEqual(Array(5).fill('protocol-violation'))
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      expect(await says(TREE_HANDLER, bytes)).not.toBe('untyped')
      expect(await says(TREE_CONTROL_HANDLER, bytes)).not.toBe('untyped')
    }),
  )
})

it('reads back every control message it writes', () => {
  const ids = fc.array(fc.uint8Array({ minLength: 20, maxLength: 20 }), { maxLength: 20 })
  fc.assert(
    fc.property(fc.record({ ihave: ids, graft: ids, prune: ids }), (control) => {
      const isEmpty = control.ihave.length + control.graft.length + control.prune.length === 0
      expect(decodeControl(encodeControl(control))).toEqual(isEmpty ? undefined : control)
    }),
  )
})

it('asks a peer once for what it says it has, and blames it for nothing where it does not give it', async () => {
  const met = await meeting()
  const { says, manager, raw } = met
  expect(await says(TREE_CONTROL_HANDLER, encodeControl({ ihave: [idOf(1), idOf(2), idOf(1)] }))).toBe('ok')
  await eventually(() => expect(toldTo(met)).toEqual([{ ihave: [], graft: [idOf(1), idOf(2)], prune: [] }]))
  expect(await says(TREE_HANDLER, frame(1))).toBe('ok')
  expect(manager.classesOf(raw.peerId)).toEqual(['useful'])
})

it('gives a message to who asks for it a few times, and only what was accepted', async () => {
  const met = await meeting(([content]) => (content === 1 ? 'accept' : 'ignore'))
  const { node, says } = met
  const graft = async (content: number): Promise<string> =>
    says(TREE_CONTROL_HANDLER, encodeControl({ graft: [idOf(content)] }))
  await node.broadcast.publish(TOPIC, new Uint8Array([5]), { strategy: 'tree' })
  const before = givenTo(met)
  for (let i = 0; i < 10; i++) expect(await graft(5)).toBe('ok')
  await eventually(() => expect(givenTo(met)).toBe(before + MAX_GRAFTS_PER_MESSAGE))

  expect(await says(TREE_HANDLER, frame(2))).toBe('ignored')
  // Who brought it has it, and nobody has what was never sent.
  expect(await says(TREE_HANDLER, frame(1))).toBe('ok')
  for (const content of [1, 2, 3]) expect(await graft(content)).toBe('ok')
  await node.broadcast.publish(TOPIC, new Uint8Array([6]), { strategy: 'tree' })
  await eventually(() => expect(givenTo(met)).toBe(before + MAX_GRAFTS_PER_MESSAGE + 1))
})

it('only tells a peer of messages that wants to be sent none, until it asks for one', async () => {
  const met = await meeting()
  const { node, says } = met
  const publish = async (content: number): Promise<unknown> =>
    node.broadcast.publish(TOPIC, new Uint8Array([content]), { strategy: 'tree' })
  // With a second neighbour, since somebody must be sent it.
  const other = await createNode(QUICK)
  collect([other], TOPIC)
  await connect(node, other)
  await meshOf(node, TOPIC, 2)
  await publish(1)
  await eventually(() => expect(givenTo(met)).toBe(1))
  expect(await says(TREE_CONTROL_HANDLER, encodeControl({ prune: [idOf(1)] }))).toBe('ok')
  await publish(2)
  await eventually(() => expect(toldTo(met).flatMap((control) => control?.ihave ?? [])).toEqual([idOf(2)]))
  expect(givenTo(met)).toBe(1)

  expect(await says(TREE_CONTROL_HANDLER, encodeControl({ graft: [idOf(2)] }))).toBe('ok')
  await publish(3)
  await eventually(() => expect(givenTo(met)).toBe(3))
})

it('is not to be pruned by the one that it hears the root by', async () => {
  const met = await meeting()
  expect(await met.says(TREE_HANDLER, frame(1))).toBe('ok')
  expect(await met.says(TREE_CONTROL_HANDLER, encodeControl({ prune: [idOf(1)] }))).toBe('ok')
  await eventually(() => expect(toldTo(met)).toEqual([{ ihave: [], graft: [idOf(1)], prune: [] }]))
})

it('hears no more of a peer than a second allows, and nothing of one that is not ready', async () => {
  const { says } = await meeting()
  const full = encodeControl({ ihave: Array.from({ length: MAX_CONTROL_IDS }, (_, i) => idOf(i)) })
  const answers = new Set<string>()
  for (let i = 0; i < 100; i++) answers.add(await says(TREE_CONTROL_HANDLER, full))
  expect([...answers]).toEqual(['ok', 'rate-limited'])

  const node = await createNode({ handshake: { isReady: () => false } })
  const stranger = await createNode()
  await connect(stranger, node)
  const sent = stranger.unicast?.send(node.peerId, TREE_CONTROL_HANDLER, encodeControl({ ihave: [idOf(1)] }))
  await expect(sent).rejects.toMatchObject({ code: 'not-ready' })
})

it('tells the author that it has what it had to ask the author for', async () => {
  const met = await meeting()
  const { node, raw, says } = met
  const acked: Uint8Array[] = []
  raw.unicast.handle(ACK_HANDLER, (bytes) => void acked.push(bytes))
  expect(await says(TREE_CONTROL_HANDLER, encodeControl({ ihave: [idOf(1)] }))).toBe('ok')
  await eventually(() => expect(toldTo(met)).toHaveLength(1))
  const origin = raw.peerId.toMultihash().bytes
  expect(await says(TREE_HANDLER, frame(1, { origin }))).toBe('ok')
  expect(await says(TREE_HANDLER, frame(2, { origin }))).toBe('ok')
  // Of what came by itself the receipt says it.
  await eventually(() => expect(acked).toEqual([encodeAck([idOf(1)])]))
  expect(node.unicast?.inFlight).toBe(0)
})

it('names its messages as every other strategy does', async () => {
  const { node } = await meeting()
  const delivery = await node.broadcast.publish(TOPIC, new Uint8Array([1]), { strategy: 'tree' })
  expect(delivery.id).toBe(toHex(idOf(1)))
})

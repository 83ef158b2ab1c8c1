import type { BroadcastHandler, UnicastContext, UnicastHandler } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { encodeFrame, type Frame } from '../../src/frame.ts'
import { TREE_CONTROL_HANDLER, TREE_HANDLER } from '../../src/index.ts'
import { messageId } from '../../src/message-id.ts'
import { decodeControl } from '../../src/tree-codec.ts'
import {
  createNode,
  createRawPeer,
  meet,
  PATIENCE_MS,
  type RawPeer,
  type TestNode,
  type TestNodeInit,
  TestPeerManager,
  wireTopic,
} from './nodes.ts'

export const TOPIC = 'orders'
/** No test waits for what tells of messages and asks for them longer than it must. */
export const QUICK = { ihaveDelayMs: 20, graftAfterMs: 50 }

/** A node, and what a peer in its mesh does to it. */
export interface Meeting {
  node: TestNode
  raw: RawPeer
  manager: TestPeerManager
  context: UnicastContext
  /** What the handler of a name says to bytes of the raw peer, or another: `ok`, or the code of the refusal. */
  says: (name: string, bytes: Uint8Array, peer?: PeerId) => Promise<string>
}

/** A node, and a peer in its mesh that sends what it likes. */
export async function meeting(handler: BroadcastHandler = () => 'accept', init: TestNodeInit = {}): Promise<Meeting> {
  const manager = new TestPeerManager()
  const node = await createNode({ ...QUICK, ...init, manager })
  const raw = await createRawPeer()
  raw.unicast.handle(TREE_HANDLER, () => undefined)
  raw.unicast.handle(TREE_CONTROL_HANDLER, () => undefined)
  node.broadcast.subscribe(TOPIC, handler)
  manager.hold(raw.peerId)
  await meet(raw, node, TOPIC)
  const context: UnicastContext = { peer: raw.peerId, lane: 'normal', signal: AbortSignal.timeout(PATIENCE_MS) }
  const says: Meeting['says'] = async (name, bytes, peer = raw.peerId) => {
    const take: UnicastHandler | undefined = node.unicast?.handlers.get(name)
    if (take === undefined) throw new RangeError(`there is no handler of ${name}`)
    try {
      await take(bytes, { ...context, peer })
      return 'ok'
    } catch (err) {
      return err instanceof Error && 'code' in err ? String(err.code) : 'untyped'
    }
  }
  return { node, raw, manager, context, says }
}

/** A frame of the topic with one byte of content. */
export function frame(content: number, changes: Partial<Frame> = {}): Uint8Array {
  const [origin, payload] = [new Uint8Array([7]), new Uint8Array([content])]
  return encodeFrame({
    lane: 'normal',
    isDirected: false,
    origin,
    hops: 0,
    topic: wireTopic(TOPIC),
    payload,
    ...changes,
  })
}

/** Id of the message with one byte of content. */
export function idOf(content: number): Uint8Array {
  return messageId(wireTopic(TOPIC), new Uint8Array([content]))
}

/** What a node has told a raw peer, or another. */
export function toldTo(
  { node, raw }: Meeting,
  { peerId }: { peerId: PeerId } = raw,
): ReturnType<typeof decodeControl>[] {
  const sent = node.unicast?.sent ?? []
  return sent
    .filter(({ peer, name }) => peer === peerId.toString() && name === TREE_CONTROL_HANDLER)
    .map(({ bytes }) => decodeControl(bytes))
}

/** How many messages of the tree a node has sent a raw peer, or another. */
export function givenTo({ node, raw }: Meeting, { peerId }: { peerId: PeerId } = raw): number {
  const sent = node.unicast?.sent ?? []
  return sent.filter(({ peer, name }) => peer === peerId.toString() && name === TREE_HANDLER).length
}

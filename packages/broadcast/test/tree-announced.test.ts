import type { PayloadChunk } from '@gridmesh/chunking'
import type { UnicastHandler } from '@gridmesh/interfaces'
import { afterEach, expect, it, vi } from 'vitest'
import { encodeAck } from '../src/ack-codec.ts'
import { decodeChunkRequest, encodeChunkReply } from '../src/chunk-codec.ts'
import { ACK_HANDLER, CHUNK_HANDLER, TREE_CONTROL_HANDLER, TREE_HANDLER } from '../src/index.ts'
import { encodeControl } from '../src/tree-codec.ts'
import {
  connect,
  createNode,
  createRawPeer,
  eventually,
  meshOf,
  PATIENCE_MS,
  stopNodes,
  wireTopic,
} from './helpers/nodes.ts'
import { peerIds } from './helpers/peer-ids.ts'
import { announce, type Announcement, pattern } from './helpers/payloads.ts'
import { frame, givenTo, meeting, QUICK, TOPIC } from './helpers/tree-meeting.ts'

vi.setConfig({ testTimeout: 2 * PATIENCE_MS })
afterEach(stopNodes)

/** Gives chunks of what was announced. */
function serving(announcement: Announcement): UnicastHandler {
  return (bytes) => {
    const indexes = decodeChunkRequest(bytes)?.indexes ?? []
    return encodeChunkReply(indexes.map((index): PayloadChunk => announcement.split.chunk(index)))
  }
}

it('gives no word of a payload that it keeps no more to who asks for it', async () => {
  const content: Uint8Array[] = []
  const take = (bytes: Uint8Array): 'accept' => {
    content.push(bytes)
    return 'accept'
  }
  const size = 300_000
  const met = await meeting(take, { maxMessageBytes: size, maxRetainedBytes: size })
  const other = await createNode(QUICK)
  await connect(other, met.node)
  const announcements = [1, 2].map((seed) => announce(wireTopic(TOPIC), pattern(size, seed)))
  for (const [i, announcement] of announcements.entries()) {
    met.raw.unicast.unhandle(CHUNK_HANDLER)
    met.raw.unicast.handle(CHUNK_HANDLER, serving(announcement))
    expect(await met.says(TREE_HANDLER, announcement.frame)).toBe('ok')
    await eventually(() => expect(content).toHaveLength(i + 1))
  }
  const graft = announcements.map(({ id }) => id)
  await met.says(TREE_CONTROL_HANDLER, encodeControl({ graft }), other.peerId)
  await eventually(() => expect(givenTo(met, other)).toBeGreaterThan(0))
  expect(givenTo(met, other)).toBe(1)
})

it('passes on what one peer announced and never gave, once another has brought it whole', async () => {
  const met = await meeting()
  const payload = pattern(200_000)
  const announcement = announce(wireTopic(TOPIC), payload)
  const content: Uint8Array[] = []
  const behind = await createNode(QUICK)
  const take = (bytes: Uint8Array): 'accept' => {
    content.push(bytes)
    return 'accept'
  }
  behind.broadcast.subscribe(TOPIC, take)
  await connect(behind, met.node)
  await meshOf(met.node, TOPIC, 2)
  met.raw.unicast.handle(CHUNK_HANDLER, () => new Promise(() => undefined))
  expect(await met.says(TREE_HANDLER, announcement.frame)).toBe('ok')
  await eventually(() => expect(met.node.unicast?.requested).toHaveLength(1))

  const [bringer] = await peerIds(2)
  expect(await met.says(TREE_HANDLER, frame(0, { payload }), bringer)).toBe('ok')
  await eventually(() => expect(content).toHaveLength(1))
  expect(content.map((bytes) => Buffer.compare(bytes, payload))).toEqual([0])
})

it('tells each author that announces the same payload to it that it has it', async () => {
  const met = await meeting()
  const second = await createRawPeer()
  await second.libp2p.dial(met.node.libp2p.getMultiaddrs())
  for (const author of [met.raw, second]) {
    const acked: Uint8Array[] = []
    author.unicast.handle(ACK_HANDLER, (bytes) => void acked.push(bytes))
    const origin = author.peerId.toMultihash().bytes
    const announcement = announce(wireTopic(TOPIC), pattern(300_000), { origin })
    author.unicast.handle(CHUNK_HANDLER, serving(announcement))
    expect(await met.says(TREE_HANDLER, announcement.frame, author.peerId)).toBe('ok')
    await eventually(() => expect(acked).toEqual([encodeAck([announcement.id])]))
  }
})

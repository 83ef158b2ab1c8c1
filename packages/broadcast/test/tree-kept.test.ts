import type { RateVerdict, Verdict } from '@gridmesh/interfaces'
import { afterEach, expect, it, vi } from 'vitest'
import { TREE_CONTROL_HANDLER, TREE_HANDLER } from '../src/index.ts'
import { encodeControl } from '../src/tree-codec.ts'
import { connect, createNode, eventually, PATIENCE_MS, stopNodes, wireTopic } from './helpers/nodes.ts'
import { frame, givenTo, idOf, meeting, QUICK, TOPIC } from './helpers/tree-meeting.ts'

vi.setConfig({ testTimeout: 2 * PATIENCE_MS })
afterEach(stopNodes)

it('keeps its messages whatever it refuses', async () => {
  const met = await meeting(() => 'accept', { maxTreeBytes: 263_024 })
  await met.node.broadcast.publish(TOPIC, new Uint8Array([1]), { strategy: 'tree' })
  await eventually(() => expect(givenTo(met)).toBe(1))
  const unwanted = frame(2, { topic: wireTopic('others'), payload: new Uint8Array(262_140) })
  for (let i = 0; i < 3; i++) expect(await met.says(TREE_HANDLER, unwanted)).toBe('not-subscribed')
  await met.says(TREE_CONTROL_HANDLER, encodeControl({ graft: [idOf(1)] }))
  await eventually(() => expect(givenTo(met)).toBe(2))
})

it('gives a message of which a copy was refused while it was judged', async () => {
  const { promise: verdict, resolve: judge } = Promise.withResolvers<Verdict>()
  const tooMuch: RateVerdict = { ok: false, limit: 'messages', value: 1, retryAfterMs: 1_000 }
  let rate: RateVerdict = { ok: true }
  const rateLimiter = { take: () => rate }
  const met = await meeting(() => verdict, { rateLimiter })
  const other = await createNode(QUICK)
  await connect(other, met.node)
  const first = met.says(TREE_HANDLER, frame(1))
  rate = tooMuch
  expect(await met.says(TREE_HANDLER, frame(1))).toBe('rate-limited')
  judge('accept')
  expect(await first).toBe('ok')
  await met.says(TREE_CONTROL_HANDLER, encodeControl({ graft: [idOf(1)] }), other.peerId)
  await eventually(() => expect(givenTo(met, other)).toBe(1))
})

import type { RateVerdict, Verdict } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { afterEach, expect, it, vi } from 'vitest'
import { MessageRefusedError, TREE_CONTROL_HANDLER, TREE_HANDLER } from '../src/index.ts'
import { encodeControl } from '../src/tree-codec.ts'
import { connect, createNode, eventually, PATIENCE_MS, stopNodes, wireTopic } from './helpers/nodes.ts'
import { frame, givenTo, idOf, meeting, QUICK, toldTo, TOPIC } from './helpers/tree-meeting.ts'

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

it('takes for the first who brought what was accepted, and not who was refused', async () => {
  const tooMuch: RateVerdict = { ok: false, limit: 'messages', value: 1, retryAfterMs: 1_000 }
  const limited = new Set<string>()
  const rateLimiter = { take: (peer: PeerId): RateVerdict => (limited.has(peer.toString()) ? tooMuch : { ok: true }) }
  const met = await meeting(() => 'accept', { rateLimiter })
  const other = await createNode(QUICK)
  await connect(other, met.node)
  limited.add(met.raw.peerId.toString())
  // Both in one turn: the second comes while the first is judged.
  const answers = [met.says(TREE_HANDLER, frame(1)), met.says(TREE_HANDLER, frame(1), other.peerId)]
  expect(await Promise.all(answers)).toEqual(['rate-limited', 'ok'])
  await met.says(TREE_HANDLER, frame(2), other.peerId)
  expect(toldTo(met, other).filter((said) => said?.prune !== undefined)).toEqual([])
})

it.each([
  ['published', true],
  ['passed on', false],
])('tells who was too busy to take what is %s that it is here, so that they ask for it later', async (_, isOwn) => {
  const met = await meeting()
  const other = await createNode(QUICK)
  await connect(other, met.node)
  met.raw.unicast.unhandle(TREE_HANDLER)
  met.raw.unicast.handle(TREE_HANDLER, () => {
    throw new MessageRefusedError('busy')
  })
  if (isOwn) await met.node.broadcast.publish(TOPIC, new Uint8Array([1]), { strategy: 'tree' })
  else await met.says(TREE_HANDLER, frame(1), other.peerId)
  const told = (): Uint8Array[] => toldTo(met).flatMap((said) => said?.ihave ?? [])
  await eventually(() => expect(told()).toContainEqual(idOf(1)))

  await met.says(TREE_CONTROL_HANDLER, encodeControl({ graft: [idOf(1)] }))
  await eventually(() => expect(givenTo(met)).toBe(2))
})

it('does not tell who has refused a message for what it is', async () => {
  const met = await meeting()
  met.raw.unicast.unhandle(TREE_HANDLER)
  met.raw.unicast.handle(TREE_HANDLER, () => {
    throw new MessageRefusedError('rejected')
  })
  const first = await met.node.broadcast.publish(TOPIC, new Uint8Array([1]), { strategy: 'tree' })
  await first.settled()
  met.raw.unicast.unhandle(TREE_HANDLER)
  met.raw.unicast.handle(TREE_HANDLER, () => {
    throw new MessageRefusedError('busy')
  })
  await met.node.broadcast.publish(TOPIC, new Uint8Array([2]), { strategy: 'tree' })
  const told = (): Uint8Array[] => toldTo(met).flatMap((said) => said?.ihave ?? [])
  await eventually(() => expect(told()).toContainEqual(idOf(2)))
  expect(told()).not.toContainEqual(idOf(1))
})

import { setImmediate as nextTurn } from 'node:timers/promises'
import { TopicValidatorResult } from '@libp2p/gossipsub'
import { type PeerId, stop } from '@libp2p/interface'
import { afterEach, expect, it } from 'vitest'
import { encodeFrame } from '../src/frame.ts'
import { createNode, eventually, stopNodes, wireTopic } from './helpers/nodes.ts'
import { peerIds } from './helpers/peer-ids.ts'
import { TestRouter } from './helpers/test-router.ts'

const BROKEN = 'broken'

/** A router that passes on what it is told to, as gossipsub does: to all but those who brought a copy until then. */
class ToldRouter extends TestRouter {
  readonly reports: [id: string, from: string, result: TopicValidatorResult][] = []

  reportMessageValidationResult(id: string, from: string, result: TopicValidatorResult): void {
    if (id === BROKEN) throw new TypeError('it does not go out')
    this.reports.push([id, from, result])
  }

  /** Says that the validator accepted a message. */
  accepted(msgId: string, propagationSource: PeerId): void {
    const msg = { type: 'unsigned', topic: wireTopic('orders'), data: new Uint8Array() } as const
    this.dispatchEvent(new CustomEvent('gossipsub:message', { detail: { msgId, propagationSource, msg } }))
  }
}

afterEach(stopNodes)

it('has a message passed on once all that came in the same turn is read, each once', async () => {
  const router = new ToldRouter()
  await createNode({ gossip: (_, options) => Object.assign(router, { options }) })
  expect(router.options.asyncValidation).toBe(true)
  const [first, second] = await peerIds(2)

  router.accepted('a', first)
  await Promise.resolve()
  router.accepted('b', second)
  expect(router.reports).toEqual([])
  await nextTurn()
  const { Accept } = TopicValidatorResult
  const both = [
    ['a', String(first), Accept],
    ['b', String(second), Accept],
  ]
  expect(router.reports).toEqual(both)

  router.accepted('c', first)
  await nextTurn()
  expect(router.reports).toEqual([...both, ['c', String(first), Accept]])
})

it('has passed on what it accepted when it is stopped, and nothing later', async () => {
  const router = new ToldRouter()
  const node = await createNode({ gossip: () => router })
  const [peer] = await peerIds(2)

  router.accepted('a', peer)
  await stop(node.broadcast)
  router.accepted('b', peer)
  await nextTurn()
  expect(router.reports.map(([id]) => id)).toEqual(['a'])
})

it('passes on the others where one does not go out', async () => {
  const router = new ToldRouter()
  await createNode({ gossip: () => router })
  const [peer] = await peerIds(2)

  for (const id of ['a', BROKEN, 'b']) router.accepted(id, peer)
  await nextTurn()
  expect(router.reports.map(([id]) => id)).toEqual(['a', 'b'])
})

it('goes on with the next where the router does not keep what is passed on later', async () => {
  const router = new ToldRouter()
  const kept: string[] = []
  const mcache = {
    put({ msgIdStr }: { msgIdStr: string }): boolean {
      if (kept.push(msgIdStr) === 1) throw new TypeError('it is not kept')
      return true
    },
  }
  const node = await createNode({ gossip: (_, options) => Object.assign(router, { options, mcache }) })
  let calls = 0
  node.broadcast.subscribe('orders', () => (calls++ < 2 ? 'busy' : 'accept'))
  const [peer] = await peerIds(2)
  const origin = peer.toMultihash().bytes
  for (const content of [1, 2]) {
    const payload = Uint8Array.of(content)
    const data = encodeFrame({ lane: 'normal', isDirected: false, origin, hops: 0, topic: '', payload })
    expect(await router.validate(peer, wireTopic('orders'), data)).toBe(TopicValidatorResult.Ignore)
  }
  await eventually(() => expect(router.reports).toHaveLength(1))
  expect(kept).toHaveLength(2)
  expect(router.reports.map(([id]) => id)).toEqual(kept.slice(1))
})

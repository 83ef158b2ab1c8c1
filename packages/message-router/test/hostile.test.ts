import type { BroadcastAnswer, Lane } from '@gridmesh/interfaces'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { bytesCodec, defineMessage } from '../src/index.ts'
import type { MessageRouterInit } from '../src/index.ts'
import { encodeBatch, encodeReply } from '../src/wire.ts'
import { FakeEnvelope, FakeEnvelopeError, sealAs } from './support/fake-envelope.ts'
import { FakeNetwork } from './support/fake-network.ts'
import { alarm, order, quote, randomPeerId, startNode, startPair, vote } from './support/setup.ts'
import type { TestNode } from './support/setup.ts'

const unhandled: unknown[] = []
const onUnhandled = (err: unknown): void => void unhandled.push(err)
beforeEach(() => process.on('unhandledRejection', onUnhandled))
afterEach(() => {
  process.off('unhandledRejection', onUnhandled)
  expect(unhandled).toEqual([])
})

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const value = text('{"price":1}')
let sequence = 1_000n

/** A node with handlers, and what a hostile peer can do to it. */
async function target(init: MessageRouterInit = {}): Promise<{
  node: TestNode
  mallory: Awaited<ReturnType<typeof randomPeerId>>
  handled: number[]
  publish: (payload: Uint8Array, kind?: string) => Promise<string | undefined>
  send: (payload: Uint8Array, kind?: string, name?: string) => Promise<unknown>
}> {
  const node = await startNode(init)
  const mallory = await randomPeerId()
  const handled: number[] = []
  node.router.on(order, ({ price }) => void handled.push(price))
  node.router.respond(quote, (each) => each)
  const seal = (payload: Uint8Array, kind: string): Uint8Array =>
    sealAs(mallory, sequence++, { kind, lane: 'normal', payload })
  return {
    node,
    mallory,
    handled,
    publish: (payload, kind = 'order') => node.carriers.bring(mallory, 'order', seal(payload, kind)),
    send: async (payload, kind = 'order', name = 'message') => {
      try {
        await node.carriers.take(mallory, name, seal(payload, kind))
        return 'taken'
      } catch (err) {
        return err instanceof Error && 'code' in err ? err.code : err
      }
    },
  }
}

it('rejects garbage from either carrier and blames whoever brought it once', async () => {
  const { node, mallory } = await target()
  expect(await node.carriers.bring(mallory, 'order', text('garbage'))).toBe('reject')
  // The carrier charges for a rejected broadcast.
  expect(node.peerManager.reports).toEqual([])
  await expect(node.carriers.take(mallory, 'message', text('garbage'))).rejects.toMatchObject({ code: 'malformed' })
  await expect(node.carriers.take(mallory, 'request', text('garbage'))).rejects.toMatchObject({ code: 'malformed' })
  expect(node.peerManager.reports.map(({ peer, report }) => [peer, report.class])).toEqual([
    [mallory.toString(), 'protocol-violation'],
    [mallory.toString(), 'protocol-violation'],
  ])
  expect(node.refused.map(({ kind, code }) => [kind, code])).toEqual([
    ['order', 'malformed'],
    ['?', 'malformed'],
    ['?', 'malformed'],
  ])
})

it('never throws anything untyped and never hands a byte of noise to a handler', async () => {
  const { node, mallory, publish, send, handled } = await target()
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (noise) => {
      expect(await node.carriers.bring(mallory, 'order', noise)).toBe('reject')
      expect(await publish(noise)).toBe('reject')
      expect(['malformed', 'invalid', 'wrong-recipient', 'too-large']).toContain(await send(noise))
      expect(['malformed', 'invalid', 'wrong-recipient', 'too-large']).toContain(await send(noise, 'quote', 'request'))
    }),
    { numRuns: 300 },
  )
  expect(handled).toEqual([])
  expect(node.router.stats().kinds.get('order')?.errors['internal']).toBeUndefined()
})

it('reports a forged signature to whoever passed it on, beside the rejection', async () => {
  const { node, mallory } = await target()
  const alice = await randomPeerId()
  const forged = JSON.parse(
    new TextDecoder().decode(sealAs(alice, 1n, { kind: 'order', lane: 'normal', payload: encodeBatch([value]) })),
  )
  const bytes = text(JSON.stringify({ ...forged, seal: '00' }))
  expect(await node.carriers.bring(mallory, 'order', bytes)).toBe('reject')
  expect(node.peerManager.reports.map(({ peer, report }) => [peer, report.class])).toEqual([
    [mallory.toString(), 'invalid-signature'],
  ])
})

it('ignores a replay, and blames nobody for it', async () => {
  const { node, mallory } = await target()
  const bytes = sealAs(mallory, 1n, { kind: 'order', lane: 'normal', payload: encodeBatch([value]) })
  expect(await node.carriers.bring(mallory, 'order', bytes)).toBe('accept')
  expect(await node.carriers.bring(mallory, 'order', bytes)).toBe('ignore')
  expect(node.peerManager.reports).toEqual([])
})

it('ignores a kind that nobody handles, and one on the topic of another', async () => {
  const { node, publish, send } = await target()
  node.router.on(vote, () => {})
  expect(await publish(encodeBatch([value]), 'vote')).toBe('ignore')
  expect(await send(encodeBatch([value], node.peerId.toMultihash().bytes), 'nonesuch')).toBe('unknown-kind')
  expect(node.peerManager.reports).toEqual([])
})

it('refuses a message over the maxBytes of its kind, and a batch over its bounds', async () => {
  const { node, publish, handled } = await target({ maxBatchBytes: 10_000 })
  expect(await publish(encodeBatch([text(`{"price":1${' '.repeat(1_014)}}`)]))).toBe('reject')
  expect(await publish(encodeBatch([text(`{"price":1${' '.repeat(1_013)}}`)]))).toBe('accept')
  expect(await publish(encodeBatch(Array.from({ length: 12 }, () => new Uint8Array(1_000))))).toBe('reject')
  expect(node.router.stats().kinds.get('order')?.errors).toEqual({ 'too-large': 2 })
  await vi.waitFor(() => expect(handled).toEqual([1]))
})

it('has a payload that no message of its kind can have refused before its seal is looked at', async () => {
  const { node, mallory, publish } = await target({ maxBatchBytes: 2_000, maxReplyBytes: 100 })
  const largest = encodeBatch([new Uint8Array(1_000), new Uint8Array(1_000), new Uint8Array(60)])
  expect(largest.byteLength).toBeGreaterThan(2_000 + 64)
  const forged = JSON.parse(
    new TextDecoder().decode(sealAs(mallory, 1n, { kind: 'order', lane: 'normal', payload: largest })),
  )
  await node.carriers.bring(mallory, 'order', text(JSON.stringify({ ...forged, seal: '00' })))
  expect(node.refused).toMatchObject([{ kind: 'order', code: 'too-large' }])
  // Of an answer, too.
  const reply = encodeReply(new Uint8Array(32), new Uint8Array(150))
  const network = new FakeNetwork()
  const [alice, bob] = [await startNode({ network, maxReplyBytes: 100 }), await startNode({ network })]
  bob.carriers.handlers.set('request', async () => {
    const answer = sealAs(bob.peerId, 1n, { kind: 'quote:reply', lane: 'normal', payload: reply })
    return text(JSON.stringify({ ...JSON.parse(new TextDecoder().decode(answer)), seal: '00' }))
  })
  await expect(alice.router.request(bob.peerId, quote, { price: 1 })).rejects.toMatchObject({ code: 'too-large' })
  expect(await publish(encodeBatch([value]))).toBe('accept')
})

it('refuses a truncated batch at every length', async () => {
  const { publish, handled } = await target()
  const whole = encodeBatch([value, value])
  for (let length = 0; length < whole.length; length++) {
    const verdict = await publish(whole.subarray(0, length))
    // Cut between its messages it is a whole batch of the first.
    expect(verdict).toBe(length === whole.length / 2 ? 'accept' : 'reject')
  }
  await vi.waitFor(() => expect(handled).toEqual([1]))
})

it('refuses a batch of 100,000 empty messages without decoding them', async () => {
  const decode = vi.fn<() => Uint8Array>(() => value)
  const counted = defineMessage({ kind: 'counted', codec: { encode: (each: Uint8Array) => each, decode } })
  const node = await startNode()
  const mallory = await randomPeerId()
  node.router.on(counted, () => {})
  for (const count of [100_000, 30_000, 1_025]) {
    const payload = encodeBatch(Array.from({ length: count }, () => new Uint8Array()))
    const bytes = sealAs(mallory, sequence++, { kind: 'counted', lane: 'normal', payload })
    expect(await node.carriers.bring(mallory, 'counted', bytes)).toBe('reject')
  }
  expect(decode).not.toHaveBeenCalled()
  const payload = encodeBatch(Array.from({ length: 1_024 }, () => new Uint8Array()))
  const bytes = sealAs(mallory, sequence++, { kind: 'counted', lane: 'normal', payload })
  expect(await node.carriers.bring(mallory, 'counted', bytes)).toBe('accept')
  expect(decode).toHaveBeenCalledTimes(1_024)
  await node.router.stop()
})

it('refuses an empty batch', async () => {
  const { publish, send, node } = await target()
  expect(await publish(new Uint8Array())).toBe('reject')
  expect(await send(encodeBatch([], node.peerId.toMultihash().bytes))).toBe('malformed')
})

it('refuses what is meant for another, or for all, or for one where all were expected', async () => {
  const { node, mallory, publish, send } = await target()
  const [us, them] = [node.peerId.toMultihash().bytes, mallory.toMultihash().bytes]
  expect(await send(encodeBatch([value], them))).toBe('wrong-recipient')
  expect(await send(encodeBatch([value]))).toBe('wrong-recipient')
  expect(await publish(encodeBatch([value], us))).toBe('reject')
  expect(await send(encodeBatch([value, value], us))).toBe('malformed')
  expect(await send(encodeBatch([value], us))).toBe('taken')
})

it('refuses a unicast that another peer has signed', async () => {
  const { node, mallory } = await target()
  const alice = await randomPeerId()
  const payload = encodeBatch([value], node.peerId.toMultihash().bytes)
  const bytes = sealAs(alice, 1n, { kind: 'order', lane: 'normal', payload })
  await expect(node.carriers.take(mallory, 'message', bytes)).rejects.toMatchObject({ code: 'unexpected-sender' })
})

it('refuses the honest answer to another request, garbage for an answer and an answer of another kind', async () => {
  const [alice, bob] = await startPair()
  const request = text('an earlier request')
  const reply = (kind: string, payload: Uint8Array): Uint8Array =>
    sealAs(bob.peerId, sequence++, { kind, lane: 'normal', payload })
  const answers: [Uint8Array, string][] = [
    [reply('quote:reply', encodeReply(request, value)), 'wrong-reply'],
    [reply('quote:reply', new Uint8Array([0xff])), 'malformed'],
    [reply('order:reply', encodeReply(request, value)), 'unknown-kind'],
    [text('garbage'), 'malformed'],
    [sealAs(alice.peerId, sequence++, { kind: 'quote:reply', lane: 'normal', payload: value }), 'unexpected-sender'],
  ]
  for (const [answer, code] of answers) {
    bob.carriers.handlers.set('request', async () => answer)
    await expect(alice.router.request(bob.peerId, quote, { price: 1 })).rejects.toMatchObject({ code })
  }
  expect(alice.router.stats().peers.get(bob.peerId.toString())?.get('quote')?.errors).toEqual({
    'wrong-reply': 1,
    malformed: 2,
    'unknown-kind': 1,
    'unexpected-sender': 1,
  })
})

it('goes on while handlers hang, and never runs more than maxRunning of them', async () => {
  const { node, publish, handled } = await target({
    maxRunning: { high: 2 },
    maxQueued: { high: 4 },
    stopTimeoutMs: 10,
  })
  let running = 0
  node.router.on(vote, () => {
    running++
    return new Promise(() => {})
  })
  const mallory = await randomPeerId()
  for (let id = 0; id < 20; id++) {
    const bytes = sealAs(mallory, sequence++, { kind: 'vote', lane: 'high', payload: encodeBatch([value]) })
    await node.carriers.bring(mallory, 'vote', bytes)
  }
  await publish(encodeBatch([value]))
  await vi.waitFor(() => expect(handled).toEqual([1]))
  expect(running).toBe(2)
  expect(node.router.stats().kinds.get('vote')?.dropped).toBe(16)
  await node.router.stop()
  expect(node.router.stats().kinds.get('vote')?.dropped).toBe(18)
})

it('survives validators and codecs that throw, and blames nobody for the validator', async () => {
  const { node, mallory } = await target()
  node.router.on(vote, () => {}, {
    validate: () => {
      throw new TypeError('bug')
    },
  })
  const bytes = sealAs(mallory, 1n, { kind: 'vote', lane: 'high', payload: encodeBatch([value]) })
  expect(await node.carriers.bring(mallory, 'vote', bytes)).toBe('ignore')
  expect(node.router.stats().kinds.get('vote')?.errors).toEqual({ 'validator-threw': 1 })
  expect(node.peerManager.reports).toEqual([])
})

it('opens no more than maxOpening envelopes at once over an asynchronous signer', async () => {
  const node = await startNode({ isAsync: true, maxOpening: 3 })
  const mallory = await randomPeerId()
  node.router.on(vote, () => {})
  const verdicts = Array.from({ length: 10 }, () => {
    const bytes = sealAs(mallory, sequence++, { kind: 'vote', lane: 'high', payload: encodeBatch([value]) })
    return node.carriers.bring(mallory, 'vote', bytes)
  })
  const answers = await Promise.all(verdicts)
  expect(answers.filter((answer) => answer === 'accept')).toHaveLength(3)
  expect(answers.filter((answer) => answer === 'busy')).toHaveLength(7)
  expect(node.dropped).toHaveLength(7)
})

it.each([
  ['busy', 'busy'],
  ['sender-limit', 'busy'],
  ['not-started', 'busy'],
  ['signer-failed', 'busy'],
  ['replay', 'ignore'],
  ['clock-skew', 'ignore'],
  ['unknown-kind', 'ignore'],
])('answers a broadcast that its envelope refuses as %s with %s', async (code, answer) => {
  const node = await startNode()
  node.router.on(vote, () => {})
  const open = vi.spyOn(FakeEnvelope.prototype, 'open').mockImplementation(() => {
    throw new FakeEnvelopeError(code, 'absent')
  })
  expect(await node.carriers.bring(await randomPeerId(), 'vote', value)).toBe(answer)
  open.mockRestore()
  expect(node.peerManager.reports).toEqual([])
})

it('opens critical envelopes while all places of the other lanes are taken', async () => {
  const node = await startNode({ isAsync: true, maxOpening: 3 })
  const mallory = await randomPeerId()
  node.router.on(vote, () => {})
  node.router.on(alarm, () => {})
  const bring = (kind: string, lane: Lane): Promise<BroadcastAnswer | undefined> =>
    node.carriers.bring(mallory, kind, sealAs(mallory, sequence++, { kind, lane, payload: encodeBatch([value]) }))
  const votes = Array.from({ length: 10 }, () => bring('vote', 'high'))
  expect(await bring('alarm', 'critical')).toBe('accept')
  expect((await Promise.all(votes)).filter((verdict) => verdict === 'accept')).toHaveLength(3)
})

it('has room for whoever sends little, by either carrier, though one author fills the lane with few envelopes', async () => {
  const network = new FakeNetwork()
  const bob = await startNode({ network, maxQueued: { normal: 100 } })
  const alice = await startNode({ network, batchDelayMs: 0 })
  const mallory = await randomPeerId()
  const handled: [isAlice: boolean, price: number][] = []
  bob.router.on(order, ({ price }, { sender }) => void handled.push([sender.equals(alice.peerId), price]))

  const many = encodeBatch(Array.from({ length: 100 }, () => value))
  for (let sent = 0; sent < 3; sent++) {
    const bytes = sealAs(mallory, sequence++, { kind: 'order', lane: 'normal', payload: many })
    expect(await bob.carriers.bring(mallory, 'order', bytes)).toBe('accept')
  }
  expect(bob.dropped).toHaveLength(200)
  await alice.router.send(bob.peerId, order, { price: 2 })
  await alice.router.broadcast(order, { price: 3 })
  expect(bob.dropped.slice(200)).toEqual(
    Array.from({ length: 2 }, () => ({ kind: 'order', lane: 'normal', reason: 'queue-full' })),
  )
  await vi.waitFor(() => expect(handled).toHaveLength(100))
  expect(handled.filter(([isAlice]) => isAlice)).toEqual([
    [true, 2],
    [true, 3],
  ])
  // By turns: nobody waits for all that another has sent.
  expect(handled.findIndex(([isAlice]) => isAlice)).toBeLessThan(2)
})

it('has room for whoever sends little, though one author takes all of maxQueuedBytes with few messages', async () => {
  const network = new FakeNetwork()
  const bob = await startNode({ network, maxQueuedBytes: 10_000 })
  const alice = await startNode({ network })
  const mallory = await randomPeerId()
  const note = defineMessage({ kind: 'note', codec: bytesCodec, maxBytes: 5_000 })
  const handled: boolean[] = []
  bob.router.on(note, (_, { sender }) => void handled.push(sender.equals(alice.peerId)))

  for (let sent = 0; sent < 3; sent++) {
    const payload = encodeBatch([new Uint8Array(5_000)])
    const bytes = sealAs(mallory, sequence++, { kind: 'note', lane: 'normal', payload })
    expect(await bob.carriers.bring(mallory, 'note', bytes)).toBe('accept')
  }
  await alice.router.send(bob.peerId, note, new Uint8Array(100))
  expect(bob.dropped).toEqual([
    { kind: 'note', lane: 'normal', reason: 'queue-full' },
    { kind: 'note', lane: 'normal', reason: 'evicted' },
  ])
  await vi.waitFor(() => expect(handled).toEqual([false, true]))
})

it('tells a requester that its place in a full lane went to another', async () => {
  const network = new FakeNetwork()
  const bob = await startNode({ network, maxQueued: { normal: 2 }, maxRunning: { normal: 1 } })
  const [alice, carol] = [await startNode({ network }), await startNode({ network })]
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const { promise: started, resolve: start } = Promise.withResolvers<void>()
  bob.router.respond(quote, async (each) => {
    start()
    await gate
    return each
  })
  const ask = (node: TestNode, price: number): Promise<unknown> =>
    node.router.request(bob.peerId, quote, { price }).catch((err: unknown) => err)
  const running = ask(alice, 1)
  await started
  const kept = ask(alice, 2)
  const displaced = ask(alice, 3)
  await vi.waitFor(() => expect(bob.router.stats().queued.normal).toBe(2))
  const other = ask(carol, 4)
  expect(await displaced).toMatchObject({ code: 'queue-full', limit: 'maxQueued.normal', value: 2 })
  open()
  expect(await Promise.all([running, kept, other])).toEqual([{ price: 1 }, { price: 2 }, { price: 4 }])
})

it('disconnects where the policy says so, and says why', async () => {
  const { node, mallory, send } = await target({
    policies: { invalid: { action: 'disconnect', class: 'provable-lie' } },
  })
  const self = node.peerId.toMultihash().bytes
  expect(await send(encodeBatch([text('{"price":"high"}')], self))).toBe('invalid')
  expect(node.peerManager.reports[0]?.report.class).toBe('provable-lie')
  expect(node.peerManager.disconnects).toMatchObject([{ peer: mallory.toString(), reason: { code: 'invalid' } }])
  expect(node.peerManager.disconnects[0]?.reason.message).toContain('At price: expected a number')
  expect(node.peerManager.disconnects[0]?.reason.limit).toBe('policies.invalid')
})

it('disconnects with the limit that a message was over, and its value', async () => {
  const { node, publish } = await target({ policies: { 'too-large': { action: 'disconnect' } }, maxBatchBytes: 4_096 })
  await publish(encodeBatch([new Uint8Array(1_025), value]))
  expect(node.peerManager.disconnects).toMatchObject([
    { reason: { code: 'too-large', limit: 'maxBytes.order', value: 1_024 } },
  ])
})

it('keeps the errors of one peer out of the statistics and the service of another', async () => {
  const network = new FakeNetwork()
  const [bob, alice] = [await startNode({ network }), await startNode({ network })]
  const mallory = await randomPeerId()
  const prices: number[] = []
  bob.router.on(order, ({ price }) => void prices.push(price))
  for (let price = 0; price < 20; price++) {
    await bob.carriers.take(mallory, 'message', text('garbage')).catch(() => {})
    await bob.carriers.bring(mallory, 'order', text('garbage'))
    await alice.router.send(bob.peerId, order, { price })
  }
  await vi.waitFor(() => expect(prices).toHaveLength(20))
  const { peers } = bob.router.stats()
  expect(peers.get(alice.peerId.toString())?.get('order')).toEqual({ in: 20, out: 0, dropped: 0, errors: {} })
  expect(peers.get(mallory.toString())?.get('order')?.errors).toEqual({ malformed: 20 })
})

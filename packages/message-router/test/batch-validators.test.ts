import type { MessageContext, Verdict } from '@gridmesh/interfaces'
import { expect, it, vi } from 'vitest'
import { quote, order, startPair } from './support/setup.ts'

const publish = async (
  router: { broadcast(kind: typeof order, value: { price: number }): Promise<unknown> },
  count: number,
): Promise<void> => {
  await Promise.all(Array.from({ length: count }, (_, price) => router.broadcast(order, { price })))
}

it.each(['accept', 'ignore', 'reject'] satisfies Verdict[])(
  'asks the validator of batches once for all messages of a broadcast, which %s together',
  async (verdict) => {
    const [alice, bob] = await startPair()
    const asked: number[][] = []
    const handled: number[] = []
    const contexts: MessageContext[] = []
    bob.router.on(order, ({ price }) => void handled.push(price), {
      validate: () => 'reject',
      validateBatch: async (orders, context) => {
        contexts.push(context)
        asked.push(orders.map(({ price }) => price))
        return verdict
      },
    })
    await publish(alice.router, 3)
    expect(asked).toEqual([[0, 1, 2]])
    expect(contexts[0]).toMatchObject({ kind: 'order', lane: 'normal', via: 'broadcast', sequence: 1n })
    expect(bob.carriers.verdicts).toEqual([verdict])
    await vi.waitFor(() => expect(handled).toEqual(verdict === 'accept' ? [0, 1, 2] : []))
    expect(bob.router.stats().kinds.get('order')?.in ?? 0).toBe(verdict === 'accept' ? 3 : 0)
    expect(bob.refused.map(({ code }) => code)).toEqual(verdict === 'reject' ? ['invalid'] : [])
  },
)

it('asks the other validator of what comes alone', async () => {
  const [alice, bob] = await startPair()
  const handled: number[] = []
  bob.router.on(order, ({ price }) => void handled.push(price), {
    validate: ({ price }) => (price === 1 ? 'accept' : 'ignore'),
    validateBatch: () => 'reject',
  })
  await alice.router.send(bob.peerId, order, { price: 1 })
  await expect(alice.router.send(bob.peerId, order, { price: 2 })).rejects.toThrow('not wanted')
  await vi.waitFor(() => expect(handled).toEqual([1]))
})

it('refuses a batch of which one message is no value, and asks nobody', async () => {
  const [alice, bob] = await startPair()
  let asked = 0
  bob.router.on(order, () => {}, {
    validateBatch: () => {
      asked++
      return 'accept'
    },
  })
  const wrong = { ...order, codec: { ...order.codec, encode: () => new TextEncoder().encode('{"price":"no"}') } }
  await Promise.all([alice.router.broadcast(order, { price: 1 }), alice.router.broadcast(wrong, { price: 2 })])
  expect([bob.carriers.verdicts, asked]).toEqual([['reject'], 0])
})

it('takes a validator of batches that throws or rejects for its own fault, and blames nobody', async () => {
  for (const fail of [() => Promise.reject(new RangeError('no')), () => JSON.parse('no')]) {
    const [alice, bob] = await startPair()
    bob.router.on(order, () => {}, { validateBatch: fail })
    await publish(alice.router, 2)
    expect(bob.carriers.verdicts).toEqual(['ignore'])
    expect(bob.refused).toMatchObject([{ code: 'validator-threw' }])
    expect(bob.peerManager.reports).toEqual([])
  }
})

it('calls the handler with each, also after one that threw, and tells of the first failure', async () => {
  const [alice, bob] = await startPair()
  const handled: number[] = []
  bob.router.on(
    order,
    ({ price }) => {
      handled.push(price)
      if (price < 2) throw new RangeError(`handler ${price}`)
    },
    { validateBatch: () => 'accept' },
  )
  await publish(alice.router, 3)
  await vi.waitFor(() => expect(handled).toEqual([0, 1, 2]))
  await vi.waitFor(() => expect(bob.router.stats().kinds.get('order')?.errors).toEqual({ 'handler-threw': 1 }))
})

it('gives a batch one place in the queue, and counts all of its messages where there is none', async () => {
  const [alice, bob] = await startPair({ maxQueued: { normal: 1 }, maxBatchHoldMs: 0 })
  const gate = Promise.withResolvers<Verdict>()
  bob.router.on(order, () => {}, { validateBatch: () => gate.promise })
  const published = [publish(alice.router, 3)]
  await vi.waitFor(() => expect(alice.carriers.published).toHaveLength(1))
  published.push(publish(alice.router, 4))
  await vi.waitFor(() => expect(alice.carriers.published).toHaveLength(2))
  gate.resolve('accept')
  await Promise.all(published)
  expect(bob.carriers.verdicts).toEqual(['accept', 'accept'])
  expect(bob.router.stats().kinds.get('order')).toMatchObject({ in: 3, dropped: 4 })
})

it('answers requests as before: they come alone', async () => {
  const [alice, bob] = await startPair()
  bob.router.respond(quote, ({ price }) => ({ price: price + 1 }), { validateBatch: () => 'reject' })
  expect(await alice.router.request(bob.peerId, quote, { price: 1 })).toEqual({ price: 2 })
})

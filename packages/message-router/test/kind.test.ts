import { expect, expectTypeOf, it } from 'vitest'
import type { Delivery, MessageContext, MessageKind, Messages, RequestKind } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { bytesCodec, defineMessage, defineRequest, jsonCodec } from '../src/index.ts'
import { orderCodec } from './support/setup.ts'
import type { Order } from './support/setup.ts'

it('freezes a kind and fills in lane and size', () => {
  const kind = defineMessage({ kind: 'meter-reading-2', codec: bytesCodec })
  expect(kind).toMatchObject({ kind: 'meter-reading-2', lane: 'normal', maxBytes: 65_536 })
  expect(Object.isFrozen(kind)).toBe(true)
  expect(Object.isFrozen(defineRequest({ kind: 'a', codec: bytesCodec, reply: bytesCodec }))).toBe(true)
})

it('takes a name of 64 characters and none of 65', () => {
  expect(defineMessage({ kind: 'k'.repeat(64), codec: bytesCodec }).kind).toHaveLength(64)
  expect(() => defineMessage({ kind: 'k'.repeat(65), codec: bytesCodec })).toThrow(RangeError)
})

it.each(['', 'Order', 'energy_order', '-order', 'order-', 'a--b', 'order:reply', '1st', 'ördér', 'a b', 'a\n'])(
  'refuses the name %j',
  (kind) => {
    expect(() => defineMessage({ kind, codec: bytesCodec })).toThrow(JSON.stringify(kind))
  },
)

it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a size of %d', (maxBytes) => {
  expect(() => defineRequest({ kind: 'a', codec: bytesCodec, reply: bytesCodec, maxBytes })).toThrow(
    `maxBytes ${maxBytes}`,
  )
})

it('takes a pace of up to a minute, and has none unless it is given', () => {
  expect(defineMessage({ kind: 'a', codec: bytesCodec, paceMs: 60_000 }).paceMs).toBe(60_000)
  expect(defineMessage({ kind: 'a', codec: bytesCodec })).not.toHaveProperty('paceMs')
  for (const paceMs of [-1, 60_001, Number.NaN]) {
    expect(() => defineMessage({ kind: 'a', codec: bytesCodec, paceMs })).toThrow(`paceMs ${paceMs}`)
  }
})

it('carries its types from the codec to sender and handler', () => {
  const order = defineMessage({ kind: 'order', codec: orderCodec })
  const count = defineRequest({ kind: 'count', codec: orderCodec, reply: jsonCodec(Number) })
  expectTypeOf(order).toEqualTypeOf<MessageKind<Order>>()
  expectTypeOf(count).toEqualTypeOf<RequestKind<Order, number>>()

  // Never called: the compiler is what tests it.
  const check = (messages: Messages, peer: PeerId): void => {
    messages.on(order, (value, context) => {
      expectTypeOf(value).toEqualTypeOf<Order>()
      expectTypeOf(context).toEqualTypeOf<MessageContext>()
    })
    messages.respond(count, (value) => value.price)
    expectTypeOf(messages.request(peer, count, { price: 1 })).toEqualTypeOf<Promise<number>>()
    expectTypeOf(messages.broadcast(order, { price: 1 })).toEqualTypeOf<Promise<Delivery>>()
    // @ts-expect-error a price is a number
    void messages.broadcast(order, { price: '1' })
    // @ts-expect-error an order has a price
    void messages.send(peer, order, {})
    // @ts-expect-error the answer is a number
    messages.respond(count, () => 'three')
    // @ts-expect-error a kind without answer cannot be requested
    void messages.request(peer, order, { price: 1 })
    // @ts-expect-error the handler takes an order
    messages.on(order, (value: string) => void value)
  }
  expect(check).toBeTypeOf('function')
})

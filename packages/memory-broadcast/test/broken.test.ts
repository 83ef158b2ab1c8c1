import type { Broadcast, Delivery } from '@gridmesh/interfaces'
import { broadcastConformance } from '@gridmesh/interfaces/conformance'
import { expect, it } from 'vitest'
import { harness } from './harness.ts'

/** A broadcast with some of its methods replaced. */
function changed(broadcast: Broadcast, changes: Partial<Broadcast>): Broadcast {
  return {
    subscribe: (topic, handler) => broadcast.subscribe(topic, handler),
    publish: async (topic, bytes, options) => broadcast.publish(topic, bytes, options),
    ...changes,
  }
}

/** A broadcast whose deliveries have something replaced. */
function delivering(broadcast: Broadcast, change: (delivery: Delivery) => Partial<Delivery>): Broadcast {
  return changed(broadcast, {
    publish: async (topic, bytes, options) => {
      const delivery = await broadcast.publish(topic, bytes, options)
      const { id, peers, successRate } = delivery
      return { id, peers, successRate, confirmed: (k, rest) => delivery.confirmed(k, rest), ...change(delivery) }
    },
  })
}

const BROKEN: [fault: string, broken: (broadcast: Broadcast) => Broadcast, caught: string][] = [
  [
    'delivers twice',
    (one) =>
      changed(one, {
        subscribe: (topic, handler) =>
          one.subscribe(topic, async (bytes, context) => {
            await handler(bytes, context)
            return handler(bytes, context)
          }),
      }),
    'gossip reaches each subscriber once, saying whence, by which topic and how',
  ],
  [
    'knows no promise but its own',
    (one) =>
      changed(one, {
        subscribe: (topic, handler) =>
          one.subscribe(topic, (bytes, context) => {
            const answer = handler(bytes, context)
            return typeof answer === 'string' || answer instanceof Promise ? answer : 'ignore'
          }),
      }),
    'gossip waits for a verdict that is promised by another realm',
  ],
  [
    'remembers what lost its handler',
    (one) => {
      const lost = new Set<string>()
      return changed(one, {
        subscribe: (topic, handler) => {
          let isOver = false
          const unsubscribe = one.subscribe(topic, (bytes, context) => {
            if (isOver) lost.add(context.id)
            return lost.has(context.id) ? 'ignore' : handler(bytes, context)
          })
          return () => {
            isOver = true
            void Promise.resolve().then(unsubscribe)
          }
        },
      })
    },
    'flood has a message judged anew that lost its handler on the way',
  ],
  [
    'loses an outcome',
    (one) => delivering(one, ({ peers }) => ({ peers: new Map([...peers].slice(1)) })),
    'directed gives each named peer one outcome, and a reason where it was dropped',
  ],
  [
    'swallows the abort of a wait',
    (one) => delivering(one, (delivery) => ({ confirmed: (k) => delivery.confirmed(k) })),
    'gossip gives up waiting for confirmations when the signal aborts',
  ],
  [
    'waits for confirmations for ever',
    (one) =>
      delivering(one, () => ({ confirmed: (k) => (k === 0 ? Promise.resolve(0) : new Promise(() => undefined)) })),
    'gossip ends the wait for confirmations that do not come with a TimeoutError',
  ],
  [
    'confirms what nobody has confirmed',
    (one) => delivering(one, () => ({ confirmed: async (k) => k })),
    'gossip ends the wait for confirmations that do not come with a TimeoutError',
  ],
  [
    'sends to everybody what is for some',
    (one) =>
      changed(one, {
        publish: (topic, bytes) => one.publish(topic, bytes, { strategy: 'flood' }),
      }),
    'directed reaches the named peers and nobody else',
  ],
  [
    'throws where there is no peer',
    (one) =>
      changed(one, {
        publish: async (...args) => {
          const delivery = await one.publish(...args)
          if (delivery.peers.size === 0) throw new RangeError('no peers')
          return delivery
        },
      }),
    'flood takes no peer at all for a result',
  ],
  [
    'ignores the signal of a publish',
    (one) =>
      changed(one, {
        publish: (topic, bytes, { strategy = 'gossip' } = {}) => one.publish(topic, bytes, { strategy }),
      }),
    'flood publishes nothing under a signal that is aborted',
  ],
  [
    'goes on after unsubscribing',
    (one) => changed(one, { subscribe: (topic, handler) => (one.subscribe(topic, handler), () => undefined) }),
    'hands nothing over once unsubscribed, and frees the topic',
  ],
  [
    'lets the second handler of a topic in',
    (one) => changed(one, { subscribe: replacing(one) }),
    'refuses a second handler of a topic with a RangeError, and the first stays',
  ],
  [
    'takes every verdict for an accept',
    (one) =>
      changed(one, {
        subscribe: (topic, handler) =>
          one.subscribe(topic, async (...args) => (await handler(...args), 'accept' as const)),
      }),
    'flood counts no peer whose verdict is reject',
  ],
  [
    "writes into the publisher's bytes",
    (one) =>
      changed(one, {
        publish: async (topic, bytes, options) => {
          const delivery = await one.publish(topic, bytes, options)
          bytes.fill(1)
          return delivery
        },
      }),
    "gossip leaves the publisher's bytes alone, and is done with them when publish resolves",
  ],
  [
    'has no room for no bytes',
    (one) =>
      changed(one, {
        publish: async (topic, bytes, options) =>
          one.publish(topic, bytes.length > 0 ? bytes : Uint8Array.of(0), options),
      }),
    'gossip carries no bytes at all',
  ],
  [
    'blames whoever is ignored',
    (one) =>
      changed(one, {
        subscribe: (topic, handler) =>
          one.subscribe(topic, async (...args) => {
            const verdict = await handler(...args)
            return verdict === 'ignore' ? 'reject' : verdict
          }),
      }),
    'gossip blames nobody for what is ignored or accepted',
  ],
]

it.each(BROKEN)('is caught: a broadcast that %s', async (_, broken, caught) => {
  const cases = broadcastConformance({ ...harness(broken), patienceMs: 500 })
  const { run } = cases.find(({ name }) => name === caught) ?? {}
  await expect(run?.()).rejects.toBeInstanceOf(Error)
})

/** Subscribes in the place of whoever had the topic. */
function replacing(broadcast: Broadcast): Broadcast['subscribe'] {
  const ends = new Map<string, () => void>()
  return (topic, handler) => {
    ends.get(topic)?.()
    const end = broadcast.subscribe(topic, handler)
    ends.set(topic, end)
    return end
  }
}

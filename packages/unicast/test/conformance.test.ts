import type { Unicast } from '@gridmesh/interfaces'
import { type UnicastHarness, unicastConformance } from '@gridmesh/interfaces/conformance'
import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { plaintext } from '@libp2p/plaintext'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { describe, expect, it } from 'vitest'
import { unicast } from '../src/index.ts'

type ConformingNode = Libp2p<{ unicast: Unicast }>

const PATIENCE_MS = 15_000
const TIMEOUT_MS = 3 * PATIENCE_MS
const MAX_MESSAGE_BYTES = 2_000_000

let addresses = 0

const LINKS = {
  memory: () => ({
    addresses: { listen: [`/memory/unicast-conformance-${addresses++}`] },
    transports: [memory()],
    connectionEncrypters: [plaintext()],
  }),
  TCP: () => ({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
  }),
}

/** Networks of real nodes; `change` puts something else in the place of each unicast. */
function harnessOver(link: keyof typeof LINKS, change: (one: Unicast) => Unicast = (one) => one): UnicastHarness {
  const running = new Map<string, ConformingNode>()
  return {
    patienceMs: PATIENCE_MS,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    create: async (count) => {
      const nodes: ConformingNode[] = []
      for (let made = 0; made < count; made++) {
        const services = { unicast: unicast({ maxMessageBytes: MAX_MESSAGE_BYTES }) }
        const node = await createLibp2p({ ...LINKS[link](), streamMuxers: [yamux()], services })
        running.set(node.peerId.toString(), node)
        nodes.push(node)
      }
      for (const [index, from] of nodes.entries()) {
        for (const to of nodes.slice(index + 1)) await from.dial(to.getMultiaddrs())
        // Without identify nobody else tells them where to dial when the links are lost.
        for (const to of nodes) {
          if (to !== from) await from.peerStore.merge(to.peerId, { multiaddrs: to.getMultiaddrs() })
        }
      }
      return {
        nodes: nodes.map(({ peerId, services }) => ({ peerId, unicast: change(services.unicast) })),
        // One after the other: two that hang up on each other wait for half a second.
        stop: async () => {
          for (const node of nodes) await node.stop()
        },
      }
    },
    breakLinks: (from, to) => {
      const connections = running.get(from.peerId.toString())?.getConnections(to.peerId) ?? []
      for (const connection of connections) connection.abort(new RangeError('broken'))
    },
  }
}

describe.each(['memory', 'TCP'] as const)('over %s', (link) => {
  it.each(unicastConformance(harnessOver(link)).map(({ name, run }) => [name, run] as const))(
    '%s',
    async (_, run) => {
      await expect(run()).resolves.toBeUndefined()
    },
    TIMEOUT_MS,
  )
})

/** A unicast with some of its methods replaced. */
function changed(one: Unicast, changes: Partial<Unicast>): Unicast {
  return {
    handle: (name, handler) => one.handle(name, handler),
    handleStream: (name, handler) => one.handleStream(name, handler),
    unhandle: (name) => one.unhandle(name),
    send: (peer, name, bytes, options) => one.send(peer, name, bytes, options),
    request: (peer, name, bytes, options) => one.request(peer, name, bytes, options),
    requestStream: (peer, name, source, options) => one.requestStream(peer, name, source, options),
    ...changes,
  }
}

const BROKEN: [fault: string, broken: (one: Unicast) => Unicast, caught: string][] = [
  [
    'gives a receipt before the handler has taken the bytes',
    (one) =>
      changed(one, {
        send: async (peer, name, bytes, options) => {
          one.send(peer, name, bytes, options).catch(() => undefined)
          return { peer, roundTripMs: 0, attempts: 1 }
        },
      }),
    'send resolves with a receipt once the handler has taken the bytes, and not before',
  ],
  [
    'gives the answer of one request to others',
    (one) => {
      let answer: Promise<Uint8Array> | undefined
      return changed(one, { request: (...args) => (answer ??= one.request(...args)) })
    },
    'gives every one of many requests at once its own answer',
  ],
  [
    'sends stacks',
    (one) =>
      changed(one, {
        handle: (name, handler) =>
          one.handle(name, async (...args) => {
            try {
              return await handler(...args)
            } catch (err) {
              const { stack = '', code } = err as Error & { code?: string }
              throw Object.assign(new TypeError(stack), { code })
            }
          }),
      }),
    'brings what a handler throws as code and message, and never as a stack',
  ],
  [
    'keeps no deadline',
    (one) => changed(one, { request: (peer, name, bytes) => one.request(peer, name, bytes) }),
    'ends at the deadline with a TimeoutError, and aborts the signal of the handler',
  ],
  [
    'does not heed the signal of a caller',
    (one) => changed(one, { request: (peer, name, bytes) => one.request(peer, name, bytes) }),
    'ends when the caller aborts, and aborts the signal of the handler',
  ],
  [
    'runs the handler again for a repeated call',
    (one) =>
      changed(one, {
        request: async (peer, name, bytes) => {
          try {
            return await one.request(peer, name, bytes)
          } catch {
            return one.request(peer, name, bytes)
          }
        },
      }),
    'repeats an idempotent call over a lost link, and the handler runs once',
  ],
  [
    'lets the second handler of a name in',
    (one) =>
      changed(one, {
        handle: (name, handler) => {
          one.unhandle(name)
          one.handle(name, handler)
        },
      }),
    'refuses a name that is taken, by either sort of handler, with a RangeError',
  ],
  [
    'takes all questions before it sends the first',
    (one) =>
      changed(one, {
        requestStream: async function* (peer, name, source, options) {
          const questions = await all(source)
          yield* one.requestStream(peer, name, each(questions), options)
        },
      }),
    'takes no more questions than fit while the handler takes none',
  ],
  [
    'takes all answers before it gives the first',
    (one) =>
      changed(one, {
        requestStream: async function* (...args) {
          yield* await all(one.requestStream(...args))
        },
      }),
    'takes no more answers than fit while the caller takes none',
  ],
]

async function all(source: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const items: Uint8Array[] = []
  for await (const item of source) items.push(item)
  return items
}

async function* each(items: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* items
}

it.each(BROKEN)('is caught: a unicast that %s', async (_, broken, caught) => {
  const cases = unicastConformance({ ...harnessOver('memory', broken), patienceMs: 1_000 })
  const { run } = cases.find(({ name }) => name === caught) ?? {}
  await expect(run?.()).rejects.toBeInstanceOf(Error)
})

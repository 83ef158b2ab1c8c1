import { createHash } from 'node:crypto'
import { LANES } from '@gridmesh/interfaces'
import { bytesCodec, defineMessage } from '@gridmesh/message-router'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { expectEachHas } from '../src/expectations.ts'
import { labelled } from '../src/inbox.ts'
import { KINDS } from '../src/kinds.ts'
import type { MeshNode } from '../src/mesh-node.ts'
import { Mesh, SOON } from '../src/mesh.ts'

const MIB = 2 ** 20
const ROUNDS = 4
const EACH = 150
const SLOW = defineMessage({ kind: 'slow', codec: bytesCodec, lane: 'normal' })
const MAX_QUEUED = { critical: 64, high: 64, normal: 64, bulk: 8 }

let mesh: Mesh
beforeAll(async () => {
  mesh = await Mesh.start(3, { unicast: { maxWaiting: 4_000, maxQueuedPerPeer: 4_000, maxQueued: 8_000 } })
})
afterAll(() => mesh.stop())

describe('small messages', () => {
  it('all arrive, each once, where there is room for all: 3,000 by unicast and 1,500 to everybody', async () => {
    const [a, b, c] = [mesh.node(0), mesh.node(1), mesh.node(2)]
    const one = texts('one', 3_000)
    const all = texts('all', 1_500)
    const publishes = all.map(async (text) => c.services.messages.broadcast(KINDS.normal, labelled(text)))
    const receipts = one.map(async (text) => a.services.messages.send(b.peerId, KINDS.high, labelled(text)))
    expect((await Promise.all(receipts)).map(({ attempts }) => attempts)).toEqual(one.map(() => 1))
    const deliveries = await Promise.all(publishes)
    await expectEachHas([b], one)
    await expectEachHas([a, b], all)
    for (const delivery of new Set(deliveries)) expect(await delivery.confirmed(2)).toBe(2)
    for (const { inbox } of mesh.nodes) expect(inbox.repeated()).toEqual([])
    expect(a.inbox.texts('one')).toEqual([])
  })

  it('are handled or refused by name where there is not, and what was refused was not handled', async () => {
    const narrow = await Mesh.start(2, {
      messages: { maxQueued: { high: 8 }, maxRunning: { high: 1 } },
      unicast: { maxHandlersPerPeer: 8, maxQueuedPerPeer: 32, maxInFlight: 64, maxWaiting: 64 },
      limits: { messagesPerSecond: 400, messagesBurst: 400 },
    })
    const [from, to] = [narrow.node(0), narrow.node(1)]
    const sent = texts('narrow', 1_000)
    const results = await Promise.all(
      sent.map(async (text) =>
        from.services.messages.send(to.peerId, KINDS.high, labelled(text), { deadlineMs: 15_000 }).then(
          () => 'taken',
          (err: Error & { code?: string }) => err.code ?? err.name,
        ),
      ),
    )
    const taken = sent.filter((_, index) => results[index] === 'taken')
    await expectEachHas([to], taken)
    await vi.waitFor(() => expect(to.services.messages.stats().queued.high).toBe(0), SOON)
    expect(to.inbox.texts('narrow').toSorted()).toEqual(taken.toSorted())
    expect(to.inbox.repeated()).toEqual([])
    // Nothing ended without a name, and both things happened, or this would prove nothing.
    const refusals = new Set(results.filter((result) => result !== 'taken'))
    expect(['busy', 'queue-full', 'rate-limited']).toEqual(expect.arrayContaining([...refusals]))
    expect(taken.length).toBeGreaterThan(0)
    expect(refusals.size).toBeGreaterThan(0)
    await narrow.stop()
  })
})

describe('large messages', () => {
  it('of 8 MiB come through by unicast, several at once in both directions, bit for bit', async () => {
    for (const { services } of mesh.nodes) services.unicast.handle('digest', digest)
    const pairs = [
      [0, 1],
      [1, 0],
      [1, 2],
    ] as const
    const calls = pairs.map(async ([index, other]) => {
      const [from, to] = [mesh.node(index), mesh.node(other)]
      const bytes = noise(8 * MIB)
      const answer = await from.services.unicast.request(to.peerId, 'digest', bytes, {
        lane: 'bulk',
        deadlineMs: 50_000,
      })
      return Buffer.compare(answer, digest(bytes))
    })
    expect(await Promise.all(calls)).toEqual([0, 0, 0])
  })

  it.each([
    ['gossip', 3],
    ['tree', 3],
    ['flood', 6],
  ] as const)('reach everybody by %s, with %i MiB', async (strategy, mebibytes) => {
    const bytes = noise(mebibytes * MIB, `large ${strategy}`)
    const delivery = await mesh.node(0).services.messages.broadcast(KINDS.high, bytes, { strategy })
    await expectEachHas(mesh.others(mesh.node(0)), [`large ${strategy}`])
    expect(await delivery.confirmed(2)).toBe(2)
  })
})

describe('load that goes on', () => {
  it('fills queues to their bounds and no further, opens no more streams, and loses nothing that is not counted', async () => {
    const busy = await Mesh.start(3, { messages: { maxQueued: MAX_QUEUED, maxRunning: { normal: 2 } } })
    const handled = new Map(busy.nodes.map(({ id }) => [id, 0]))
    let most = 0
    for (const node of busy.nodes) {
      const { messages } = node.services
      const handle = async (): Promise<void> => {
        await new Promise((resolve) => setTimeout(resolve, 1))
        handled.set(node.id, (handled.get(node.id) ?? 0) + 1)
      }
      messages.on(SLOW, handle, {
        validate: () => {
          most = Math.max(most, messages.stats().queued.normal)
          return 'accept'
        },
      })
    }

    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(
        busy.nodes.flatMap(({ services }, author) => [
          ...texts(`slow ${round} ${author}`, EACH).map(async (text) =>
            services.messages.broadcast(SLOW, labelled(text)),
          ),
          services.messages.broadcast(KINDS.critical, labelled(`urgent ${round} ${author}`)),
        ]),
      )
      for (const node of busy.nodes) expectBounded(node, busy.others(node))
    }
    expect(most).toBeLessThanOrEqual(MAX_QUEUED.normal)
    // Or nothing would have been at its bound.
    const dropped = busy.nodes.map(({ services }) => services.messages.stats().kinds.get('slow')?.dropped ?? 0)
    expect(Math.max(...dropped)).toBeGreaterThan(0)

    for (const node of busy.nodes) {
      const { messages } = node.services
      // Who was too slow for the normal lane has missed nothing that was urgent.
      const urgent = Array.from({ length: ROUNDS }, (_, round) => `urgent ${round} ${busy.nodes.indexOf(node)}`)
      await expectEachHas(busy.others(node), urgent)
      await vi.waitFor(() => {
        expect(messages.stats().queued).toEqual({ critical: 0, high: 0, normal: 0, bulk: 0 })
        const lost = messages.stats().kinds.get('slow')?.dropped ?? 0
        expect((handled.get(node.id) ?? 0) + lost).toBe(ROUNDS * EACH * 2)
      }, SOON)
    }
    await busy.stop()
  })
})

/** What a node may hold, however much is sent: queues within their limits, one link a peer and two streams a lane. */
function expectBounded({ libp2p, services }: MeshNode, others: readonly MeshNode[]): void {
  const { queued } = services.messages.stats()
  for (const lane of LANES) expect(queued[lane]).toBeLessThanOrEqual(MAX_QUEUED[lane])
  for (const { peerId } of others) {
    const connections = libp2p.getConnections(peerId)
    expect(connections.length).toBeLessThanOrEqual(2)
    const lanes = connections
      .flatMap(({ streams }) => streams)
      .filter(({ protocol }) => protocol.startsWith('/gridmesh/unicast'))
    expect(lanes.length).toBeLessThanOrEqual(LANES.length * 2 * connections.length)
  }
}

function texts(word: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${word} ${index}`)
}

/** Bytes that no compression makes smaller, alike in every run. */
function noise(bytes: number, label = ''): Uint8Array {
  const message = labelled(label, bytes)
  let state = 1
  for (let index = label.length + 1; index < bytes; index++) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    message[index] = state >>> 16
  }
  return message
}

function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

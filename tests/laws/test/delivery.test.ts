import { LANES } from '@gridmesh/interfaces'
import { bytesCodec, defineMessage } from '@gridmesh/message-router'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { labelled } from '../src/inbox.ts'
import { KINDS } from '../src/kinds.ts'
import { Mesh, SOON } from '../src/mesh.ts'
import { expectEachHas, outcomes } from '../src/expectations.ts'

const NODES = 5

let mesh: Mesh
beforeAll(async () => {
  mesh = await Mesh.start(NODES, (index) => ({
    handshake: { role: index < 2 ? 'authority' : 'member' },
  }))
})
afterAll(() => mesh.stop())

let run = 0
const spread = fc.record({
  lane: fc.constantFrom(...LANES),
  strategy: fc.constantFrom(undefined, 'gossip' as const, 'tree' as const, 'flood' as const),
  author: fc.nat(NODES - 1),
  bytes: fc.constantFrom(0, 100, 1_000, 70_000),
})

it('delivers every message to every other node once, whatever its lane, size, strategy and author, and names each of them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(spread, { minLength: 1, maxLength: 12 }), async (messages) => {
      const prefix = `law-${++run}`
      const published = await Promise.all(
        messages.map(async ({ lane, strategy, author, bytes }, index) => {
          const text = `${prefix}-${index}`
          const node = mesh.node(author)
          const options = strategy === undefined ? {} : { strategy }
          const delivery = await node.services.messages.broadcast(KINDS[lane], labelled(text, bytes), options)
          return { text, node, delivery }
        }),
      )
      for (const { text, node, delivery } of published) {
        await expectEachHas(mesh.others(node), [text])
        expect(node.inbox.count(text)).toBe(0)
        // Everybody acknowledges, so everybody ends up named, and as one who has it.
        expect(await delivery.confirmed(NODES - 1)).toBe(NODES - 1)
        expect(Object.keys(outcomes(delivery)).toSorted()).toEqual(
          mesh
            .others(node)
            .map(({ id }) => id)
            .toSorted(),
        )
        expect(Object.values(outcomes(delivery)).filter((outcome) => outcome.startsWith('dropped'))).toEqual([])
        expect(delivery.successRate).toBe(1)
      }
      for (const node of mesh.nodes) expect(node.inbox.repeated()).toEqual([])
    }),
    { numRuns: 6, endOnFailure: true },
  )
})

it('reaches the named peers, or those a query finds, and nobody else', async () => {
  const [author, ...others] = mesh.nodes
  if (author === undefined) throw new RangeError('no author')
  const named = others.slice(1, 3)
  const { messages } = author.services
  const byId = await messages.broadcast(KINDS.normal, labelled('by-id'), { to: named.map(({ peerId }) => peerId) })
  const byRole = await messages.broadcast(KINDS.normal, labelled('by-role'), { to: { role: 'authority' } })
  await expectEachHas(named, ['by-id'])
  await expectEachHas([mesh.node(1)], ['by-role'])
  expect(Object.keys(outcomes(byId)).toSorted()).toEqual(named.map(({ id }) => id).toSorted())
  expect(Object.keys(outcomes(byRole))).toEqual([mesh.node(1).id])

  // Who has a later message of the same author would have the earlier ones, had they been sent to it.
  await messages.broadcast(KINDS.normal, labelled('to-all'), { strategy: 'flood' })
  await expectEachHas(others, ['to-all'])
  expect(others.filter(({ inbox }) => inbox.count('by-id') > 0)).toEqual(named)
  expect(others.filter(({ inbox }) => inbox.count('by-role') > 0)).toEqual([mesh.node(1)])
})

it('names the peers that a flood could not reach, and tells the share of the others', async () => {
  const parted = await Mesh.start(3, { broadcast: { sendDeadlineMs: 3_000 } })
  const [author, gone, reached] = [parted.node(0), parted.node(1), parted.node(2)]
  await parted.fabric.set(author.name, gone.name, 'silent')
  const [unwanted, wanted] = await Promise.all([
    author.services.broadcast.publish('nobody-subscribes', labelled('unwanted'), { strategy: 'flood' }),
    author.services.messages.broadcast(KINDS.high, labelled('wanted'), { strategy: 'flood' }),
  ])
  await unwanted.settled()
  expect(outcomes(unwanted)).toEqual({ [gone.id]: 'dropped: timeout', [reached.id]: 'dropped: not-subscribed' })
  expect(unwanted.successRate).toBe(0)
  await vi.waitFor(() => {
    expect(outcomes(wanted)).toEqual({ [gone.id]: 'dropped: timeout', [reached.id]: 'acknowledged' })
  }, SOON)
  expect(wanted.successRate).toBe(1 / 2)
  // The other passes a flood on, so the one that could not be reached directly has it too.
  await expectEachHas([gone], ['wanted'])
  await parted.fabric.heal()
  await parted.stop()
})

it('takes no peer at all for a result, in every lane', async () => {
  const lonely = await Mesh.start(1, { broadcast: { meshWaitMs: 50 } })
  for (const lane of LANES) {
    const delivery = await lonely.node(0).services.messages.broadcast(KINDS[lane], labelled(lane))
    expect(delivery.peers.size).toBe(0)
    expect(delivery.successRate).toBe(1)
    expect(await delivery.confirmed(0)).toBe(0)
  }
  await lonely.stop()
})

it('encodes and signs a message once, however many peers it goes to and by whatever ways', async () => {
  const author = mesh.node(0)
  const seal = vi.spyOn(author.services.envelope, 'seal')
  const encode = vi.fn<typeof bytesCodec.encode>((value) => bytesCodec.encode(value))
  const alarm = defineMessage({ kind: 'alarm', codec: { ...bytesCodec, encode }, lane: 'critical' })
  const delivery = await author.services.messages.broadcast(alarm, labelled('once'))
  await expectEachHas(mesh.others(author), ['once'])
  expect(delivery.peers.size).toBe(NODES - 1)
  expect(encode).toHaveBeenCalledOnce()
  expect(seal).toHaveBeenCalledOnce()
})

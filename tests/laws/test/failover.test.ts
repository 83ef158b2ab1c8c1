import type { Delivery } from '@gridmesh/interfaces'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { expectEachHas, outcomes } from '../src/expectations.ts'
import { labelOf, labelled } from '../src/inbox.ts'
import { KINDS } from '../src/kinds.ts'
import type { MeshNode } from '../src/mesh-node.ts'
import { Mesh, SOON } from '../src/mesh.ts'

const NODES = 5
const ALL = [0, 1, 2, 3, 4]
const DEADLINE_MS = 4_000
/** Longer than any test takes. */
const LONG_MS = 60_000

let mesh: Mesh
beforeAll(async () => {
  // More tries than links are cut in any test here, however long a cut lasts on a busy machine.
  mesh = await Mesh.start(NODES, { unicast: { retries: 20 } })
})
afterAll(() => mesh.stop())

const nodesAt = (indexes: readonly number[]): MeshNode[] => indexes.map((index) => mesh.node(index))
const without = (indexes: readonly number[]): MeshNode[] => mesh.others(...nodesAt(indexes))

let messages = 0

/** Each of these nodes says something to all, and all of them hear it, once. */
async function expectAllHearEachOther(nodes: readonly MeshNode[]): Promise<void> {
  const texts = await Promise.all(
    nodes.map(async ({ name, services }) => {
      const text = `${name} says ${++messages}`
      await services.messages.broadcast(KINDS.high, labelled(text))
      return text
    }),
  )
  for (const [index, text] of texts.entries()) await expectEachHas(nodes.toSpliced(index, 1), [text])
}

async function revive(indexes: readonly number[]): Promise<void> {
  await Promise.all(nodesAt(indexes).map(async (node) => node.revive()))
  await mesh.whenConnected()
}

describe('nodes that fail', () => {
  it.each<[string, number[][]]>([
    ['one alone', [[4]]],
    ['several at once', [[1, 3]]],
    ['one after the other, until two are left', [[0], [2], [4]]],
  ])('leave the others talking, and are heard again once they are back: %s', async (_, steps) => {
    const failed: number[] = []
    for (const step of steps) {
      await Promise.all(nodesAt(step).map(async (node) => node.crash()))
      failed.push(...step)
      await mesh.whenConnected(without(failed))
      await expectAllHearEachOther(without(failed))
    }
    await revive(failed)
    await expectAllHearEachOther(mesh.nodes)
    for (const { inbox } of mesh.nodes) expect(inbox.repeated()).toEqual([])
  })

  it('cost a broadcast under way nothing but the copies to them, and those are named', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(ALL.slice(1), { minLength: 1, maxLength: 3 }),
        fc.nat(20),
        async (failing, before) => {
          const author = mesh.node(0)
          const crashed = nodesAt(failing)
          const survivors = without([0, ...failing])
          const deliveries: Delivery[] = []
          const texts: string[] = []
          let crash: Promise<void[]> | undefined
          for (let index = 0; index < 40; index++) {
            if (index === before) crash = Promise.all(crashed.map(async (node) => node.crash()))
            const text = `under way ${++messages}`
            texts.push(text)
            const options = { strategy: 'flood' } as const
            deliveries.push(await author.services.messages.broadcast(KINDS.high, labelled(text), options))
          }
          try {
            await crash
            await expectEachHas(survivors, texts)
            await vi.waitFor(() => {
              for (const delivery of deliveries) {
                const known = outcomes(delivery)
                // A copy that comes back tells as much as a receipt, and may be first.
                for (const { id } of survivors) expect(known[id]).toMatch(/^(acknowledged|seen)$/)
                // Whoever was addressed and failed has one outcome, and it is no promise that was never kept.
                for (const { id } of crashed) expect(known[id] ?? 'not addressed').not.toBe('sent')
                const dropped = Object.values(known).filter((outcome) => outcome.startsWith('dropped'))
                expect(delivery.successRate).toBeCloseTo(1 - dropped.length / Object.keys(known).length)
              }
            }, SOON)
            for (const { inbox } of mesh.nodes) expect(inbox.repeated()).toEqual([])
          } finally {
            // The tests after this one use the same nodes.
            await revive(failing)
          }
        },
      ),
      { numRuns: 3, endOnFailure: true },
    )
    await expectAllHearEachOther(mesh.nodes)
  })
})

describe('a node that fails during calls', () => {
  const ran = new Map<string, number>()
  let release = Promise.withResolvers<void>()
  const handle = (node: MeshNode): void => {
    node.services.unicast.handle('slow', async (bytes) => {
      ran.set(labelOf(bytes), (ran.get(labelOf(bytes)) ?? 0) + 1)
      await release.promise
      return bytes
    })
  }
  /** Calls to two nodes, of which each runs and none has ended. */
  async function callBoth(
    failing: MeshNode,
    healthy: MeshNode,
    deadlineMs = LONG_MS,
  ): Promise<Record<'doomed' | 'fine', Promise<string>[]>> {
    release = Promise.withResolvers()
    ran.clear()
    const doomed = numbered('doomed').map(async (text) => call(failing, text, deadlineMs))
    const fine = numbered('fine').map(async (text) => call(healthy, text, LONG_MS))
    await vi.waitFor(() => expect(ran.size).toBe(40), SOON)
    return { doomed, fine }
  }

  beforeAll(() => {
    for (const node of mesh.nodes) handle(node)
  })

  it('fails all calls to it at once with an error that says so, and none to others', async () => {
    const [failing, healthy] = [mesh.node(1), mesh.node(2)]
    const { doomed, fine } = await callBoth(failing, healthy)
    await failing.crash()
    // Not by the deadline: that would be a TimeoutError.
    expect(new Set(await Promise.all(doomed))).toEqual(new Set(['LinkLostError']))
    release.resolve()
    expect(await Promise.all(fine)).toEqual(numbered('fine'))

    expect(await call(failing, 'while away')).toMatch(/^(UnreachableError|TimeoutError)$/)
    await failing.revive()
    handle(failing)
    await mesh.whenConnected()
    expect(await call(failing, 'after')).toBe('after')
  })

  it('fails all calls to it at their deadline where nobody tells that it is gone, and none to others', async () => {
    const [failing, healthy] = [mesh.node(1), mesh.node(2)]
    const { doomed, fine } = await callBoth(failing, healthy, DEADLINE_MS)
    await mesh.fabric.isolate(failing.name, 'silent')
    expect(new Set(await Promise.all(doomed))).toEqual(new Set(['TimeoutError']))
    release.resolve()
    expect(await Promise.all(fine)).toEqual(numbered('fine'))

    await mesh.fabric.heal()
    await mesh.whenConnected()
    expect(await call(failing, 'after')).toBe('after')
  })

  it('has run each idempotent call at most once however often its link was lost, and once where the call resolved', async () => {
    const [caller, callee] = [mesh.node(0), mesh.node(3)]
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 1, maxLength: 3 }), async (cuts) => {
        release = Promise.withResolvers()
        ran.clear()
        const asked = Array.from({ length: 20 }, () => `once ${++messages}`)
        const calls = asked.map(async (text) =>
          caller.services.unicast
            .request(callee.peerId, 'slow', labelled(text), { idempotent: true, deadlineMs: 30_000 })
            .then(labelOf, (err: Error) => err.name),
        )
        for (const waitFor of cuts) {
          await vi.waitFor(() => expect(ran.size).toBeGreaterThanOrEqual(waitFor), SOON)
          await mesh.fabric.set(caller.name, callee.name, 'cut')
          await vi.waitFor(() => expect(caller.isReady(callee)).toBe(false), SOON)
          await mesh.fabric.set(caller.name, callee.name, 'open')
          await mesh.whenConnected()
        }
        release.resolve()
        const answers = await Promise.all(calls)
        const resolved = asked.filter((text, index) => answers[index] === text)
        expect(answers.filter((answer) => !resolved.includes(answer) && !answer.endsWith('Error'))).toEqual([])
        for (const text of asked) expect(ran.get(text) ?? 0).toBeLessThanOrEqual(1)
        expect(resolved.map((text) => ran.get(text))).toEqual(resolved.map(() => 1))
        // The link was cut under the calls: those that resolved were repeated.
        expect(resolved).not.toEqual([])
      }),
      { numRuns: 4, endOnFailure: true },
    )
  })
})

function numbered(word: string): string[] {
  return Array.from({ length: 20 }, (_, index) => `${word} ${index}`)
}

/** Asks a node, as the first one, to answer with what it is given. Resolves with that, or with the name of an error. */
async function call(to: MeshNode, text: string, deadlineMs = 10_000): Promise<string> {
  const { unicast } = mesh.node(0).services
  return unicast.request(to.peerId, 'slow', labelled(text), { deadlineMs }).then(labelOf, (err: Error) => err.name)
}

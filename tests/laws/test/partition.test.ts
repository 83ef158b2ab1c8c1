import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { expectEachHas } from '../src/expectations.ts'
import { labelled } from '../src/inbox.ts'
import { KINDS } from '../src/kinds.ts'
import type { MeshNode } from '../src/mesh-node.ts'
import { Mesh, SOON } from '../src/mesh.ts'

const NODES = 6

let mesh: Mesh
beforeAll(async () => {
  mesh = await Mesh.start(NODES, (index) => ({
    handshake: { role: index % 3 === 0 ? 'authority' : 'member', region: index < NODES / 2 ? 'west' : 'east' },
    // Urgent messages are flooded too: nobody has to wait for the gossip mesh to form anew.
    broadcast: { meshWaitMs: 100 },
  }))
})
afterAll(() => mesh.stop())

// However a test parted the nodes: afterwards they are one network again, and know it.
afterEach(async () => {
  await mesh.fabric.heal()
  await mesh.whenConnected()
  await vi.waitFor(() => {
    for (const { services } of mesh.nodes) expect(services.health.network().partitionRisk).toBe(0)
  }, SOON)
  await expectHearEachOther(mesh.nodes)
})

const west = (): MeshNode[] => mesh.nodes.slice(0, NODES / 2)
const east = (): MeshNode[] => mesh.nodes.slice(NODES / 2)
const namesOf = (nodes: readonly MeshNode[]): string[] => nodes.map(({ name }) => name)

let messages = 0

/** Each of these nodes says something to all; those of the group hear it, once. Returns what was said. */
async function expectHearEachOther(group: readonly MeshNode[]): Promise<string[]> {
  const texts = group.map(({ name }) => `${name} says ${++messages}`)
  const sends = group.map(async ({ services }, index) =>
    services.messages.broadcast(KINDS.critical, labelled(texts[index] ?? '')),
  )
  await Promise.all(sends)
  for (const [index, text] of texts.entries()) await expectEachHas(group.toSpliced(index, 1), [text])
  for (const { inbox } of group) expect(inbox.repeated()).toEqual([])
  return texts
}

/** Each group hears itself and nobody else. */
async function expectHearOnlyThemselves(groups: readonly (readonly MeshNode[])[]): Promise<void> {
  const said = await Promise.all(groups.map(async (group) => ({ group, texts: await expectHearEachOther(group) })))
  for (const { group, texts } of said) {
    for (const { inbox } of mesh.others(...group)) expect(texts.filter((text) => inbox.count(text) > 0)).toEqual([])
  }
}

describe('a partition', () => {
  it('shows in the health of both sides: peers, authorities, regions and risk, each in words; and is over when healed', async () => {
    await mesh.fabric.split([namesOf(west()), namesOf(east())])
    await mesh.whenConnected(west())
    await mesh.whenConnected(east())
    for (const [group, own, other] of [
      [west(), 'west', 'east'],
      [east(), 'east', 'west'],
    ] as const) {
      for (const { services } of group) {
        await vi.waitFor(() => {
          const network = services.health.network()
          expect(network.connectedPeers).toBe(NODES / 2 - 1)
          expect(network.regionConnectivity).toEqual({ [own]: 1, [other]: 0 })
          // Three of the five others cannot be reached.
          expect(network.partitionRisk).toBeCloseTo(3 / 5)
          expect(network.reasons).toContain(`in region "${other}" 0 of 3 known peers ready`)
          expect(network.reasons.join('\n')).toContain('3 of 5 expected peers cannot be reached')
          expect(network.authorityConnectivity).toBeLessThan(1)
        }, SOON)
        expect(services.peerManager.stats().byState.ready).toBe(NODES / 2 - 1)
      }
    }
    await expectHearOnlyThemselves([west(), east()])
  })

  it('of three parts heals part by part', async () => {
    const parts = [mesh.nodes.slice(0, 2), mesh.nodes.slice(2, 4), mesh.nodes.slice(4)]
    await mesh.fabric.split(parts.map(namesOf))
    for (const part of parts) await mesh.whenConnected(part)
    await expectHearOnlyThemselves(parts)

    const [first = [], second = [], third = []] = parts
    await mesh.fabric.split([namesOf([...first, ...second]), namesOf(third)])
    await mesh.whenConnected([...first, ...second])
    await mesh.whenConnected(third)
    await expectHearOnlyThemselves([[...first, ...second], third])
    for (const { services } of [...first, ...second]) {
      await vi.waitFor(() => expect(services.health.network().partitionRisk).toBeCloseTo(2 / 5), SOON)
    }
  })

  it('into any groups delivers within each group, to nobody else, and to all once it is healed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(2), { minLength: NODES, maxLength: NODES }), async (sides) => {
        const groups = [0, 1, 2]
          .map((side) => mesh.nodes.filter((_, index) => sides[index] === side))
          .filter((group) => group.length > 0)
        await mesh.fabric.split(groups.map(namesOf))
        for (const group of groups) await mesh.whenConnected(group)
        await expectHearOnlyThemselves(groups)
        await mesh.fabric.heal()
        await mesh.whenConnected()
        await expectHearEachOther(mesh.nodes)
        for (const { inbox } of mesh.nodes) expect(inbox.repeated()).toEqual([])
      }),
      { numRuns: 3, endOnFailure: true },
    )
  })
})

it('finds a partition by unanswered pings where no link breaks, closes the dead links, and heals', async () => {
  const health = { pingIntervalMs: 500, pingDeadlineMs: 1_000, sampleIntervalMs: 100, maxUnseenMs: 5_000 }
  const pairs = await Mesh.start(4, { health })
  const [left, right] = [pairs.nodes.slice(0, 2), pairs.nodes.slice(2)]
  const links = pairs.nodes.flatMap(({ libp2p }) => libp2p.getConnections())
  await pairs.fabric.split([namesOf(left), namesOf(right)], 'silent')
  expect(links.filter(({ status }) => status !== 'open')).toEqual([])
  for (const { services } of pairs.nodes) {
    await vi.waitFor(() => {
      const { partitionRisk, reasons } = services.health.network()
      expect(partitionRisk).toBeCloseTo(2 / 3)
      expect(reasons.join('\n')).toContain('2 of 3 expected peers cannot be reached')
    }, SOON)
  }
  await pairs.whenConnected(left)
  await pairs.whenConnected(right)
  await pairs.fabric.heal()
  await pairs.whenConnected()
  await expectHearEachOther(pairs.nodes)
  await pairs.stop()
})

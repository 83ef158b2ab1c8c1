import type { ReportClass } from '@gridmesh/interfaces'
import { createNode } from '@gridmesh/node'
import { REPORT_RULES } from '@gridmesh/peer-manager'
import { Network } from '@gridmesh-internal/support'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { guestOf, join } from '../src/guest.ts'
import { labelled } from '../src/inbox.ts'
import { KINDS } from '../src/kinds.ts'
import { Mesh, SOON } from '../src/mesh.ts'

it('keeps a ban of a whole node over a restart, turns the peer away until it is lifted, and explains it meanwhile', async () => {
  const network = await Network.start({ nodes: 1 })
  const before = network.node(0)
  const guest = await guestOf(before)
  await join(guest, before)
  await before.libp2p.services.peerManager.ban(guest.peerId, 'told two stories', 3_600_000)
  const untilMs = before.libp2p.services.peerManager.get(guest.peerId)?.bannedUntilMs
  await before.stop()

  const after = await createNode({ config: before.config })
  await after.start()
  const { peerManager } = after.libp2p.services
  expect(peerManager.isBanned(guest.peerId)).toBe(true)
  expect(peerManager.get(guest.peerId)?.bannedUntilMs).toBe(untilMs)
  expect(peerManager.explain(guest.peerId).join()).toContain('told two stories')
  await expect(join(guest, after)).rejects.toBeInstanceOf(Error)
  await vi.waitFor(() => expect(after.libp2p.getConnections().length).toBe(0), SOON)
  await peerManager.unban(guest.peerId)
  await vi.waitFor(async () => join(guest, after), SOON)
  await guest.stop()
  await after.stop()
  await network.stop()
})

it('keeps an honest peer that answers late, though it is reported as slow for each call, while links are at the minimum', async () => {
  const mesh = await Mesh.start(3, { peerManager: { minPeers: 2 } })
  const [caller, slow] = [mesh.node(0), mesh.node(1)]
  slow.services.unicast.handle('late', async (bytes, { signal }) => {
    // As late as can be: when the caller gives up.
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    return bytes
  })
  const link = caller.linksTo(slow).map(({ id }) => id)
  for (let round = 0; round < 4; round++) {
    const calls = Array.from({ length: 10 }, async () =>
      caller.services.unicast.request(slow.peerId, 'late', labelled('late'), { deadlineMs: 50 }),
    )
    for (const { status } of await Promise.allSettled(calls)) expect(status).toBe('rejected')
  }
  // As many more as would take anybody down whom nothing protects, below both limits. How many that are depends on how
  // late we are ourselves, by which each penalty is divided.
  const { peerManager } = caller.services
  let reports = 0
  const report = (): void => {
    reports++
    peerManager.report(slow.peerId, { class: 'slow', evidence: 'late' })
    expect(peerManager.reputation(slow.peerId)).toBeLessThan(-50)
  }
  await vi.waitFor(report, { ...SOON, interval: 5 })

  await slow.services.messages.send(caller.peerId, KINDS.high, labelled('still here'))
  expect(caller.inbox.count('still here')).toBe(1)
  expect(peerManager.isBanned(slow.peerId)).toBe(false)
  expect(caller.linksTo(slow).map(({ id }) => id)).toEqual(link)
  expect(peerManager.explain(slow.peerId).filter((line) => line.includes('slow')).length).toBeGreaterThan(reports)
  await mesh.stop()
})

it('explains every change of a reputation in a line of its own, with points, class and evidence', async () => {
  const mesh = await Mesh.start(2, {
    peerManager: {
      minPeers: 2,
      banReputation: -100,
      disconnectReputation: -99,
      halfLifeMs: 1e12,
      maxLedgerEntries: 256,
    },
  })
  const [node, peer] = [mesh.node(0), mesh.node(1)]
  const { peerManager } = node.services
  const told: { class: ReportClass; evidence?: string | undefined; points: number }[] = []
  peerManager.addEventListener('peer:report', ({ detail: { report, points } }) => {
    told.push({ class: report.class, evidence: report.evidence, points })
  })
  const classes = (Object.keys(REPORT_RULES) as ReportClass[]).filter((name) => name !== 'provable-lie')
  let evidence = 0
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...classes), { minLength: 1, maxLength: 6 }), async (reports) => {
      const before = peerManager.reputation(peer.peerId)
      const from = told.length
      for (const name of reports) {
        peerManager.report(peer.peerId, { class: name, weight: 0.1, evidence: `seen ${++evidence}.` })
      }
      const points = told.slice(from).reduce((sum, one) => sum + one.points, 0)
      await vi.waitFor(() => expect(peerManager.reputation(peer.peerId)).toBeCloseTo(before + points), SOON)
    }),
    { numRuns: 8, endOnFailure: true },
  )
  // What the traffic of the node itself earned is told of by the same event.
  await peer.services.messages.broadcast(KINDS.critical, labelled('useful'))
  await vi.waitFor(() => expect(node.inbox.count('useful')).toBe(1), SOON)
  await vi.waitFor(() => expect(told.at(-1)).toMatchObject({ class: 'useful' }), SOON)

  const lines = peerManager.explain(peer.peerId)
  expect(lines.length).toBe(told.length)
  for (const [index, one] of told.toReversed().entries()) {
    expect(lines[index]).toContain(one.class)
    expect(lines[index]).toContain(one.evidence)
    expect(lines[index]).toContain(`${one.points > 0 ? '+' : ''}${Number(one.points.toFixed(1))}`)
  }
  await mesh.stop()
})

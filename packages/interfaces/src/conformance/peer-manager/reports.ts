import assert from 'node:assert/strict'
import type { PeerReported, ReportClass } from '../../peer.ts'
import type { ConformanceCase } from '../case.ts'
import { type PeerManagerBench, type PeerManagerTrial } from './trial.ts'

/** Reputations of one moment may have faded a little between two looks. */
const FADED = 0.1
const BLAMES = ['slow', 'rate-limited', 'protocol-violation', 'invalid-message', 'invalid-signature'] as const

/** Praise and blame. */
export function reportCases(bench: PeerManagerBench): ConformanceCase[] {
  return [
    bench.law('comes to the same reputation in whatever order the reports of a tick come', 2, async (trial) => {
      // The sum is well within the bounds and part of the way is not, so that a sum cut off on the way shows.
      const reports: ReportClass[] = [...Array<ReportClass>(150).fill('useful'), 'provable-lie', 'slow', 'absent']
      for (const one of reports) trial.manager.report(trial.peer(0), { class: one })
      for (const one of reports.toReversed()) trial.manager.report(trial.peer(1), { class: one })
      await settled(trial)
      const [forth, back] = [trial.manager.reputation(trial.peer(0)), trial.manager.reputation(trial.peer(1))]
      assert.ok(Math.abs(forth - back) < FADED, `${forth} in one order, ${back} in the other`)
    }),
    bench.law('raises a reputation by praise, lowers it by blame, and not for what was absent', 7, async (trial) => {
      trial.manager.report(trial.peer(0), { class: 'useful' })
      trial.manager.report(trial.peer(1), { class: 'absent' })
      for (const [index, blame] of BLAMES.entries()) trial.manager.report(trial.peer(index + 2), { class: blame })
      await settled(trial)
      assert.ok(trial.manager.reputation(trial.peer(0)) > 0)
      assert.equal(trial.manager.reputation(trial.peer(1)), 0)
      for (const [index, blame] of BLAMES.entries()) {
        assert.ok(trial.manager.reputation(trial.peer(index + 2)) < 0, `${blame} costs nothing`)
      }
    }),
    bench.law('keeps reputations between -100 and 100', 2, async (trial) => {
      for (let times = 0; times < 500; times++) {
        trial.manager.report(trial.peer(0), { class: 'useful', weight: 10 })
        trial.manager.report(trial.peer(1), { class: 'provable-lie', weight: 10 })
      }
      await settled(trial)
      const [best, worst] = [trial.manager.reputation(trial.peer(0)), trial.manager.reputation(trial.peer(1))]
      assert.ok(best > 0 && best <= 100, `the best is ${best}`)
      assert.ok(worst < 0 && worst >= -100, `the worst is ${worst}`)
    }),
    bench.law('weighs a report by its weight', 2, async (trial) => {
      trial.manager.report(trial.peer(0), { class: 'useful', weight: 4 })
      trial.manager.report(trial.peer(1), { class: 'useful' })
      await settled(trial)
      assert.ok(trial.manager.reputation(trial.peer(0)) > trial.manager.reputation(trial.peer(1)))
    }),
    bench.law('explains each report in a line, the newest first', 1, async (trial) => {
      const peer = trial.peer(0)
      for (const [index, evidence] of ['first seen', 'then seen', 'last seen'].entries()) {
        trial.manager.report(peer, { class: 'slow', evidence })
        const lines = trial.manager.explain(peer)
        assert.equal(lines.length, index + 1)
        assert.ok(lines[0]?.includes(evidence) && lines[0].includes('slow'), `the newest line is ${lines[0]}`)
      }
      await settled(trial)
      assert.ok(trial.manager.explain(peer).some((line) => line.includes('first seen')))
    }),
    bench.law('counts the reports of each class, and tells of each', 1, async (trial) => {
      const heard: PeerReported[] = []
      const listener = ({ detail }: CustomEvent<PeerReported>): void => void heard.push(detail)
      trial.manager.addEventListener('peer:report', listener)
      for (const one of ['useful', 'useful', 'slow'] as const) trial.manager.report(trial.peer(0), { class: one })
      trial.manager.removeEventListener('peer:report', listener)
      trial.manager.report(trial.peer(0), { class: 'absent' })
      await settled(trial)
      const { useful, slow, absent } = trial.manager.stats().reports
      assert.deepEqual([useful, slow, absent], [2, 1, 1])
      assert.deepEqual(
        heard.map(({ report }) => report.class),
        ['useful', 'useful', 'slow'],
      )
      for (const { peer, reputation } of heard) {
        assert.equal(peer.toString(), trial.peer(0).toString())
        assert.ok(reputation >= -100 && reputation <= 100)
      }
    }),
    bench.law('never throws on a report, however odd', 1, async (trial) => {
      const odd: ReportClass = JSON.parse('"no-such-class"')
      const { manager } = trial
      manager.report(trial.peer(0), { class: odd })
      manager.report(trial.peer(0), { class: 'slow', weight: Number.NaN })
      manager.report(trial.peer(0), { class: 'slow', weight: -1 })
      manager.report(trial.peer(0), { class: 'slow', weight: Number.POSITIVE_INFINITY, evidence: '\0'.repeat(100_000) })
      await settled(trial)
      const reputation = manager.reputation(trial.peer(0))
      assert.ok(reputation >= -100 && reputation <= 0, `the reputation is ${reputation}`)
    }),
    bench.law('disconnects nobody before the tick of the report ends, and a liar after it', 1, async (trial) => {
      const peer = trial.peer(0)
      await trial.makeReady(peer)
      trial.manager.report(peer, { class: 'provable-lie' })
      assert.equal(trial.stateOf(peer), 'ready')
      assert.ok(trial.world.isConnected(peer))
      await trial.patience.until('end of the connections', () => !trial.world.isConnected(peer))
      assert.ok(trial.manager.isBanned(peer))
    }),
  ]
}

async function settled(trial: PeerManagerTrial): Promise<void> {
  await trial.tick()
}

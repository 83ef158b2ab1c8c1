import assert from 'node:assert/strict'
import type { ConformanceCase } from '../case.ts'
import type { PeerManagerBench } from './trial.ts'

const HOUR_MS = 3_600_000
const SHORT_MS = 50

/** Who is shut out, and until when. */
export function banCases(bench: PeerManagerBench): ConformanceCase[] {
  const { harness } = bench
  return [
    bench.law('bans at once, says until when, and disconnects', 2, async (trial) => {
      const [peer, other] = [trial.peer(0), trial.peer(1)]
      for (const one of [peer, other]) await trial.makeReady(one)
      const fromMs = Date.now()
      await trial.patience.within('ban', trial.manager.ban(peer, 'conformance', HOUR_MS))
      const tillMs = Date.now()
      assert.equal(trial.manager.isBanned(peer), true)
      assert.equal(trial.stateOf(peer), 'banned')
      const untilMs = trial.manager.get(peer)?.bannedUntilMs ?? Number.NaN
      assert.ok(untilMs >= fromMs + HOUR_MS && untilMs <= tillMs + HOUR_MS, `banned until ${untilMs}`)
      await trial.patience.until('end of the connections', () => !trial.world.isConnected(peer))
      assert.deepEqual(
        trial.manager.select().map(({ id }) => id.toString()),
        [other.toString()],
      )
      assert.ok(trial.world.isConnected(other))
    }),
    bench.law('bans a peer it never heard of', 1, async (trial) => {
      await trial.patience.within('ban', trial.manager.ban(trial.peer(0), 'conformance', HOUR_MS))
      assert.equal(trial.manager.isBanned(trial.peer(0)), true)
    }),
    bench.law('explains a ban by its reason, and tells of its end', 1, async (trial) => {
      const peer = trial.peer(0)
      await trial.patience.within('ban', trial.manager.ban(peer, 'a good reason', HOUR_MS))
      assert.ok(trial.manager.explain(peer)[0]?.includes('a good reason'))
      const lines = trial.manager.explain(peer).length
      await trial.patience.within('unban', trial.manager.unban(peer))
      assert.ok(trial.manager.explain(peer).length > lines, 'nothing explains the end of the ban')
      const told = trial.moves.map(({ from, to }) => `${from} to ${to}`)
      assert.deepEqual(told, ['known to banned', 'banned to known'])
    }),
    bench.law('lets a peer back in once it is pardoned', 1, async (trial) => {
      const peer = trial.peer(0)
      await trial.patience.within('ban', trial.manager.ban(peer, 'conformance', HOUR_MS))
      await trial.patience.within('unban', trial.manager.unban(peer))
      assert.equal(trial.manager.isBanned(peer), false)
      assert.equal(trial.manager.get(peer)?.bannedUntilMs, undefined)
      await trial.makeReady(peer)
    }),
    bench.law('takes a pardon for nobody in its stride', 1, async (trial) => {
      await trial.patience.within('unban', trial.manager.unban(trial.peer(0)))
      assert.equal(trial.manager.isBanned(trial.peer(0)), false)
    }),
    bench.law('ends a ban when its time is over', 1, async (trial) => {
      const peer = trial.peer(0)
      await trial.patience.within('ban', trial.manager.ban(peer, 'conformance', SHORT_MS))
      await trial.patience.until('end of the ban', () => !trial.manager.isBanned(peer))
      await trial.makeReady(peer)
    }),
    ...(harness.restart === undefined
      ? []
      : [
          bench.law('holds a ban over a restart', 2, async (trial) => {
            const [peer, other] = [trial.peer(0), trial.peer(1)]
            await trial.connect(other)
            await trial.patience.within('ban', trial.manager.ban(peer, 'conformance', HOUR_MS))
            const untilMs = trial.manager.get(peer)?.bannedUntilMs
            const restarted = harness.restart?.(trial.world) ?? assert.fail()
            const manager = await trial.patience.within('restart of the harness', restarted)
            assert.equal(manager.isBanned(peer), true)
            assert.equal(manager.get(peer)?.bannedUntilMs, untilMs)
            assert.equal(manager.isBanned(other), false)
          }),
        ]),
  ]
}

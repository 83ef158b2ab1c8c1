import assert from 'node:assert/strict'
import type { PeerRecord } from '../../peer.ts'
import type { ConformanceCase } from '../case.ts'
import { assertAborted } from '../expectations.ts'
import { held } from '../patience.ts'
import { helloWith, type PeerManagerBench } from './trial.ts'

/** What is known of peers, and of those nobody knows. */
export function recordCases(bench: PeerManagerBench): ConformanceCase[] {
  return [
    bench.law('is neutral to a peer it never heard of, and asking changes that for nobody', 1, (trial) => {
      const { manager } = trial
      const peer = trial.peer(0)
      assert.equal(manager.get(peer), undefined)
      assert.equal(manager.reputation(peer), 0)
      assert.deepEqual(manager.explain(peer), [])
      assert.equal(manager.isBanned(peer), false)
      assert.deepEqual(manager.select(), [])
      assert.equal(manager.peers.size, 0)
      assert.deepEqual(trial.moves, [])
    }),
    bench.law('gives snapshots that later changes do not show in', 2, async (trial) => {
      const { manager } = trial
      const [peer, late] = [trial.peer(0), trial.peer(1)]
      await trial.connect(peer)
      const [snapshot, record] = [manager.peers, manager.get(peer)]
      const before = frozen(record)
      manager.markReady(peer, helloWith({ height: 9 }))
      manager.updateHealth(peer, { score: 1, latencyMs: 2 })
      manager.countTraffic(peer, 'normal', 'in', 3)
      manager.markFailed(peer)
      await trial.connect(late)
      assert.deepEqual(frozen(record), before)
      assert.deepEqual(frozen(snapshot.get(peer.toString())), before)
      assert.equal(snapshot.size, 1)
      assert.equal(manager.peers.size, 2)
      assert.equal(manager.get(peer)?.state, 'ready')
    }),
    bench.law('keeps what the handshake, the health monitor and the carriers tell', 1, async (trial) => {
      const { manager } = trial
      const peer = trial.peer(0)
      await trial.makeReady(peer, { height: 5, role: 'authority' })
      assert.equal(manager.get(peer)?.hello?.role, 'authority')
      assert.equal(manager.get(peer)?.height, 5)
      manager.updateHello(peer, helloWith({ height: 6 }))
      assert.equal(manager.get(peer)?.height, 6)
      manager.updateHealth(peer, { score: 80, latencyMs: 12 })
      assert.equal(manager.get(peer)?.health, 80)
      assert.equal(manager.get(peer)?.latencyMs, 12)
      for (const bytes of [10, 5]) manager.countTraffic(peer, 'high', 'in', bytes)
      manager.countTraffic(peer, 'bulk', 'out', 7)
      const { high, bulk, normal } = manager.get(peer)?.traffic ?? assert.fail()
      assert.deepEqual({ ...high }, { messagesIn: 2, messagesOut: 0, bytesIn: 15, bytesOut: 0 })
      assert.deepEqual({ ...bulk }, { messagesIn: 0, messagesOut: 1, bytesIn: 0, bytesOut: 7 })
      assert.deepEqual({ ...normal }, { messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 })
    }),
    bench.law('resolves whenReady as soon as the peer is ready, and at once where it is', 1, async (trial) => {
      const peer = trial.peer(0)
      const waiting = held(trial.manager.whenReady(peer))
      await trial.makeReady(peer)
      for (const ready of [waiting, trial.manager.whenReady(peer)]) {
        const record = await trial.patience.within('whenReady', ready)
        assert.equal(record.id.toString(), peer.toString())
        assert.equal(record.state, 'ready')
      }
    }),
    bench.law('ends whenReady when its signal aborts', 1, async (trial) => {
      const controller = new AbortController()
      const waiting = held(trial.manager.whenReady(trial.peer(0), { signal: controller.signal }))
      controller.abort()
      assertAborted(await trial.patience.rejection('whenReady', waiting), controller.signal, 'whenReady')
      const late = trial.manager.whenReady(trial.peer(0), { signal: controller.signal })
      assertAborted(await trial.patience.rejection('whenReady', late), controller.signal, 'whenReady')
    }),
    bench.law('closes every connection of a peer it is told to disconnect', 2, async (trial) => {
      const [peer, other] = [trial.peer(0), trial.peer(1)]
      for (const one of [peer, other]) await trial.makeReady(one)
      const parting = trial.manager.disconnect(peer, { code: 'conformance', message: 'the case is over' })
      await trial.patience.within('disconnect', parting)
      await trial.patience.until('end of the connections', () => !trial.world.isConnected(peer))
      await trial.reaches(peer, 'known')
      assert.ok(trial.world.isConnected(other))
    }),
  ]
}

/** A copy of a record that shares nothing with it. */
function frozen(record: PeerRecord | undefined): unknown {
  return record === undefined ? undefined : structuredClone({ ...record, id: record.id.toString() })
}

import assert from 'node:assert/strict'
import type { PeerQuery } from '../../peer.ts'
import type { ConformanceCase } from '../case.ts'
import type { PeerManagerBench, PeerManagerTrial } from './trial.ts'

const HEALTH = [30, 90, 50, 70]

/** Who is best to ask. */
export function rankingCases(bench: PeerManagerBench): ConformanceCase[] {
  return [
    bench.law('selects ready peers only, the healthier first', 6, async (trial) => {
      await rank(trial)
      await trial.connect(trial.peer(4))
      trial.manager.markConnecting(trial.peer(5))
      assert.deepEqual(selected(trial), [1, 3, 2, 0])
    }),
    bench.law('selects the better reputed first among peers of one health', 2, async (trial) => {
      for (const index of [0, 1]) {
        await trial.makeReady(trial.peer(index))
        trial.manager.updateHealth(trial.peer(index), { score: 50 })
      }
      for (const better of [0, 1, 1]) trial.manager.report(trial.peer(better), { class: 'useful' })
      await trial.patience.until('reputation', () => trial.manager.reputation(trial.peer(1)) > 0)
      await trial.tick()
      assert.deepEqual(selected(trial), [1, 0])
    }),
    bench.law('gives the same order every time, equals too, and the first of it for a limit', 6, async (trial) => {
      for (let index = 0; index < 6; index++) await trial.makeReady(trial.peer(index))
      const all = selected(trial)
      assert.equal(new Set(all).size, 6)
      for (let limit = 0; limit <= 7; limit++) assert.deepEqual(selected(trial, { limit }), all.slice(0, limit))
      assert.deepEqual(selected(trial), all)
    }),
    bench.law('selects by role, region, capabilities and height, all of them together', 4, async (trial) => {
      await trial.makeReady(trial.peer(0), { role: 'authority', region: 'north', capabilities: ['a', 'b'], height: 10 })
      await trial.makeReady(trial.peer(1), { role: 'authority', region: 'south', capabilities: ['a'], height: 20 })
      await trial.makeReady(trial.peer(2), { role: 'consumer', region: 'north', capabilities: ['b'], height: 30 })
      await trial.makeReady(trial.peer(3), { role: 'consumer', region: 'south', capabilities: [], height: 40 })
      const queries: [PeerQuery, number[]][] = [
        [{ role: 'authority' }, [0, 1]],
        [{ region: 'north' }, [0, 2]],
        [{ capabilities: ['a'] }, [0, 1]],
        [{ capabilities: ['a', 'b'] }, [0]],
        [{ minHeight: 20 }, [1, 2, 3]],
        [{ role: 'consumer', region: 'south', minHeight: 40 }, [3]],
        [{ role: 'authority', minHeight: 30 }, []],
        [{}, [0, 1, 2, 3]],
      ]
      for (const [query, fitting] of queries)
        assert.deepEqual(
          selected(trial, query).toSorted((a, b) => a - b),
          fitting,
        )
    }),
  ]
}

async function rank(trial: PeerManagerTrial): Promise<void> {
  for (const [index, score] of HEALTH.entries()) {
    await trial.makeReady(trial.peer(index))
    trial.manager.updateHealth(trial.peer(index), { score })
  }
}

/** The selected peers, by their index in the world. */
function selected({ manager, world }: PeerManagerTrial, query?: PeerQuery): number[] {
  return manager.select(query).map(({ id }) => world.peers.findIndex((peer) => peer.equals(id)))
}

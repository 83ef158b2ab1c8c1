import assert from 'node:assert/strict'
import { LANES } from '../../lane.ts'
import type { ConformanceCase } from '../case.ts'
import { hexOf, textBytes } from '../expectations.ts'
import { assertAddressed, assertOutcomes, type BroadcastBench, TOPIC } from './trial.ts'

const MESSAGE = textBytes('message')

/** Who gets a message, and how often. */
export function reachCases(bench: BroadcastBench): ConformanceCase[] {
  return [
    ...bench.strategies.flatMap((strategy) => [
      bench.law(`${strategy} reaches each subscriber once, saying whence, by which topic and how`, 3, async (trial) => {
        const inboxes = [trial.listen(1), trial.listen(2)]
        trial.listen(0)
        const delivery = await trial.publish(0, MESSAGE, strategy)
        await trial.arrived(MESSAGE, ...inboxes)
        await trial.fence(0, strategy, ...inboxes)
        for (const inbox of inboxes) {
          assert.equal(inbox.count(MESSAGE), 1)
          const { context } = inbox.arrivals.find(({ hex }) => hex === hexOf(MESSAGE)) ?? assert.fail()
          assert.equal(context.topic, TOPIC)
          assert.equal(context.id, delivery.id)
          assert.equal(context.via, strategy)
          // In a network of three either of the others may have been first with it.
          assert.ok([trial.id(0), trial.id(1), trial.id(2)].some((peer) => peer.equals(context.from)))
        }
      }),
      bench.law(`${strategy} hands one content over once, though two nodes publish it`, 3, async (trial) => {
        const inbox = trial.listen(2)
        trial.listen(0)
        trial.listen(1)
        const deliveries = await Promise.all([trial.publish(0, MESSAGE, strategy), trial.publish(1, MESSAGE, strategy)])
        await trial.arrived(MESSAGE, inbox)
        await trial.fence(0, strategy, inbox)
        await trial.fence(1, strategy, inbox)
        assert.equal(inbox.count(MESSAGE), 1)
        assert.equal(deliveries[0].id, deliveries[1].id)
      }),
      bench.law(`${strategy} takes no peer at all for a result`, 1, async (trial) => {
        const delivery = await trial.publish(0, MESSAGE, strategy)
        assert.equal(delivery.peers.size, 0)
        assert.equal(delivery.successRate, 1)
        assert.equal(await trial.patience.within('confirmed(0)', delivery.confirmed(0)), 0)
      }),
      bench.law(`${strategy} takes no subscriber at all for a result`, 2, async (trial) => {
        assertOutcomes(await trial.publish(0, MESSAGE, strategy))
      }),
    ]),
    ...(bench.strategies.includes('directed') ? [directedReach(bench)] : []),
    ...(bench.strategies.includes('flood') ? [floodReach(bench)] : []),
    ...LANES.map((lane) =>
      bench.law(`reaches each subscriber once in the ${lane} lane`, 3, async (trial) => {
        const inboxes = [trial.listen(1), trial.listen(2)]
        trial.listen(0)
        const strategy = bench.strategies.includes('gossip') ? undefined : bench.strategies[0]
        await trial.publish(0, MESSAGE, strategy, { lane })
        await trial.arrived(MESSAGE, ...inboxes)
        await trial.fence(0, strategy, ...inboxes)
        for (const inbox of inboxes) assert.equal(inbox.count(MESSAGE), 1)
      }),
    ),
  ]
}

function directedReach(bench: BroadcastBench): ConformanceCase {
  return bench.law('directed reaches the named peers and nobody else', 3, async (trial) => {
    const [named, other] = [trial.listen(1), trial.listen(2)]
    // Named twice, it is one peer still.
    const delivery = await trial.publish(0, MESSAGE, 'directed', { to: [trial.id(1), trial.id(1)] })
    assertAddressed(delivery, [trial.id(1)])
    await trial.arrived(MESSAGE, named)
    await trial.fence(0, 'directed', named, other)
    assert.equal(named.count(MESSAGE), 1)
    assert.equal(other.count(MESSAGE), 0)
  })
}

function floodReach(bench: BroadcastBench): ConformanceCase {
  return bench.law('flood addresses every ready peer', 4, async (trial) => {
    const inboxes = [1, 2, 3].map((index) => trial.listen(index))
    const delivery = await trial.publish(0, MESSAGE, 'flood')
    assertAddressed(delivery, [trial.id(1), trial.id(2), trial.id(3)])
    await trial.arrived(MESSAGE, ...inboxes)
  })
}

import assert from 'node:assert/strict'
import type { BroadcastStrategy } from '../../carriers.ts'
import type { ConformanceCase } from '../case.ts'
import { assertNamed, textBytes, thrownBy } from '../expectations.ts'
import { type BroadcastBench, TOPIC } from './trial.ts'

const MESSAGE = textBytes('message')
const OTHER_TOPIC = 'conformance-other'

/** Who holds a topic, and until when. */
export function topicCases(bench: BroadcastBench): ConformanceCase[] {
  const strategy = bench.strategies[0]
  return [
    bench.law('refuses a second handler of a topic with a RangeError, and the first stays', 2, async (trial) => {
      trial.listen(0)
      const inbox = trial.listen(1)
      assertNamed(
        thrownBy('a second subscribe', () => trial.listen(1)),
        'RangeError',
        'a second subscribe',
      )
      await trial.fence(0, strategy, inbox)
    }),
    bench.law('hands nothing over once unsubscribed, and frees the topic', 3, async (trial) => {
      let late = 0
      trial.listen(0)
      const witness = trial.listen(2)
      const { broadcast } = trial.node(1)
      const unsubscribe = broadcast.subscribe(TOPIC, () => {
        late++
        return 'accept'
      })
      unsubscribe()
      await trial.publish(0, MESSAGE, strategy)
      await trial.arrived(MESSAGE, witness)
      const inbox = trial.listen(1)
      // What was ended stays ended: a second call must not end the subscription that came after it.
      unsubscribe()
      await trial.fence(0, strategy, witness, inbox)
      assert.equal(late, 0)
    }),
    bench.law('keeps topics apart', 2, async (trial) => {
      const [inbox, other] = [trial.listen(1), trial.listen(1, 'accept', OTHER_TOPIC)]
      trial.listen(0)
      await trial.fence(0, strategy, inbox)
      assert.equal(other.arrivals.length, 0)
    }),
    ...bench.strategies.filter(isPlain).map((one) => losingItsHandler(bench, one)),
  ]
}

/** A mesh learns in its own time that a subscriber went. */
function isPlain(strategy: BroadcastStrategy): boolean {
  return strategy !== 'gossip'
}

function losingItsHandler(bench: BroadcastBench, strategy: BroadcastStrategy): ConformanceCase {
  return bench.law(`${strategy} has a message judged anew that lost its handler on the way`, 3, async (trial) => {
    const { broadcast: author } = trial.node(0)
    const { broadcast, peerId } = trial.node(1)
    const other = trial.listen(1, 'accept', OTHER_TOPIC)
    const options = { strategy, ...(strategy === 'directed' && { to: [peerId] }) }
    const unsubscribe = broadcast.subscribe(TOPIC, () => 'accept')
    const lost = author.publish(TOPIC, MESSAGE, options)
    unsubscribe()
    await trial.patience.within('publish', lost)
    await trial.patience.within('publish', author.publish(OTHER_TOPIC, MESSAGE, options))
    await trial.arrived(MESSAGE, other)
    const inbox = trial.listen(1)
    await trial.publish(2, MESSAGE, strategy)
    await trial.arrived(MESSAGE, inbox)
  })
}

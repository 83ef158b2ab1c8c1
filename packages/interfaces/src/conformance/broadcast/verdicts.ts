import assert from 'node:assert/strict'
import { runInNewContext } from 'node:vm'
import type { BroadcastAnswer, BroadcastStrategy, Verdict } from '../../carriers.ts'
import type { ConformanceCase } from '../case.ts'
import { hexOf, textBytes } from '../expectations.ts'
import type { BroadcastNode } from './harness.ts'
import type { BroadcastBench } from './trial.ts'

const MESSAGE = textBytes('message')
const REFUSALS: readonly Verdict[] = ['ignore', 'reject']

/** What verdicts do: a message that was not accepted goes no further, and a rejected one is somebody's fault. */
export function verdictCases(bench: BroadcastBench): ConformanceCase[] {
  const { harness } = bench
  const { confirms = true, relays = true } = harness
  const relayed = bench.strategies.filter((strategy) => strategy !== 'directed')
  return [
    ...bench.strategies.flatMap((strategy) => [
      bench.law(`${strategy} waits for a verdict that is promised`, 2, async (trial) => {
        trial.listen(0)
        const inbox = trial.listen(1, async () => 'accept' as const)
        await trial.publish(0, MESSAGE, strategy)
        await trial.arrived(MESSAGE, inbox)
      }),
      bench.law(`${strategy} waits for a verdict that is promised by another realm`, 3, async (trial) => {
        trial.listen(0)
        const answers: unknown[] = ['busy', 'accept']
        const inbox = trial.listen(1, () => promisedElsewhere(answers.shift() ?? 'reject'))
        await trial.publish(0, MESSAGE, strategy)
        await trial.arrived(MESSAGE, inbox)
        await trial.publish(2, MESSAGE, strategy)
        await trial.patience.until('the second copy', () => inbox.count(MESSAGE) === 2)
      }),
      bench.law(`${strategy} goes on after a handler threw`, 2, async (trial) => {
        trial.listen(0)
        const inbox = trial.listen(1, (bytes) => {
          if (hexOf(bytes) === hexOf(MESSAGE)) throw new RangeError('the handler of a conformance case throws')
          return 'accept'
        })
        await trial.publish(0, MESSAGE, strategy)
        await trial.fence(0, strategy, inbox)
      }),
      bench.law(`${strategy} has a message judged anew for which there was no room`, 3, async (trial) => {
        const answers: BroadcastAnswer[] = ['busy', 'accept']
        const inbox = trial.listen(1, () => answers.shift() ?? 'reject')
        await trial.publish(0, MESSAGE, strategy)
        await trial.arrived(MESSAGE, inbox)
        await trial.publish(2, MESSAGE, strategy)
        await trial.patience.until('the second copy', () => inbox.count(MESSAGE) === 2)
      }),
      ...(confirms ? REFUSALS.map((verdict) => unconfirmed(bench, strategy, verdict)) : []),
      ...(harness.blamedBy === undefined ? [] : blame(bench, strategy)),
    ]),
    ...(relays ? relayed.flatMap((strategy) => passingOn(bench, strategy)) : []),
  ]
}

/** A promise that is no instance of our `Promise`. */
function promisedElsewhere(answer: unknown): Promise<BroadcastAnswer> {
  return runInNewContext('Promise.resolve(answer)', { answer })
}

function unconfirmed(bench: BroadcastBench, strategy: BroadcastStrategy, verdict: Verdict): ConformanceCase {
  return bench.law(`${strategy} counts no peer whose verdict is ${verdict}`, 3, async (trial) => {
    trial.listen(0)
    const [accepting, refusing] = [trial.listen(1), trial.listen(2, verdict)]
    const delivery = await trial.publish(0, MESSAGE, strategy)
    await trial.arrived(MESSAGE, accepting, refusing)
    await trial.fence(0, strategy, accepting, refusing)
    assert.equal(await trial.patience.within('confirmed(1)', delivery.confirmed(1)), 1)
    const { status } = delivery.peers.get(trial.id(2).toString()) ?? { status: 'none' }
    assert.ok(!['acknowledged', 'seen'].includes(status), `the outcome of a peer that said ${verdict} is ${status}`)
  })
}

function blame(bench: BroadcastBench, strategy: BroadcastStrategy): ConformanceCase[] {
  const blamedBy = (node: BroadcastNode): readonly string[] => bench.harness.blamedBy?.(node) ?? []
  return [
    bench.law(`${strategy} blames the peer that brought a rejected message`, 2, async (trial) => {
      trial.listen(0)
      trial.listen(1, 'reject')
      await trial.publish(0, MESSAGE, strategy)
      const author = trial.id(0).toString()
      await trial.patience.until('blame', () => blamedBy(trial.node(1)).includes(author))
    }),
    bench.law(`${strategy} blames nobody for what is ignored or accepted`, 2, async (trial) => {
      trial.listen(0)
      const inbox = trial.listen(1, (bytes) => (hexOf(bytes) === hexOf(MESSAGE) ? 'ignore' : 'accept'))
      await trial.publish(0, MESSAGE, strategy)
      await trial.fence(0, strategy, inbox)
      assert.deepEqual(blamedBy(trial.node(1)), [])
    }),
  ]
}

/** On a line only the middle can pass a message on, so its verdict decides what the end gets. */
function passingOn(bench: BroadcastBench, strategy: BroadcastStrategy): ConformanceCase[] {
  const onLine = { links: 'line' } as const
  return [
    bench.law(
      `${strategy} passes on what was accepted, from the peer that passed it on`,
      3,
      async (trial) => {
        trial.listen(0)
        trial.listen(1)
        const end = trial.listen(2)
        await trial.publish(0, MESSAGE, strategy)
        await trial.arrived(MESSAGE, end)
        await trial.fence(0, strategy, end)
        assert.equal(end.count(MESSAGE), 1)
        for (const { context } of end.arrivals) assert.equal(context.from.toString(), trial.id(1).toString())
      },
      onLine,
    ),
    ...REFUSALS.map((verdict) =>
      bench.law(
        `${strategy} does not pass on where the verdict is ${verdict}`,
        3,
        async (trial) => {
          trial.listen(0)
          const middle = trial.listen(1, (bytes) => (hexOf(bytes) === hexOf(MESSAGE) ? verdict : 'accept'))
          const end = trial.listen(2)
          await trial.publish(0, MESSAGE, strategy)
          await trial.arrived(MESSAGE, middle)
          await trial.fence(0, strategy, end)
          assert.equal(end.count(MESSAGE), 0)
        },
        onLine,
      ),
    ),
  ]
}

import assert from 'node:assert/strict'
import type { BroadcastStrategy } from '../../carriers.ts'
import type { ConformanceCase } from '../case.ts'
import { assertTyped, hexOf, textBytes } from '../expectations.ts'
import type { BroadcastBench } from './trial.ts'

const MESSAGE = textBytes('message')

/** The bytes: any number of them, never changed, never shared. */
export function payloadCases(bench: BroadcastBench): ConformanceCase[] {
  const { maxMessageBytes, ownBytes = true } = bench.harness
  return bench.strategies.flatMap((strategy) => [
    bench.law(`${strategy} carries no bytes at all`, 2, async (trial) => {
      trial.listen(0)
      const inbox = trial.listen(1)
      await trial.publish(0, new Uint8Array(0), strategy)
      await trial.arrived(new Uint8Array(0), inbox)
    }),
    bench.law(`${strategy} derives the id from the bytes`, 1, async (trial) => {
      const [one, same, other] = [
        await trial.publish(0, MESSAGE, strategy),
        await trial.publish(0, MESSAGE.slice(), strategy),
        await trial.publish(0, textBytes('another'), strategy),
      ]
      assert.match(one.id, /^[0-9a-f]+$/i)
      assert.equal(one.id, same.id)
      assert.notEqual(one.id, other.id)
    }),
    bench.law(
      `${strategy} leaves the publisher's bytes alone, and is done with them when publish resolves`,
      2,
      async (trial) => {
        trial.listen(0)
        const inbox = trial.listen(1)
        const bytes = MESSAGE.slice()
        const delivery = await trial.publish(0, bytes, strategy)
        assert.equal(hexOf(bytes), hexOf(MESSAGE))
        bytes.fill(0)
        await trial.arrived(MESSAGE, inbox)
        assert.equal(inbox.arrivals[0]?.context.id, delivery.id)
      },
    ),
    ...(ownBytes ? [own(bench, strategy)] : []),
    ...(maxMessageBytes === undefined
      ? []
      : [
          bench.law(
            `${strategy} carries a long payload and refuses one too long with a typed error`,
            2,
            async (trial) => {
              trial.listen(0)
              const inbox = trial.listen(1)
              const [longest, tooLong] = [new Uint8Array(maxMessageBytes), new Uint8Array(2 * maxMessageBytes)]
              const err = await trial.patience.rejection('publish', trial.publish(0, tooLong, strategy))
              assertTyped(err, 'publish of too many bytes')
              await trial.publish(0, longest, strategy)
              await trial.arrived(longest, inbox)
              assert.equal(inbox.arrivals.length, 1)
            },
          ),
        ]),
  ])
}

function own(bench: BroadcastBench, strategy: BroadcastStrategy): ConformanceCase {
  return bench.law(`${strategy} gives each handler bytes of its own`, 3, async (trial) => {
    trial.listen(0)
    const inboxes = [trial.listen(1, overwrite), trial.listen(2, overwrite)]
    const bytes = MESSAGE.slice()
    await trial.publish(0, bytes, strategy)
    await trial.arrived(MESSAGE, ...inboxes)
    assert.equal(hexOf(bytes), hexOf(MESSAGE))
    await trial.fence(0, strategy, ...inboxes)
    // Changed on the way, it would have come as another message.
    for (const inbox of inboxes) assert.equal(inbox.arrivals.length, 2)
  })
}

function overwrite(bytes: Uint8Array): 'accept' {
  bytes.fill(0)
  return 'accept'
}

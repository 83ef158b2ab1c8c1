import assert from 'node:assert/strict'
import type { ConformanceCase } from '../case.ts'
import { assertAborted, assertNamed, textBytes } from '../expectations.ts'
import { assertAddressed, type BroadcastBench } from './trial.ts'

const MESSAGE = textBytes('message')
const SHORT_LIFE_MS = 200

/** What a delivery says of each peer, and when `confirmed` settles. */
export function deliveryCases(bench: BroadcastBench): ConformanceCase[] {
  const { confirms = true, expires = true } = bench.harness
  return [
    ...(bench.strategies.includes('directed') ? [accounting(bench)] : []),
    ...bench.strategies.flatMap((strategy) => [
      bench.law(`${strategy} gives up waiting for confirmations when the signal aborts`, 2, async (trial) => {
        trial.listen(0)
        const delivery = await trial.publish(0, MESSAGE, strategy)
        const controller = new AbortController()
        const waiting = delivery.confirmed(2, { signal: controller.signal })
        controller.abort()
        const err = await trial.patience.rejection('confirmed(2) of one peer', waiting)
        assertAborted(err, controller.signal, 'confirmed')
        const late = delivery.confirmed(2, { signal: controller.signal })
        assertAborted(await trial.patience.rejection('confirmed', late), controller.signal, 'confirmed')
      }),
      bench.law(`${strategy} publishes nothing under a signal that is aborted`, 2, async (trial) => {
        trial.listen(0)
        const inbox = trial.listen(1)
        const signal = AbortSignal.abort()
        try {
          const delivery = await trial.publish(0, MESSAGE, strategy, { signal })
          for (const [peer, { status }] of delivery.peers) assert.equal(status, 'dropped', `${peer} is ${status}`)
        } catch (err) {
          assertAborted(err, signal, 'publish')
        }
        await trial.fence(0, strategy, inbox)
        assert.equal(inbox.count(MESSAGE), 0)
      }),
      ...(confirms
        ? [
            bench.law(`${strategy} confirms as many peers as have the message`, 3, async (trial) => {
              for (const index of [0, 1, 2]) trial.listen(index)
              const delivery = await trial.publish(0, MESSAGE, strategy)
              for (const k of [0, 1, 2]) {
                const confirmed = await trial.patience.within(`confirmed(${k})`, delivery.confirmed(k))
                assert.ok(confirmed >= k && confirmed <= 2, `confirmed(${k}) of two peers resolved with ${confirmed}`)
              }
              assert.equal(delivery.successRate, 1)
              assertAddressed(delivery, [trial.id(1), trial.id(2)])
            }),
          ]
        : []),
      ...(expires
        ? [
            bench.law(
              `${strategy} ends the wait for confirmations that do not come with a TimeoutError`,
              2,
              async (trial) => {
                trial.listen(0)
                trial.listen(1)
                const delivery = await trial.publish(0, MESSAGE, strategy)
                const err = await trial.patience.rejection('confirmed(2) of one peer', delivery.confirmed(2))
                assertNamed(err, 'TimeoutError', 'confirmed')
              },
              { deliveryLifetimeMs: SHORT_LIFE_MS },
            ),
          ]
        : []),
    ]),
  ]
}

function accounting(bench: BroadcastBench): ConformanceCase {
  return bench.law(
    'directed gives each named peer one outcome, and a reason where it was dropped',
    3,
    async (trial) => {
      trial.listen(1)
      trial.listen(2)
      const stranger = await trial.stranger()
      const to = [trial.id(1), stranger, trial.id(2)]
      const delivery = await trial.publish(0, MESSAGE, 'directed', { to })
      assertAddressed(delivery, to)
      const statusOf = (peer: { toString(): string }): string | undefined => delivery.peers.get(peer.toString())?.status
      await trial.patience.until('drop of a peer without a link', () => statusOf(stranger) === 'dropped')
      assertAddressed(delivery, to)
      for (const index of [1, 2]) assert.notEqual(statusOf(trial.id(index)), 'dropped')
      assert.ok(Math.abs(delivery.successRate - 2 / 3) < 1e-9, `successRate of 2 in 3 peers is ${delivery.successRate}`)
    },
  )
}

import assert from 'node:assert/strict'
import type { Quota } from '../../links.ts'
import type { ConformanceCase } from '../case.ts'
import { assertAborted } from '../expectations.ts'
import { held, realTimeMs } from '../patience.ts'
import { assertWindows, type Pass, type RateLimiterBench, type RateLimiterTrial } from './trial.ts'

const LIMITS = { messagesPerSecond: 100, messagesBurst: 200 }
const DEFAULT_OUTBOUND_BURST_MS = 1_000
const QUOTA: Quota = { messagesPerSecond: 50, bytesPerSecond: 1_000_000_000 }
/** One message in a quarter of an hour. */
const TINY_QUOTA: Quota = { messagesPerSecond: 0.001, bytesPerSecond: 1_000_000_000 }
/** Sends beyond the burst. */
const SURPLUS = 15

/** `whenAllowed`: what we may send to peers. Always in real time, since it waits by itself. */
export function outboundCases(bench: RateLimiterBench): ConformanceCase[] {
  const { quotas = true, outboundBurstMs = DEFAULT_OUTBOUND_BURST_MS } = bench.harness
  return [
    bench.law('lets everything pass to a peer that announced nothing', LIMITS, async (trial) => {
      for (let sent = 0; sent < 1_000; sent++) {
        await trial.patience.within('whenAllowed', trial.limiter.whenAllowed(trial.peer(0)))
      }
    }),
    bench.law('allows nothing under a signal that is aborted', LIMITS, async (trial) => {
      const signal = AbortSignal.abort()
      const err = await trial.patience.rejection(
        'whenAllowed',
        trial.limiter.whenAllowed(trial.peer(0), undefined, { signal }),
      )
      assertAborted(err, signal, 'whenAllowed')
    }),
    ...(quotas
      ? [
          bench.law('keeps sends within the quota of the peer, in every window', LIMITS, async (trial) =>
            within(trial, outboundBurstMs),
          ),
          bench.law('ends the wait of a send when its signal aborts', LIMITS, async (trial) => {
            await trial.world.announce?.(trial.peer(0), TINY_QUOTA)
            const controller = new AbortController()
            // One more than any burst of so low a rate, so that the last has to wait.
            const most = Math.ceil((TINY_QUOTA.messagesPerSecond * outboundBurstMs) / 1_000) + 1
            const { signal } = controller
            const sends = Array.from({ length: most }, () =>
              held(trial.limiter.whenAllowed(trial.peer(0), undefined, { signal })),
            )
            const last = sends.at(-1) ?? assert.fail()
            controller.abort()
            assertAborted(await trial.patience.rejection('whenAllowed', last), signal, 'whenAllowed')
          }),
          bench.law('holds sends to one peer back for no other', LIMITS, async (trial) => {
            await trial.world.announce?.(trial.peer(0), TINY_QUOTA)
            const controller = new AbortController()
            for (let sends = 0; sends < 3; sends++) {
              void held(trial.limiter.whenAllowed(trial.peer(0), undefined, { signal: controller.signal }))
            }
            await trial.patience.within('whenAllowed for another peer', trial.limiter.whenAllowed(trial.peer(1)))
            controller.abort()
          }),
          bench.law('holds `critical` back for no other lane', LIMITS, async (trial) => {
            await trial.world.announce?.(trial.peer(0), TINY_QUOTA)
            const controller = new AbortController()
            const { signal } = controller
            for (const lane of ['high', 'normal', 'bulk'] as const) {
              void held(trial.limiter.whenAllowed(trial.peer(0), undefined, { signal, lane }))
            }
            const urgent = trial.limiter.whenAllowed(trial.peer(0), undefined, { lane: 'critical' })
            await trial.patience.within('whenAllowed in `critical`', urgent)
            controller.abort()
          }),
        ]
      : []),
  ]
}

async function within(trial: RateLimiterTrial, outboundBurstMs: number): Promise<void> {
  const peer = trial.peer(0)
  await trial.world.announce?.(peer, QUOTA)
  const burst = Math.max(1, (QUOTA.messagesPerSecond * outboundBurstMs) / 1_000)
  const startedMs = realTimeMs()
  const passes: Pass[] = []
  let lastPassMs = startedMs
  for (let sent = 0; sent < burst + SURPLUS; sent++) {
    // Sent one after the other, each pass lies between the one before and the moment that it is seen.
    const notBeforeMs = lastPassMs
    await trial.patience.within('whenAllowed', trial.limiter.whenAllowed(peer))
    lastPassMs = realTimeMs()
    passes.push({ messages: 1, notBeforeMs, notAfterMs: lastPassMs })
  }
  assertWindows(passes, burst, QUOTA.messagesPerSecond)
}

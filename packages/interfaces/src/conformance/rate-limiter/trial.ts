import assert from 'node:assert/strict'
import type { PeerId } from '@libp2p/interface'
import type { RateCost, RateLimiter, RateVerdict } from '../../limits.ts'
import { type ConformanceCase, lawIn, type World } from '../case.ts'
import { itemAt } from '../expectations.ts'
import { Patience, pause, realTimeMs } from '../patience.ts'
import type { RateLimiterHarness, RateLimiterLimits, RateLimiterWorld } from './harness.ts'

export const PROTOCOL = '/conformance/1'

/** What passed, within these two readings of the clock. */
export interface Pass {
  readonly messages: number
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

/** A limiter, and time that passes for it. */
export class RateLimiterTrial implements World {
  readonly patience: Patience
  readonly world: RateLimiterWorld
  #advancedMs = 0

  constructor(patience: Patience, world: RateLimiterWorld) {
    this.patience = patience
    this.world = world
  }

  get limiter(): RateLimiter {
    return this.world.limiter
  }

  async stop(): Promise<void> {
    await this.world.stop()
  }

  peer(index: number): PeerId {
    return itemAt(this.world.peers, index, 'peers')
  }

  take(index: number, cost?: RateCost, protocol: string = PROTOCOL): RateVerdict {
    return this.limiter.take(this.peer(index), protocol, cost)
  }

  /** Takes one message after the other until one is refused, and returns the refusal. */
  exhaust(index: number, atMost: number, protocol?: string): Extract<RateVerdict, { ok: false }> {
    for (let taken = 0; taken <= atMost; taken++) {
      const verdict = this.take(index, undefined, protocol)
      if (!verdict.ok) return verdict
    }
    return assert.fail(`${atMost} messages were the most that may pass, and one more did`)
  }

  async advance(ms: number): Promise<void> {
    this.#advancedMs += ms
    // A timer may fire a part of a millisecond early.
    await (this.world.advance === undefined ? pause(ms + 1) : this.world.advance(ms))
  }

  /**
   * Time as the limiter may see it. Where the harness makes time pass, real time is counted as well: the limiter may
   * or may not see it, and a law must not be found broken for that.
   */
  nowMs(): number {
    return this.world.advance === undefined ? realTimeMs() : realTimeMs() + this.#advancedMs
  }
}

/** Makes the cases of one harness. */
export class RateLimiterBench {
  readonly harness: RateLimiterHarness
  readonly #patience: Patience

  constructor(harness: RateLimiterHarness) {
    this.harness = harness
    this.#patience = new Patience(harness.patienceMs)
  }

  /** A case with a limiter of its own. */
  law(
    name: string,
    limits: RateLimiterLimits,
    check: (trial: RateLimiterTrial) => Promise<void> | void,
  ): ConformanceCase {
    const create = async (): Promise<RateLimiterTrial> =>
      new RateLimiterTrial(this.#patience, await this.harness.create(limits))
    return lawIn(this.#patience, create, name, check)
  }
}

/** In no window, of whatever length, did more pass than `burst` and what `perSecond` adds in that time. */
export function assertWindows(passes: readonly Pass[], burst: number, perSecond: number): void {
  for (const [first, { notBeforeMs }] of passes.entries()) {
    let sum = 0
    for (const { messages, notAfterMs } of passes.slice(first)) {
      sum += messages
      // The longest that the window can have been.
      const windowMs = notAfterMs - notBeforeMs
      const allowed = burst + (perSecond * windowMs) / 1_000
      assert.ok(sum <= allowed * (1 + 1e-9), `${sum} messages passed in ${windowMs} ms, and ${allowed} may`)
    }
  }
}

import { AsyncResource } from 'node:async_hooks'
import { RealWorkError, DeadlockError, RunLimitError, SpinError } from '../errors.ts'
import { realPerformanceNow, realSetImmediate } from './real.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Events between two looks at the real world. */
const BATCH = 128
/** Work of the real world that a simulated node has no business with. */
const REAL_WORK = new Set([
  'ConnectWrap',
  'FSEventWrap',
  'FSReqCallback',
  'FSReqPromise',
  'GetAddrInfoReqWrap',
  'QueryReqWrap',
  'StatWatcher',
  'TCPConnectWrap',
  'TCPServerWrap',
  'TCPSocketWrap',
  'UDPWrap',
  'ProcessWrap',
])

/** Something besides the clock that must be done before time may go on. */
export interface Gate {
  readonly isBusy: boolean
  /** Lets the next thing of it be done; calls `done` after that, in a macrotask of its own. */
  release(done: () => void): void
}

export interface RunLoopInit {
  readonly clock: VirtualClock
  readonly gate: Gate
  readonly maxVirtualMs: number
  readonly maxWallMs: number
  /** Events at one moment, beyond which somebody spins. */
  readonly maxEventsPerInstant: number
  readonly allowRealWork: boolean
  /** Is given what an event throws. */
  readonly onThrow: (err: unknown) => void
}

function countResources(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const type of process.getActiveResourcesInfo()) {
    if (REAL_WORK.has(type)) counts.set(type, (counts.get(type) ?? 0) + 1)
  }
  return counts
}

/**
 * Lets events happen one after the other, each in a macrotask of its own, so that ticks and microtasks are done in
 * between as in life. Node.js does that between the immediates of one turn; a turn for each event would cost several
 * times as much.
 */
export class RunLoop {
  readonly #init: RunLoopInit
  readonly #resourcesBefore = countResources()
  readonly #startedAt = realPerformanceNow()
  readonly #finished = Promise.withResolvers<void>()
  #isFinished = false
  #instantMs = -1
  #eventsOfInstant = 0
  #events = 0

  constructor(init: RunLoopInit) {
    this.#init = init
  }

  /** Events that have happened. */
  get events(): number {
    return this.#events
  }

  /** Runs until `finish` or `fail` is called, or a limit is passed. */
  async run(): Promise<void> {
    this.#batch()
    return this.#finished.promise
  }

  // Both let the microtasks under way end first: what they plan must not become real timers.
  finish(): void {
    // What was begun within the last batch.
    if (!this.#init.allowRealWork) this.#refuseRealWork()
    if (this.#isFinished) return
    this.#isFinished = true
    realSetImmediate(() => this.#finished.resolve())
  }

  fail(err: unknown): void {
    this.#isFinished = true
    realSetImmediate(() => this.#finished.reject(err))
  }

  readonly #batch = (): void => {
    for (let at = 0; at < BATCH; at++) realSetImmediate(this.#step)
    realSetImmediate(this.#endOfBatch)
  }

  readonly #endOfBatch = (): void => {
    if (this.#isFinished || !this.#isWithinLimits()) return
    if (this.#init.gate.isBusy) this.#init.gate.release(this.#released)
    else this.#batch()
  }

  // Bound: the gate calls it in the context of whoever called WebCrypto, which all later events would inherit.
  readonly #released = AsyncResource.bind((): void => {
    this.#watchInstant()
    this.#endOfBatch()
  })

  readonly #step = (): void => {
    if (this.#isFinished || this.#init.gate.isBusy) return
    const { clock, maxVirtualMs } = this.#init
    if ((clock.nextAtMs ?? 0) > maxVirtualMs) {
      this.fail(new RunLimitError('maxVirtualMs', maxVirtualMs))
      return
    }
    try {
      if (!clock.step()) {
        this.#onNothingLeft()
        return
      }
    } catch (err) {
      this.#init.onThrow(err)
    }
    this.#events++
    this.#watchInstant()
  }

  #onNothingLeft(): void {
    // Real work, where it is allowed, may still plan something; where it is not, it is what is waited for.
    if (this.#init.allowRealWork) return
    this.#refuseRealWork()
    if (!this.#isFinished) this.fail(new DeadlockError(this.#init.clock.nowMs))
  }

  #watchInstant(): void {
    const { clock, maxEventsPerInstant } = this.#init
    if (clock.nowMs !== this.#instantMs) {
      this.#instantMs = clock.nowMs
      this.#eventsOfInstant = 0
    } else if (++this.#eventsOfInstant > maxEventsPerInstant) {
      this.fail(new SpinError(this.#eventsOfInstant, clock.nowMs, clock.current.index))
    }
  }

  #isWithinLimits(): boolean {
    const { maxWallMs, allowRealWork } = this.#init
    if (realPerformanceNow() - this.#startedAt > maxWallMs) this.fail(new RunLimitError('maxWallMs', maxWallMs))
    else if (!allowRealWork) this.#refuseRealWork()
    return !this.#isFinished
  }

  // A request that was begun in this batch is still listed: its end is only heard of after the batch.
  #refuseRealWork(): void {
    const resources = [...countResources()]
      .filter(([type, count]) => count > (this.#resourcesBefore.get(type) ?? 0))
      .map(([type]) => type)
    if (resources.length > 0) this.fail(new RealWorkError(resources))
  }
}

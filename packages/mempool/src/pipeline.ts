import { LaneQueue, type Queued, type QueueRoom } from './lane-queue.ts'

/** The two dear steps of admission. Neither rejects. */
export interface PipelineSteps<I> {
  /** Gives back those whose signatures hold; the others are settled. */
  verify(batch: readonly I[]): Promise<I[]>
  /** Holds them against the state and settles them. */
  judge(batch: I[]): Promise<void>
}

/**
 * Takes transactions through verification, several batches at once, and then through judgement, one batch after the
 * other in the order in which they came. What comes while a batch is under way makes up the next: no timer waits for
 * batches to fill.
 */
export class Pipeline<I extends Queued> {
  readonly #steps: PipelineSteps<I>
  readonly #batchSize: number
  readonly #concurrency: number
  readonly #queue: LaneQueue<I>
  #again: I[] = []
  #verifying = 0
  #isPumpDue = false
  #tail: Promise<void> = Promise.resolve()
  #queued = 0

  constructor(steps: PipelineSteps<I>, limits: QueueRoom & { batchSize: number; concurrency: number }) {
    this.#steps = steps
    this.#queue = new LaneQueue(limits)
    this.#batchSize = limits.batchSize
    this.#concurrency = limits.concurrency
  }

  push(item: I): void {
    this.#queue.push(item)
    if (this.#isPumpDue) return
    this.#isPumpDue = true
    // Whatever is added in this turn belongs to one batch.
    queueMicrotask(() => {
      this.#isPumpDue = false
      this.#pump()
    })
  }

  /** Takes back, for a newcomer, the newest that waits in the lane with most of the room, if that is not its own. */
  shed(newcomer: Queued): I | undefined {
    return this.#queue.popFor(newcomer)
  }

  /** Puts back what was shed, the last first. */
  putBack(item: I): void {
    this.#queue.push(item)
  }

  /** Takes back all that wait for verification. */
  drain(): I[] {
    return this.#queue.shift(Infinity)
  }

  /** Judges those whose signatures are known to hold. */
  judge(items: readonly I[]): void {
    if (items.length === 0) return
    const isDue = this.#again.length > 0
    this.#again = this.#again.concat(items)
    if (!isDue) this.#enqueue(() => this.#judgeAgain())
  }

  /** Resolves once nothing is under way. */
  async whenIdle(): Promise<void> {
    while (!this.#queue.isEmpty || this.#queued > 0) await this.#tail
  }

  #pump(): void {
    while (this.#verifying < this.#concurrency && !this.#queue.isEmpty) {
      const verified = this.#steps.verify(this.#queue.shift(this.#batchSize))
      this.#verifying += 1
      this.#enqueue(async () => {
        const valid = await verified
        this.#verifying -= 1
        this.#pump()
        if (valid.length > 0) await this.#steps.judge(valid)
      })
    }
  }

  async #judgeAgain(): Promise<void> {
    while (this.#again.length > 0) await this.#steps.judge(this.#again.splice(0, this.#batchSize))
  }

  #enqueue(step: () => Promise<void>): void {
    this.#queued += 1
    this.#tail = this.#tail.then(step).finally(() => {
      this.#queued -= 1
    })
  }
}

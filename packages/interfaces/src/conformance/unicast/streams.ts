import assert from 'node:assert/strict'
import type { ConformanceCase } from '../case.ts'
import { assertAborted, assertTyped, hexOf, textBytes } from '../expectations.ts'
import { held } from '../patience.ts'
import { NAME, type UnicastBench, type UnicastTrial } from './trial.ts'

const ITEM_BYTES = 65_536
const DEFAULT_MAX_STREAM_BYTES = 4_194_304
/** Requests there and back, for which a side that is held back is watched. */
const ROUND_TRIPS = 32

class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly code = 'conformance-stream'
}

/** Streamed requests: items in order both ways, either side slowing the other down. */
export function streamCases(bench: UnicastBench): ConformanceCase[] {
  const { maxStreamBytes = DEFAULT_MAX_STREAM_BYTES } = bench.harness
  const count = Math.ceil((2 * maxStreamBytes) / ITEM_BYTES) + 1
  return [
    bench.law('streams items both ways in order, and ends where the handler ends', async (trial) => {
      trial.answerer.handleStream(NAME, (source) => source)
      const questions = Array.from({ length: 100 }, (_, index) => textBytes(`item ${index}`))
      assert.deepEqual(await gather(trial, trial.stream(each(questions))), questions.map(hexOf))
      assert.deepEqual(await gather(trial, trial.stream(each([]))), [])
    }),
    bench.law('streams an answer while the questions go on', async (trial) => {
      trial.answerer.handleStream(NAME, (source) => source)
      const turns = Array.from({ length: 3 }, () => Promise.withResolvers<void>())
      const answers = trial.stream(inTurn(turns.map(({ promise }) => promise)))
      for (const [index, turn] of turns.entries()) {
        turn.resolve()
        const { value } = await trial.next(answers)
        assert.ok(value instanceof Uint8Array)
        assert.equal(hexOf(value), hexOf(textBytes(`turn ${index}`)))
      }
      assert.equal((await trial.next(answers)).done, true)
    }),
    bench.law('brings what a stream handler throws as code and message, after the items before it', async (trial) => {
      trial.answerer.handleStream(NAME, async function* () {
        yield textBytes('first')
        throw new StreamError('what went wrong')
      })
      const answers = trial.stream(each([]))
      assert.equal((await trial.next(answers)).done, false)
      const err = await trial.patience.rejection('item of a stream', answers.next())
      assertTyped(err, 'item of a stream')
      assert.equal('code' in err && err.code, 'conformance-stream')
      assert.ok(err.message.includes('what went wrong'))
    }),
    bench.law('fails a streamed call with a typed error where no handler has the name', async (trial) => {
      trial.answerer.handle('one', (bytes) => bytes)
      for (const name of [NAME, 'one']) {
        const failure = trial.patience.rejection('item of a stream', trial.stream(each([]), {}, name).next())
        assertTyped(await failure, 'streamed call to no stream handler')
      }
    }),
    bench.law('ends a streamed call when the caller aborts, and aborts the signal of the handler', async (trial) => {
      const handler = endless(trial)
      const controller = new AbortController()
      const answers = trial.stream(each([]), { signal: controller.signal })
      assert.equal((await trial.next(answers)).done, false)
      controller.abort()
      const err = await trial.patience.rejection('item of a stream', drain(answers))
      assertAborted(err, controller.signal, 'streamed call')
      await handler.abandoned()
    }),
    bench.law('aborts the signal of the handler when the caller wants no more answers', async (trial) => {
      const handler = endless(trial)
      const answers = trial.stream(each([]))
      assert.equal((await trial.next(answers)).done, false)
      await trial.patience.within('return of a stream', Promise.resolve(answers.return?.()))
      await handler.abandoned()
    }),
    bench.law('takes no more questions than fit while the handler takes none', async (trial) => {
      const { promise: released, resolve: release } = Promise.withResolvers<void>()
      trial.answerer.handleStream(NAME, async function* (source) {
        await released
        let items = 0
        for await (const item of source) items += item.length / ITEM_BYTES
        yield textBytes(String(items))
      })
      const questions = new Counted(count)
      const answer = held(trial.stream(questions).next())
      await roundTrips(trial)
      assertHeldBack(questions, maxStreamBytes)
      release()
      const { value } = await trial.patience.within('answer after all questions', answer)
      assert.ok(value instanceof Uint8Array)
      assert.equal(hexOf(value), hexOf(textBytes(String(count))))
    }),
    bench.law('takes no more answers than fit while the caller takes none', async (trial) => {
      const given = new Counted(count)
      trial.answerer.handleStream(NAME, () => given)
      const answers = trial.stream(each([]))
      assert.equal((await trial.next(answers)).done, false)
      await roundTrips(trial)
      assertHeldBack(given, maxStreamBytes)
      assert.equal((await gather(trial, answers)).length, count - 1)
    }),
  ]
}

/** So many items, of which it is known how many were taken. */
class Counted implements AsyncIterable<Uint8Array> {
  readonly #count: number
  taken = 0

  constructor(count: number) {
    this.#count = count
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (; this.taken < this.#count;) {
      this.taken++
      yield new Uint8Array(ITEM_BYTES)
    }
  }
}

function assertHeldBack({ taken }: Counted, maxStreamBytes: number): void {
  // One item may be begun while there is room for any of it.
  const allowed = maxStreamBytes + ITEM_BYTES
  assert.ok(taken * ITEM_BYTES <= allowed, `${taken * ITEM_BYTES} bytes were taken, and ${allowed} may wait`)
}

async function* each(items: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* items
}

async function* inTurn(turns: readonly Promise<void>[]): AsyncGenerator<Uint8Array> {
  for (const [index, turn] of turns.entries()) {
    await turn
    yield textBytes(`turn ${index}`)
  }
}

async function gather(trial: UnicastTrial, answers: AsyncIterator<Uint8Array>): Promise<string[]> {
  const items: string[] = []
  for (;;) {
    const { done, value } = await trial.next(answers)
    if (done === true) return items
    assert.ok(value instanceof Uint8Array)
    items.push(hexOf(value))
  }
}

/** Takes what was on its way, until there is no more or an error. */
async function drain(answers: AsyncIterator<Uint8Array>): Promise<void> {
  while ((await answers.next()).done !== true);
}

/** A handler that says something, then waits for the end. */
function endless({ answerer, patience }: UnicastTrial): { abandoned(): Promise<void> } {
  const signals: AbortSignal[] = []
  answerer.handleStream(NAME, async function* (_, { signal }) {
    signals.push(signal)
    yield textBytes('first')
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  })
  const isAbandoned = (): boolean => signals.length > 0 && signals.every(({ aborted }) => aborted)
  return { abandoned: () => patience.until("abort of the handler's signal", isAbandoned) }
}

async function roundTrips(trial: UnicastTrial): Promise<void> {
  trial.answerer.handle('fence', (bytes) => bytes)
  for (let trips = 0; trips < ROUND_TRIPS; trips++) await trial.ask(textBytes('fence'), {}, 'fence')
}

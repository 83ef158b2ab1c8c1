import assert from 'node:assert/strict'
import type { UnicastContext } from '../../carriers.ts'
import { LANES } from '../../lane.ts'
import type { ConformanceCase } from '../case.ts'
import { assertNamed, assertTyped, hexOf, textBytes, thrownBy } from '../expectations.ts'
import { held } from '../patience.ts'
import { NAME, type UnicastBench, type UnicastTrial } from './trial.ts'

const QUESTION = textBytes('question')
const ANSWER = textBytes('answer')
/** Calls under way at once. Few, since handlers may be bounded. */
const AT_ONCE = 8

/** Receipts, answers, and who gets which. */
export function callCases(bench: UnicastBench): ConformanceCase[] {
  return [
    bench.law('send resolves with a receipt once the handler has taken the bytes, and not before', receipt),
    bench.law('request resolves with the answer, and tells the handler who asks', async (trial) => {
      const contexts: UnicastContext[] = []
      trial.answerer.handle(NAME, (bytes, context) => {
        assert.equal(hexOf(bytes), hexOf(QUESTION))
        contexts.push(context)
        return ANSWER
      })
      for (const lane of LANES) assert.equal(hexOf(await trial.ask(QUESTION, { lane })), hexOf(ANSWER))
      await trial.ask(QUESTION)
      assert.deepEqual(
        contexts.map(({ lane }) => lane),
        [...LANES, 'normal'],
      )
      for (const { peer } of contexts) assert.equal(peer.toString(), trial.near.peerId.toString())
    }),
    bench.law('gives every one of many requests at once its own answer', concurrent),
    bench.law('answers in both directions at once', async (trial) => {
      trial.far.unicast.handle(NAME, () => textBytes('far'))
      trial.near.unicast.handle(NAME, () => textBytes('near'))
      const back = held(trial.far.unicast.request(trial.near.peerId, NAME, QUESTION))
      const [near, far] = await Promise.all([trial.patience.within('request', back), trial.ask(QUESTION)])
      assert.deepEqual([hexOf(near), hexOf(far)], [hexOf(textBytes('near')), hexOf(textBytes('far'))])
    }),
    bench.law('refuses a name that is taken, by either sort of handler, with a RangeError', async (trial) => {
      const { answerer } = trial
      answerer.handle('one', (bytes) => bytes)
      answerer.handleStream('many', (source) => source)
      for (const name of ['one', 'many']) {
        const calls = [() => answerer.handle(name, () => ANSWER), () => answerer.handleStream(name, (source) => source)]
        for (const call of calls) assertNamed(thrownBy('a second handler', call), 'RangeError', 'a second handler')
      }
      assert.equal(hexOf(await trial.ask(QUESTION, {}, 'one')), hexOf(QUESTION))
    }),
    bench.law('frees the name of a handler that is removed', async (trial) => {
      trial.answerer.handle(NAME, () => ANSWER)
      trial.answerer.unhandle(NAME)
      assertTyped(await trial.failure(QUESTION), 'request to a handler that was removed')
      trial.answerer.handle(NAME, () => QUESTION)
      assert.equal(hexOf(await trial.ask(ANSWER)), hexOf(QUESTION))
      trial.answerer.unhandle('a name that nobody has')
    }),
    bench.law('fails with a typed error for a name that has no handler, and one of the other sort', async (trial) => {
      trial.answerer.handleStream('many', (source) => source)
      assertTyped(await trial.failure(QUESTION), 'request to no handler')
      assertTyped(await trial.failure(QUESTION, {}, 'many'), 'request to a stream handler')
    }),
  ]
}

async function receipt(trial: UnicastTrial): Promise<void> {
  const taking = Promise.withResolvers<void>()
  const [began, taken] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let hasReceipt = false
  trial.answerer.handle(NAME, async () => {
    began.resolve()
    await taking.promise
    taken.resolve()
  })
  const sent = held(
    trial.near.unicast.send(trial.far.peerId, NAME, QUESTION).then((got) => {
      hasReceipt = true
      return got
    }),
  )
  await trial.patience.within('call of the handler', Promise.race([began.promise, sent]))
  // Whatever a receipt could be sent by early has gone back and forth by then.
  trial.answerer.handle('fence', (bytes) => bytes)
  await trial.ask(QUESTION, {}, 'fence')
  assert.equal(hasReceipt, false, 'the receipt came before the handler had taken the bytes')
  taking.resolve()
  await trial.patience.within('end of the handler', taken.promise)
  const { peer, roundTripMs, attempts } = await trial.patience.within('receipt', sent)
  assert.equal(peer.toString(), trial.far.peerId.toString())
  assert.equal(attempts, 1)
  assert.ok(roundTripMs >= 0, `roundTripMs is ${roundTripMs}`)
}

/** The last question is answered first. */
async function concurrent(trial: UnicastTrial): Promise<void> {
  const waiting: (() => void)[] = []
  trial.answerer.handle(NAME, async (bytes) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting.push(resolve)
    await promise
    return bytes
  })
  const questions = Array.from({ length: AT_ONCE }, (_, index) => textBytes(`question ${index}`))
  const answers = held(Promise.all(questions.map((question) => trial.ask(question))))
  // A failing call is reported as what it is below, not as a handler that was never called.
  const called = held(trial.patience.until('call of every handler', () => waiting.length === AT_ONCE))
  await Promise.race([called, answers])
  for (const answer of waiting.toReversed()) answer()
  assert.deepEqual((await answers).map(hexOf), questions.map(hexOf))
}

import assert from 'node:assert/strict'
import type { ConformanceCase } from '../case.ts'
import { assertAborted, assertNamed, assertTyped, hexOf, textBytes } from '../expectations.ts'
import { held } from '../patience.ts'
import { NAME, type UnicastBench, type UnicastTrial } from './trial.ts'

const QUESTION = textBytes('question')
const SHORT_MS = 100

class HandlerError extends Error {
  override readonly name = 'HandlerError'
  readonly code = 'conformance-failed'
}

/** How calls end that get no answer. */
export function failureCases(bench: UnicastBench): ConformanceCase[] {
  return [
    bench.law('brings what a handler throws as code and message, and never as a stack', async (trial) => {
      const thrown = new HandlerError('what went wrong')
      trial.answerer.handle(NAME, () => {
        throw thrown
      })
      const err = await trial.failure(QUESTION)
      assertHandlerError(err, thrown)
      const sent = trial.near.unicast.send(trial.far.peerId, NAME, QUESTION)
      assertHandlerError(await trial.patience.rejection('send', sent), thrown)
    }),
    bench.law('ends at the deadline with a TimeoutError, and aborts the signal of the handler', async (trial) => {
      const handler = hanging(trial)
      assertNamed(await trial.failure(QUESTION, { deadlineMs: SHORT_MS }), 'TimeoutError', 'request')
      await handler.abandoned()
    }),
    bench.law('ends when the caller aborts, and aborts the signal of the handler', async (trial) => {
      const handler = hanging(trial)
      const controller = new AbortController()
      const call = trial.call(QUESTION, { signal: controller.signal })
      const failure = held(trial.patience.rejection('request', call))
      await handler.called()
      controller.abort()
      assertAborted(await failure, controller.signal, 'request')
      await handler.abandoned()
    }),
    bench.law('calls nobody under a signal that is aborted', async (trial) => {
      let calls = 0
      trial.answerer.handle(NAME, (bytes) => {
        calls++
        return bytes
      })
      const signal = AbortSignal.abort()
      assertAborted(await trial.failure(QUESTION, { signal }), signal, 'request')
      await trial.ask(QUESTION)
      assert.equal(calls, 1)
    }),
    bench.law('fails within its deadline with a typed error where nobody can be reached', async (trial) => {
      const stranger = await trial.stranger()
      const call = trial.near.unicast.request(stranger, NAME, QUESTION, { deadlineMs: trial.patience.ms / 2 })
      assertTyped(await trial.patience.rejection('request to a stranger', call), 'request to a stranger')
    }),
    ...(bench.harness.breakLinks === undefined ? [] : lostLinks(bench)),
  ]
}

function lostLinks(bench: UnicastBench): ConformanceCase[] {
  return [
    bench.law('repeats an idempotent call over a lost link, and the handler runs once', async (trial) => {
      const runs = heldOnce(trial)
      const call = trial.call(QUESTION, { idempotent: true })
      const answer = held(trial.patience.within('answer after the link was lost', call))
      await runs.first()
      await trial.breakLinks()
      runs.release()
      assert.equal(hexOf(await answer), hexOf(QUESTION))
      assert.equal(runs.count(), 1)
    }),
    bench.law('says in the receipt how often an idempotent message was sent', async (trial) => {
      const runs = heldOnce(trial)
      const sent = trial.near.unicast.send(trial.far.peerId, NAME, QUESTION, { idempotent: true })
      const receipt = held(trial.patience.within('receipt after the link was lost', sent))
      await runs.first()
      await trial.breakLinks()
      runs.release()
      const { attempts } = await receipt
      assert.ok(attempts >= 2, `attempts is ${attempts}`)
      assert.equal(runs.count(), 1)
    }),
    bench.law('fails a call that is not idempotent when the link is lost, and does not repeat it', async (trial) => {
      const handler = hanging(trial)
      const failure = held(trial.failure(QUESTION))
      await handler.called()
      await trial.breakLinks()
      assertTyped(await failure, 'request over a lost link')
      await handler.abandoned()
      trial.answerer.handle('fence', (bytes) => bytes)
      await trial.ask(QUESTION, { idempotent: true }, 'fence')
      assert.equal(handler.calls(), 1)
    }),
  ]
}

/** A handler that never answers. */
function hanging({ answerer, patience }: UnicastTrial): {
  called(): Promise<void>
  abandoned(): Promise<void>
  calls(): number
} {
  const signals: AbortSignal[] = []
  answerer.handle(NAME, async (_, { signal }) => {
    signals.push(signal)
    await new Promise(() => undefined)
  })
  return {
    called: () => patience.until('call of the handler', () => signals.length > 0),
    abandoned: () => patience.until("abort of the handler's signal", () => signals.every(({ aborted }) => aborted)),
    calls: () => signals.length,
  }
}

/** A handler that answers with the question, the first time only when it is let go. */
function heldOnce({ answerer, patience }: UnicastTrial): {
  first(): Promise<void>
  release(): void
  count(): number
} {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  let runs = 0
  answerer.handle(NAME, async (bytes) => {
    if (++runs === 1) await released
    return bytes
  })
  return { first: () => patience.until('call of the handler', () => runs > 0), release, count: () => runs }
}

function assertHandlerError(err: unknown, thrown: HandlerError): void {
  assertTyped(err, 'request')
  assert.equal('code' in err && err.code, thrown.code)
  assert.ok(err.message.includes(thrown.message), `the message is ${err.message}`)
  assert.notEqual(err, thrown)
  const said = [err.message, err.stack ?? '', ...Object.values(err).map(String)].join('\n')
  const frame = thrown.stack?.split('\n').find((line) => line.trimStart().startsWith('at '))
  assert.ok(frame === undefined || !said.includes(frame), `the stack of the handler came along:\n${said}`)
}

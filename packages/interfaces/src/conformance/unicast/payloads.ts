import assert from 'node:assert/strict'
import type { ConformanceCase } from '../case.ts'
import { assertTyped, hexOf, textBytes } from '../expectations.ts'
import { NAME, type UnicastBench } from './trial.ts'

const QUESTION = textBytes('question')
const LARGE_BYTES = 1_000_000

/** The bytes: any number of them, never changed, never shared. */
export function payloadCases(bench: UnicastBench): ConformanceCase[] {
  const { maxMessageBytes } = bench.harness
  return [
    bench.law('carries no bytes at all, and many', async (trial) => {
      trial.answerer.handle(NAME, (bytes) => bytes)
      const large = Uint8Array.from(
        { length: Math.min(LARGE_BYTES, maxMessageBytes ?? LARGE_BYTES) },
        (_, at) => at % 251,
      )
      for (const bytes of [new Uint8Array(0), large]) assert.equal(hexOf(await trial.ask(bytes)), hexOf(bytes))
    }),
    bench.law("leaves the caller's bytes alone, whatever the handler does with its own", async (trial) => {
      trial.answerer.handle(NAME, (bytes) => {
        const answer = bytes.slice()
        bytes.fill(0)
        return answer
      })
      const bytes = QUESTION.slice()
      assert.equal(hexOf(await trial.ask(bytes)), hexOf(QUESTION))
      assert.equal(hexOf(bytes), hexOf(QUESTION))
    }),
    ...(maxMessageBytes === undefined
      ? []
      : [
          bench.law('carries a long payload and refuses one too long with a typed error', async (trial) => {
            let calls = 0
            trial.answerer.handle(NAME, (bytes) => {
              calls++
              return textBytes(String(bytes.length))
            })
            const err = await trial.failure(new Uint8Array(2 * maxMessageBytes))
            assertTyped(err, 'request with too many bytes')
            assert.equal(calls, 0)
            const answer = await trial.ask(new Uint8Array(maxMessageBytes))
            assert.equal(hexOf(answer), hexOf(textBytes(String(maxMessageBytes))))
          }),
        ]),
  ]
}

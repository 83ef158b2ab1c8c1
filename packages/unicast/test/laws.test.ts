import { LANES } from '@gridmesh/interfaces'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { bytes, heldBytes, pair, text } from './helpers.ts'

let link: Awaited<ReturnType<typeof pair>>
const delays: number[] = []

beforeAll(async () => {
  link = await pair(
    { init: { retryBaseMs: 1, retryMaxMs: 5, retries: 50 } },
    { init: { maxQueuedPerPeer: 1_000, busyRetryAfterMs: 1 } },
  )
})

afterAll(async () => {
  // Whatever happened, all memory is given back.
  await vi.waitFor(() => expect([heldBytes(link.a), heldBytes(link.b)]).toEqual([0, 0]))
  await link.stop()
})

/** Resets a random kept stream, from either end. */
function resetOne(choice: number): void {
  const streams = [link.a, link.b]
    .flatMap((node) => node.getConnections())
    .flatMap((connection) => connection.streams)
    .filter(({ protocol }) => protocol.startsWith('/gridmesh'))
  streams[choice % Math.max(1, streams.length)]?.abort(new RangeError('reset'))
}

/** Answers after the time that is set for the question. */
async function delayed(question: Uint8Array): Promise<Uint8Array> {
  const delayMs = delays[Number(text(question).split(' ')[0])] ?? 0
  if (delayMs > 0) await new Promise((done) => setTimeout(done, delayMs))
  return bytes(`answer to ${text(question)}`)
}

const call = fc.record({
  lane: fc.constantFrom(...LANES),
  delayMs: fc.nat(4),
  size: fc.oneof(fc.nat(100), fc.constant(70_000)),
  isStreamed: fc.boolean(),
})

describe('laws', () => {
  it('gives each call its own answer, whatever the order in which handlers end', async () => {
    link.answer.handle('delayed', delayed)
    link.answer.handleStream('streamed', async function* each(source) {
      for await (const question of source) yield delayed(question)
    })
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 40 }), async (calls) => {
        delays.splice(0, delays.length, ...calls.map(({ delayMs }) => delayMs))
        const answers = calls.map(async ({ lane, size, isStreamed }, i) => {
          const question = `${i} ${'.'.repeat(size)}`
          if (!isStreamed) return link.call.request(link.b.peerId, 'delayed', bytes(question), { lane })
          async function* twice(): AsyncGenerator<Uint8Array> {
            yield bytes(question)
            yield bytes(question)
          }
          const got: string[] = []
          for await (const answer of link.call.requestStream(link.b.peerId, 'streamed', twice(), { lane })) {
            got.push(text(answer))
          }
          expect(got).toEqual([`answer to ${question}`, `answer to ${question}`])
          return bytes(got[0] ?? '')
        })
        const got = (await Promise.all(answers)).map(text)
        expect(got).toEqual(calls.map(({ size }, i) => `answer to ${i} ${'.'.repeat(size)}`))
      }),
      { numRuns: 25 },
    )
  })

  it('ends every call in an answer or a typed error, however often streams are reset', async () => {
    link.answer.handle('reset', async (question) => {
      await new Promise((done) => setTimeout(done, question[0] ?? 0))
      return question
    })
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 30 }), fc.array(fc.nat()), async (calls, resets) => {
        const ends = calls.map(({ lane, delayMs, size }, i) => {
          const question = new Uint8Array(size + 2).fill(i)
          question[0] = delayMs
          return link.call.request(link.b.peerId, 'reset', question, { lane }).then(
            (answer) => (Buffer.compare(answer, question) === 0 ? 'answered' : 'wrong'),
            (err: Error) => err.name,
          )
        })
        for (const choice of resets) {
          await new Promise((done) => setTimeout(done, choice % 3))
          resetOne(choice)
        }
        const known = ['answered', 'LinkLostError', 'UnreachableError']
        for (const end of await Promise.all(ends)) expect(known).toContain(end)
      }),
      { numRuns: 20 },
    )
  })

  it('has each idempotent effect at most once, and exactly once where the call resolves, however often it is repeated', async () => {
    const effects = new Map<string, number>()
    let serial = 0
    link.answer.handle('effect', async (question) => {
      const key = text(question)
      effects.set(key, (effects.get(key) ?? 0) + 1)
      await new Promise((done) => setTimeout(done, key.length % 4))
      return question
    })
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 20 }), fc.array(fc.nat()), async (calls, resets) => {
        const ends = calls.map(async ({ lane }) => {
          const key = `effect ${serial++}`
          const answer = await link.call.request(link.b.peerId, 'effect', bytes(key), { lane, idempotent: true })
          expect(text(answer)).toBe(key)
          expect(effects.get(key)).toBe(1)
        })
        for (const choice of resets) {
          await new Promise((done) => setTimeout(done, choice % 3))
          resetOne(choice)
        }
        await Promise.all(ends)
        expect([...effects.values()].every((count) => count === 1)).toBe(true)
      }),
      { numRuns: 20 },
    )
  })
})

import { getEventListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { HandshakeRejectedError, type Reason } from '@gridmesh/interfaces'
import { streamPair } from '@libp2p/utils'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { exchange, type Agreement, type Side } from '../src/exchange.ts'
import { FrameStream } from '../src/frame-stream.ts'
import { judge } from '../src/judge.ts'
import { hellos, reasons } from './arbitraries.ts'
import { FRAME_LIMITS, makeHello } from './helpers.ts'

const INIT = { ...FRAME_LIMITS, maxFrameBytes: 16_384 }

/** A side that refuses with `reason` after `turns` of the event loop, if at all. */
function makeSide(hello: Parameters<typeof judge>[0], reason?: Reason, turns = 0): Side {
  return {
    hello: async () => hello,
    decide: async (ours, theirs) => {
      const judgement = judge(ours, theirs)
      if (!judgement.ok) return judgement
      for (let turn = 0; turn < turns; turn++) await setImmediate()
      return reason == null ? judgement : { ok: false, reason }
    },
    farewell: () => AbortSignal.timeout(1_000),
  }
}

async function run(a: Side, b: Side): Promise<[Agreement | Error, Agreement | Error]> {
  const streams = await streamPair()
  const signal = AbortSignal.timeout(5_000)
  const [ofA, ofB] = await Promise.all(
    [a, b].map(async (side, i) => {
      const stream = i === 0 ? streams[0] : streams[1]
      const channel = new FrameStream(stream, INIT)
      try {
        return await exchange(channel, side, signal)
      } catch (err) {
        await channel.closeWrite(signal)
        return err as Error
      }
    }),
  )
  for (const stream of streams) stream.abort(new TypeError('The test is over'))
  return [ofA ?? new TypeError('none'), ofB ?? new TypeError('none')]
}

function codeOf(outcome: Agreement | Error): string {
  if (!(outcome instanceof Error)) return 'ready'
  return outcome instanceof HandshakeRejectedError ? outcome.code : outcome.message
}

it('ends ready on both sides or refused with the same code on both, for any Hellos and any refusals', async () => {
  const refusals = fc.option(reasons, { nil: undefined })
  // At once, while the Hello of the other is still on its way, or long after.
  const turns = fc.constantFrom(0, 0, 1, 3, 20)
  await fc.assert(
    fc.asyncProperty(hellos, hellos, refusals, refusals, turns, turns, async (a, b, noA, noB, turnsA, turnsB) => {
      // Half of the pairs are made to fit, or nearly all would end at the chain id.
      const fitting = { ...b, chainId: a.chainId, genesisHash: a.genesisHash, timeMs: a.timeMs }
      const other = b.height % 2 === 0 ? b : fitting
      const [ofA, ofB] = await run(makeSide(a, noA, turnsA), makeSide(other, noB, turnsB))
      expect(codeOf(ofA)).toBe(codeOf(ofB))
      if (ofA instanceof Error || ofB instanceof Error) return
      expect(ofA).toMatchObject({ version: ofB.version, capabilities: ofB.capabilities, hello: ofB.ours })
    }),
    { numRuns: 150 },
  )
})

it('does not wait for a side that is still deciding when the other has refused', async () => {
  const never: Side = {
    ...makeSide(makeHello()),
    decide: async (_ours, _theirs, signal) => {
      const aborted = Promise.withResolvers<never>()
      signal.addEventListener('abort', () => aborted.reject(signal.reason as Error))
      return aborted.promise
    },
  }
  const [ofA, ofB] = await run(makeSide(makeHello(), { code: 'busy', message: '' }), never)
  expect([ofA, ofB]).toMatchObject([
    { code: 'busy', by: 'us' },
    { code: 'busy', by: 'them' },
  ])
})

it.each([
  ['the peer has ended', true],
  ['the wait is given up', false],
])('listens to the stream for its end no longer once %s', async (_, isEnded) => {
  const [ours, theirs] = await streamPair()
  const listeners = () => ['remoteCloseWrite', 'close'].flatMap((type) => getEventListeners(ours, type))
  const channel = new FrameStream(ours, INIT)
  const before = listeners()
  const controller = new AbortController()
  const waiting = Promise.allSettled([channel.whenEnded(controller.signal)])
  expect(listeners()).toHaveLength(before.length + 2)
  if (isEnded) await theirs.close()
  else controller.abort(new TypeError('given up'))
  expect(await waiting).toMatchObject([{ status: isEnded ? 'fulfilled' : 'rejected' }])
  expect(listeners()).toEqual(before)
  for (const stream of [ours, theirs]) stream.abort(new TypeError('The test is over'))
})

it('takes a refusal, or a goodbye, in place of the Hello', async () => {
  for (const kind of ['verdict', 'goodbye'] as const) {
    const [ours, theirs] = await streamPair()
    const peer = new FrameStream(theirs, INIT)
    const reason = { code: 'busy', message: 'later' }
    await peer.write(kind === 'verdict' ? { kind, refusal: reason } : { kind, reason })
    const outcome = exchange(new FrameStream(ours, INIT), makeSide(makeHello()), AbortSignal.timeout(5_000))
    await expect(outcome).rejects.toMatchObject({ code: 'busy', by: 'them', reason })
    for (const stream of [ours, theirs]) stream.abort(new TypeError('The test is over'))
  }
})

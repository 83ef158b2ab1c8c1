import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { SourcedCandidate, Strategy } from '../src/index.ts'
import { at, candidateOf, FakeWorld, makeDiscovery, makePeerIds } from './support.ts'

const ids = await makePeerIds(40)
const self = at(ids, 0)
const peers = ids.slice(1)

const INTERVAL_MS = 1_000
const MAX_INTERVAL_MS = 30_000
const DEADLINE_MS = 10_000

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

/** Everything that can go wrong with a run, and some that goes right. */
const BEHAVIOURS = ['empty', 'throw', 'reject', 'hang', 'ignore', 'late', 'endless', 'slow', 'junk', 'offer'] as const
type Behaviour = (typeof BEHAVIOURS)[number]

function misbehave(
  what: Behaviour,
  signal: AbortSignal,
  index: number,
): AsyncIterable<SourcedCandidate> | Iterable<SourcedCandidate> {
  const one = candidateOf(at(peers, index % peers.length), index)
  if (what === 'throw') throw new TypeError('thrown by a test')
  return (async function* () {
    if (what === 'reject') throw new TypeError('thrown by a test')
    if (what === 'hang') await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    if (what === 'ignore') await new Promise(() => {})
    if (what === 'late') await new Promise((resolve) => setTimeout(resolve, 2 * DEADLINE_MS))
    if (what === 'slow') await new Promise((resolve) => setTimeout(resolve, DEADLINE_MS / 2))
    if (what === 'junk') yield {} as SourcedCandidate
    if (what === 'empty') return
    yield one
    yield* what === 'endless' ? forever(one) : []
  })()
}

function* forever<T>(one: T): Generator<T> {
  for (;;) yield one
}

const plan = fc.record({
  strategies: fc.array(fc.array(fc.constantFrom(...BEHAVIOURS), { minLength: 1, maxLength: 6 }), {
    minLength: 1,
    maxLength: 3,
  }),
  dial: fc.constantFrom('refuse', 'hang', 'flap'),
  comeAndGo: fc.array(fc.nat(198), { maxLength: 6 }),
})

it('neither spins nor sleeps for ever below the minimum, however strategies and dials fail', async () => {
  await fc.assert(
    fc.asyncProperty(plan, async ({ strategies, dial, comeAndGo }) => {
      const began = performance.now()
      const calls: number[] = []
      const failing = strategies.map((behaviours, which): Strategy => {
        let run = 0
        return {
          name: `failing-${which}`,
          isFallback: which === 0,
          discover: ({ signal }) => {
            calls.push(performance.now() - began)
            const what = at(behaviours, run++ % behaviours.length)
            return misbehave(what, signal, which * 10 + run) as AsyncIterable<SourcedCandidate>
          },
        }
      })
      const { world, service } = makeDiscovery(self, { strategies: failing, maxCandidatesPerRun: 20, minPeers: 5 })
      failDials(world, dial)
      await service.start()
      service.afterStart()
      const rounds: number[] = []
      for (let second = 0; second < 200; second++) {
        await vi.advanceTimersByTimeAsync(1_000)
        if (comeAndGo.includes(second - 1)) world.close(at(peers, 38))
        if (comeAndGo.includes(second)) world.open(at(peers, 38))
        rounds.push(service.stats().rounds)
      }
      await service.beforeStop()
      await service.stop()

      // In any window no more rounds than there are intervals in it, and one that had begun.
      for (const windowS of [1, 10, 60]) {
        for (let from = 0; from + windowS < rounds.length; from++) {
          expect(at(rounds, from + windowS) - at(rounds, from)).toBeLessThanOrEqual((windowS * 1_000) / INTERVAL_MS + 1)
        }
      }
      for (const [index, time] of [...calls, 200_000].entries()) {
        expect(time - (calls[index - 1] ?? 0)).toBeLessThanOrEqual(MAX_INTERVAL_MS + DEADLINE_MS)
      }
      expect(calls.length).toBeLessThanOrEqual(at(rounds, rounds.length - 1) * strategies.length)
      expect(world.maxActive).toBeLessThanOrEqual(8)
      expect(world.dials.length).toBeLessThanOrEqual(at(rounds, rounds.length - 1) * 32)
      vi.clearAllTimers()
    }),
    { numRuns: 10 },
  )
})

function failDials(world: FakeWorld, how: 'refuse' | 'hang' | 'flap'): void {
  world.onDial = async (peer, signal) => {
    if (how === 'refuse') throw new TypeError('refused')
    if (how === 'flap') {
      setTimeout(() => world.close(peer), 1)
      return
    }
    await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
  }
}

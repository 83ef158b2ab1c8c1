import type { Datastore } from 'interface-datastore'
import { MemoryDatastore } from 'datastore-core'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { MAX_EARLY_RENEWALS } from '../src/constants.ts'
import type { EnvelopeService } from '../src/envelope-service.ts'
import type { EnvelopeInit } from '../src/index.ts'
import { codeOf, craft, nominalSigner, now, started } from './helpers.ts'

const START_MS = 1_790_000_000_000
/** With the default flush interval: that and a second. */
const LEASE_MS = 6_000
const honest = nominalSigner(1)
const ahead = nominalSigner(2)

beforeEach(() => vi.useFakeTimers({ now: START_MS }))
afterEach(() => vi.useRealTimers())

/** A disk that takes its time, and that can be had as it is at any moment. */
class SlowDatastore extends MemoryDatastore {
  readonly #writeMs: number
  #record: Parameters<MemoryDatastore['put']> | undefined

  constructor(writeMs: number) {
    super()
    this.#writeMs = writeMs
  }

  override put(...[key, value]: Parameters<MemoryDatastore['put']>): ReturnType<MemoryDatastore['put']> {
    return this.#write(key, value)
  }

  async #write(...record: Parameters<MemoryDatastore['put']>): Promise<Parameters<MemoryDatastore['put']>[0]> {
    if (this.#writeMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#writeMs))
    this.#record = record
    return super.put(...record)
  }

  /** What another process would find now. */
  left(): SlowDatastore {
    const left = new SlowDatastore(this.#writeMs)
    if (this.#record !== undefined) left.#preset(this.#record)
    return left
  }

  #preset(record: Parameters<MemoryDatastore['put']>): void {
    this.#record = record
    void super.put(...record)
  }
}

async function start(datastore: Datastore, init: Partial<EnvelopeInit> = {}): Promise<EnvelopeService> {
  const starting = started({ signer: nominalSigner(9), ...init }, { datastore })
  await vi.advanceTimersByTimeAsync(1_000)
  return starting
}

it('is no longer deaf to others for an author whose clock is ahead', async () => {
  const datastore = new SlowDatastore(0)
  const first = await start(datastore)
  const early = craft(ahead, { timeMs: START_MS + 30_000 })
  await first.open(early)
  // Right after the second flush.
  await vi.advanceTimersByTimeAsync(9_000)
  const second = await start(datastore.left())
  await vi.advanceTimersByTimeAsync(LEASE_MS - 1_000)
  expect(await codeOf(() => second.open(craft(honest)))).toBe('replay')
  await vi.advanceTimersByTimeAsync(1)
  expect(await codeOf(() => second.open(craft(honest)))).toBeUndefined()
  expect(await codeOf(() => second.open(early))).toBe('replay')
  // Nor to the author, once it has been as long as for the others.
  expect(await codeOf(() => second.open(craft(ahead, { timeMs: START_MS + 30_000 + LEASE_MS })))).toBe('replay')
  const later = craft(ahead, { sequence: 2n, timeMs: START_MS + 30_000 + LEASE_MS + 1 })
  expect(await codeOf(() => second.open(later))).toBeUndefined()
  await Promise.all([first.stop(), second.stop()])
})

it('still refuses what an author ahead of our clock sent when it is stopped or killed again before that time', async () => {
  const datastore = new SlowDatastore(0)
  const first = await start(datastore)
  const early = craft(ahead, { timeMs: START_MS + 30_000 })
  await first.open(early)
  const left = datastore.left()
  const second = await start(left)
  const third = await start(left.left())
  await third.stop()
  const fourth = await start(left)
  await fourth.stop()
  const fifth = await start(left)
  await vi.advanceTimersByTimeAsync(LEASE_MS)
  expect(await codeOf(() => third.open(early))).toBe('not-started')
  expect(await codeOf(() => fifth.open(early))).toBe('replay')
  await Promise.all([first.stop(), second.stop(), fifth.stop()])
})

it('writes for no more than a few new authors ahead of our clock between two flushes, and refuses the others until then', async () => {
  const datastore = new MemoryDatastore()
  const service = await start(datastore)
  const put = vi.spyOn(datastore, 'put')
  const authors = Array.from({ length: 2 * MAX_EARLY_RENEWALS }, (_, index) => nominalSigner(10 + index))
  const refused: Uint8Array[] = []
  for (const author of authors) {
    const bytes = craft(author, { timeMs: Date.now() + 20_000 })
    const code = await codeOf(() => service.open(bytes))
    if (code !== undefined) refused.push(bytes)
    expect(code).toBe(refused.length === 0 ? undefined : 'busy')
  }
  expect(put).toHaveBeenCalledTimes(MAX_EARLY_RENEWALS)
  expect(refused).toHaveLength(MAX_EARLY_RENEWALS)
  now(service.open(craft(honest)))
  await vi.advanceTimersByTimeAsync(5_000)
  // The flush has covered those that were refused, and there is room for more.
  for (const bytes of refused) now(service.open(bytes))
  expect(put).toHaveBeenCalledTimes(MAX_EARLY_RENEWALS + 1)
  await service.open(craft(ahead, { timeMs: Date.now() + 30_000 }))
  await service.stop()
})

it('lets no envelope wait for a flush, so that they take the place of no other', async () => {
  const service = await start(new MemoryDatastore(), { maxPendingBytes: 1 })
  for (let author = 10; author < 100; author++) {
    const bytes = craft(nominalSigner(author), { timeMs: Date.now() + 20_000 })
    await codeOf(() => service.open(bytes))
    const sequence = BigInt(author)
    expect(now(service.open(craft(honest, { sequence }))).sequence).toBe(sequence)
  }
  await service.stop()
})

it('refuses an envelope that waits for a write when it is stopped before', async () => {
  const service = await start(new SlowDatastore(100))
  const waiting = codeOf(() => service.open(craft(ahead, { timeMs: Date.now() + 30_000 })))
  const stopping = service.stop()
  await vi.advanceTimersByTimeAsync(200)
  expect(await waiting).toBe('not-started')
  await stopping
})

it('notes no more than maxSenders authors ahead of our clock', async () => {
  const service = await start(new MemoryDatastore(), { maxSenders: 2 })
  const codes = await Promise.all(
    [10, 11, 12].map((author) =>
      codeOf(() => service.open(craft(nominalSigner(author), { timeMs: Date.now() + 30_000 }))),
    ),
  )
  expect(codes).toEqual([undefined, undefined, 'sender-limit'])
  await service.stop()
})

/** One thing that happens: an envelope comes and is not waited for, time passes, the process is killed or stopped. */
type Step = { do: 'open'; envelope: number } | { do: 'wait'; ms: number } | { do: 'kill' } | { do: 'stop' }

const arbStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 16, arbitrary: fc.record({ do: fc.constant('open' as const), envelope: fc.nat({ max: 19 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 1, 7, 900, 6_500) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'kill' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'stop' as const }) },
)
const arbEnvelopes = fc.array(
  fc.record({ sender: fc.integer({ min: 1, max: 4 }), offset: fc.integer({ min: -10_000, max: 60_000 }) }),
  { minLength: 20, maxLength: 20 },
)

it('opens no envelope twice, at whatever moment it is killed, whoever is ahead of its clock', async () => {
  let openedInAll = 0
  let openedAhead = 0
  await fc.assert(
    fc.asyncProperty(
      arbEnvelopes,
      fc.array(arbStep, { minLength: 20, maxLength: 60 }),
      fc.constantFrom(0, 5, 200),
      async (envelopes, steps, writeMs) => {
        vi.setSystemTime(START_MS)
        const all = envelopes.map(({ sender, offset }, index) =>
          craft(nominalSigner(sender), { sequence: BigInt(index), timeMs: START_MS + offset }),
        )
        const opened: number[] = []
        const killed = new Set<EnvelopeService>()
        let datastore = new SlowDatastore(writeMs)
        let service = await start(datastore, { maxSenders: 3 })
        const open = async (index: number): Promise<void> => {
          const under = service
          const code = await codeOf(() => under.open(all[index] ?? new Uint8Array()))
          // What a killed process would have gone on to do, it has not done.
          if (code !== undefined || killed.has(under)) return
          opened.push(index)
          if (START_MS + (envelopes[index]?.offset ?? 0) > Date.now() + LEASE_MS) openedAhead++
        }
        for (const step of steps) {
          if (step.do === 'open') void open(step.envelope)
          else if (step.do === 'wait') await vi.advanceTimersByTimeAsync(step.ms)
          else {
            const ended = service.stop()
            if (step.do === 'kill') {
              killed.add(service)
              datastore = datastore.left()
            } else {
              await vi.advanceTimersByTimeAsync(1_000)
              await ended
            }
            service = await start(datastore, { maxSenders: 3 })
          }
        }
        await vi.advanceTimersByTimeAsync(10_000)
        expect(opened).toHaveLength(new Set(opened).size)
        openedInAll += opened.length
        const ended = service.stop()
        await vi.advanceTimersByTimeAsync(1_000)
        await ended
      },
    ),
    { numRuns: 300 },
  )
  // Nothing is proved by a node that opens nothing.
  expect(openedInAll).toBeGreaterThan(500)
  expect(openedAhead).toBeGreaterThan(100)
}, 60_000)

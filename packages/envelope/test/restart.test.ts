import { LANES } from '@gridmesh/interfaces'
import type { Datastore } from 'interface-datastore'
import { Key } from 'interface-datastore'
import { MemoryDatastore } from 'datastore-core'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { STATE_KEY } from '../src/constants.ts'
import type { EnvelopeService } from '../src/envelope-service.ts'
import type { EnvelopeInit } from '../src/index.ts'
import { codeOf, craft, nominalSigner, now, started } from './helpers.ts'

const START_MS = 1_790_000_000_000
const peer = nominalSigner(1)
const MESSAGE = { kind: 'test', lane: 'normal', payload: new Uint8Array() } as const

beforeEach(() => vi.useFakeTimers({ now: START_MS }))
afterEach(() => vi.useRealTimers())

function start(datastore: Datastore, init: Partial<EnvelopeInit> = {}): Promise<EnvelopeService> {
  return started({ signer: nominalSigner(9), ...init }, { datastore })
}

/** What a killed process leaves: the datastore as it is, and no timer. */
async function kill(service: EnvelopeService, datastore: MemoryDatastore): Promise<MemoryDatastore> {
  const left = new MemoryDatastore()
  for await (const { key, value } of datastore.query({})) await left.put(key, value)
  await service.stop()
  return left
}

describe('after a clean stop', () => {
  it('refuses what was opened, at any number up to the highest, and opens what follows at once', async () => {
    const datastore = new MemoryDatastore()
    const first = await start(datastore)
    const ahead = craft(peer, { sequence: 10n, timeMs: Date.now() + 30_000 })
    await first.open(ahead)
    await first.stop()

    const second = await start(datastore)
    expect(await codeOf(() => second.open(ahead))).toBe('replay')
    expect(await codeOf(() => second.open(craft(peer, { sequence: 9n })))).toBe('replay')
    expect(await codeOf(() => second.open(craft(peer, { sequence: 11n })))).toBeUndefined()
    expect(await codeOf(() => second.open(craft(nominalSigner(2), { sequence: 1n })))).toBeUndefined()
    await second.stop()
  })

  it('keeps the lanes apart', async () => {
    const datastore = new MemoryDatastore()
    const first = await start(datastore)
    for (const [index, lane] of LANES.entries()) now(first.open(craft(peer, { lane, sequence: BigInt(index * 100) })))
    await first.stop()
    const second = await start(datastore)
    for (const [index, lane] of LANES.entries()) {
      expect(await codeOf(() => second.open(craft(peer, { lane, sequence: BigInt(index * 100) })))).toBe('replay')
      expect(await codeOf(() => second.open(craft(peer, { lane, sequence: BigInt(index * 100 + 1) })))).toBeUndefined()
    }
    await second.stop()
  })

  it('is not deaf for a slow signer that answered after it', async () => {
    const datastore = new MemoryDatastore()
    const { promise: gate, resolve } = Promise.withResolvers<boolean>()
    const first = await start(datastore, { signer: { ...nominalSigner(9), verify: () => gate } })
    const late = codeOf(() => first.open(craft(peer, { timeMs: Date.now() + 30_000 })))
    await first.stop()
    resolve(true)
    expect(await late).toBe('not-started')
    const second = await start(datastore)
    expect(await codeOf(() => second.open(craft(peer)))).toBeUndefined()
    await second.stop()
  })

  it('still refuses what was opened before when it is killed right after starting again', async () => {
    const datastore = new MemoryDatastore()
    const first = await start(datastore)
    const bytes = craft(peer, { timeMs: Date.now() + 30_000 })
    await first.open(bytes)
    await first.stop()
    const third = await start(await kill(await start(datastore), datastore))
    expect(await codeOf(() => third.open(bytes))).toBe('replay')
    await third.stop()
  })
})

describe('after a kill', () => {
  it.each([-30_000, 0, 30_000])('refuses what was opened dated %i ms from our clock', async (offset) => {
    const datastore = new MemoryDatastore()
    const first = await start(datastore)
    const bytes = craft(peer, { timeMs: Date.now() + offset })
    await first.open(bytes)
    const second = await start(await kill(first, datastore))
    expect(await codeOf(() => second.open(bytes))).toBe('replay')
    await second.stop()
  })

  it('refuses everything for one flush interval and a second, then opens what is new', async () => {
    const datastore = new MemoryDatastore()
    const second = await start(await kill(await start(datastore), datastore))
    await vi.advanceTimersByTimeAsync(6_000)
    expect(await codeOf(() => second.open(craft(peer, { sequence: 1n })))).toBe('replay')
    await vi.advanceTimersByTimeAsync(1)
    expect(await codeOf(() => second.open(craft(peer, { sequence: 2n })))).toBeUndefined()
    await second.stop()
  })

  it('refuses for no longer when it was killed twice', async () => {
    let datastore = new MemoryDatastore()
    for (let round = 0; round < 2; round++) datastore = await kill(await start(datastore), datastore)
    const third = await start(datastore)
    await vi.advanceTimersByTimeAsync(6_001)
    expect(await codeOf(() => third.open(craft(peer)))).toBeUndefined()
    await third.stop()
  })
})

describe('the lease', () => {
  it('is written before an envelope dated after it is opened', async () => {
    const datastore = new MemoryDatastore()
    const service = await start(datastore)
    const { promise: gate, resolve } = Promise.withResolvers<void>()
    const put = datastore.put.bind(datastore)
    vi.spyOn(datastore, 'put').mockImplementation(async (...args) => {
      await gate
      return put(...args)
    })
    let isOpened = false
    const opening = Promise.resolve(service.open(craft(peer, { timeMs: Date.now() + 6_001 }))).then(
      () => (isOpened = true),
    )
    await vi.advanceTimersByTimeAsync(100)
    expect(isOpened).toBe(false)
    resolve()
    await opening
    await service.stop()
  })

  it('makes nobody wait whose clock is right, and one who is ahead only once', async () => {
    const service = await start(new MemoryDatastore())
    await service.open(craft(peer, { sequence: 1n, timeMs: Date.now() + 20_000 }))
    for (let sequence = 2n; sequence < 50n; sequence++) {
      await vi.advanceTimersByTimeAsync(999)
      now(service.open(craft(peer, { sequence, timeMs: Date.now() + 20_000 })))
      expect(now(service.open(craft(nominalSigner(2), { sequence }))).sequence).toBe(sequence)
    }
    await service.stop()
  })

  it('is written once for many that wait for it', async () => {
    const datastore = new MemoryDatastore()
    const service = await start(datastore)
    const put = vi.spyOn(datastore, 'put')
    const timeMs = Date.now() + 20_000
    await Promise.all([1n, 2n, 3n].map(async (sequence) => service.open(craft(peer, { sequence, timeMs }))))
    expect(put).toHaveBeenCalledTimes(1)
    await service.stop()
  })
})

describe('our own numbers', () => {
  it.each(['stop', 'kill'])('rise over a %s even when the clock is set back meanwhile', async (how) => {
    const datastore = new MemoryDatastore()
    const first = await start(datastore)
    const { sequence } = now(first.open(now(first.seal(MESSAGE))))
    const left = how === 'kill' ? await kill(first, datastore) : datastore
    await first.stop()
    vi.setSystemTime(START_MS - 3_600_000)
    const second = await start(left)
    vi.setSystemTime(START_MS)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(now(second.open(now(second.seal(MESSAGE)))).sequence).toBeGreaterThan(sequence)
    await second.stop()
  })

  it('rise over a restart without anything stored', async () => {
    const first = await start(new MemoryDatastore())
    const { sequence } = now(first.open(now(first.seal(MESSAGE))))
    await first.stop()
    vi.advanceTimersByTime(1)
    const second = await start(new MemoryDatastore())
    expect(now(second.open(now(second.seal(MESSAGE)))).sequence).toBeGreaterThan(sequence)
    await second.stop()
  })
})

describe('a datastore that', () => {
  it('hangs delays start by storeTimeoutMs for reading and for writing, and no more', async () => {
    const datastore = new MemoryDatastore()
    vi.spyOn(datastore, 'get').mockImplementation(() => hang())
    vi.spyOn(datastore, 'put').mockImplementation(() => hang())
    const starting = start(datastore, { storeTimeoutMs: 100 })
    await vi.advanceTimersByTimeAsync(200)
    const service = await starting
    const stopping = service.stop()
    await vi.advanceTimersByTimeAsync(100)
    await stopping
    expect(vi.getTimerCount()).toBe(0)
  })

  it('cannot be read leaves nothing open that an earlier run may have opened', async () => {
    const datastore = new MemoryDatastore()
    await datastore.put(new Key(STATE_KEY), new Uint8Array([255, 255, 255]))
    const service = await start(datastore)
    const latest = craft(peer, { timeMs: Date.now() + 30_000 })
    expect(await codeOf(() => service.open(latest))).toBe('replay')
    await vi.advanceTimersByTimeAsync(30_001)
    expect(await codeOf(() => service.open(craft(peer)))).toBeUndefined()
    await service.stop()
  })

  it('cannot be written does not keep anything from being opened', async () => {
    const datastore = new MemoryDatastore()
    vi.spyOn(datastore, 'put').mockImplementation(() => {
      throw new TypeError('full')
    })
    const service = await start(datastore)
    await vi.advanceTimersByTimeAsync(60_000)
    now(service.open(craft(peer, { sequence: 1n })))
    expect(await codeOf(() => service.open(craft(peer, { sequence: 2n, timeMs: Date.now() + 30_000 })))).toBeUndefined()
    await service.stop()
  })

  it('remembers a clock that once ran years ahead makes us deaf for one clock skew and no longer', async () => {
    vi.setSystemTime(START_MS + 1e12)
    const datastore = new MemoryDatastore()
    const left = await kill(await start(datastore), datastore)
    vi.setSystemTime(START_MS)
    const service = await start(left)
    await vi.advanceTimersByTimeAsync(30_001)
    expect(await codeOf(() => service.open(craft(peer)))).toBeUndefined()
    await service.stop()
  })
})

function hang(): Promise<never> {
  return new Promise(() => undefined)
}

/** One thing that happens to a node: an envelope comes, time passes, it stops or is killed and starts again. */
type Step = { do: 'open'; envelope: number } | { do: 'wait'; ms: number } | { do: 'stop' } | { do: 'kill' }

const arbStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 16, arbitrary: fc.record({ do: fc.constant('open' as const), envelope: fc.nat({ max: 9 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat({ max: 12_000 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'stop' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'kill' as const }) },
)

it('opens no envelope twice, whatever comes when and however often it is stopped or killed', async () => {
  const arbEnvelope = fc.record({
    sender: fc.integer({ min: 1, max: 3 }),
    offset: fc.integer({ min: -10_000, max: 60_000 }),
  })
  const arbEnvelopes = fc.array(arbEnvelope, { minLength: 10, maxLength: 10 })
  let openedInAll = 0
  await fc.assert(
    fc.asyncProperty(arbEnvelopes, fc.array(arbStep, { minLength: 20, maxLength: 60 }), async (envelopes, steps) => {
      vi.setSystemTime(START_MS)
      const all = envelopes.map(({ sender, offset }, index) =>
        craft(nominalSigner(sender), { sequence: BigInt(index), timeMs: START_MS + offset }),
      )
      const opened: number[] = []
      let datastore = new MemoryDatastore()
      let service = await start(datastore, { maxSenders: 2 })
      for (const step of steps) {
        if (step.do === 'open') {
          const bytes = all[step.envelope] ?? new Uint8Array()
          if ((await codeOf(() => service.open(bytes))) === undefined) opened.push(step.envelope)
        } else if (step.do === 'wait') {
          await vi.advanceTimersByTimeAsync(step.ms)
        } else {
          if (step.do === 'kill') datastore = await kill(service, datastore)
          else await service.stop()
          service = await start(datastore, { maxSenders: 2 })
        }
      }
      expect(opened).toHaveLength(new Set(opened).size)
      openedInAll += opened.length
      await service.stop()
    }),
    { numRuns: 300 },
  )
  // Nothing is proved by a node that opens nothing.
  expect(openedInAll).toBeGreaterThan(500)
}, 30_000)

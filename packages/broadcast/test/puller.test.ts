import { getHeapStatistics, queryObjects } from 'node:v8'
import type { PeerId } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import fc from 'fast-check'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { MAX_SOURCES } from '../src/constants.ts'
import { BroadcastMetrics } from '../src/metrics.ts'
import { Puller } from '../src/puller.ts'
import { MIB } from './helpers/payloads.ts'
import { peerAt, peerIds } from './helpers/peer-ids.ts'
import {
  after,
  type Behaviour,
  CHUNK,
  CHUNK_DEADLINE_MS,
  failing,
  failure,
  forging,
  good,
  LIMITS,
  payloadOf,
  silent,
  type TestOutcome,
  type TestPull,
  TestSources,
} from './helpers/test-sources.ts'

const PAYLOAD = payloadOf(1, 20)
let peers: PeerId[]
let a: PeerId
let b: PeerId
let c: PeerId

beforeAll(async () => {
  peers = await peerIds(MAX_SOURCES + 2)
  a = peer(0)
  b = peer(1)
  c = peer(2)
})
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const peer = (index: number): PeerId => peerAt(peers, index)

/** What the heap holds without its garbage, which the query collects. */
function heapBytes(): number {
  queryObjects(Puller, { format: 'count' })
  return getHeapStatistics().used_heap_size
}

/** The outcome, in the time that a pull may take. */
async function outcomeOf(pull: TestPull): Promise<TestOutcome> {
  await vi.advanceTimersByTimeAsync(LIMITS.pullDeadlineMs)
  return pull.outcome
}

function expectWhole(sources: TestSources, payload = PAYLOAD): void {
  const bytes = sources.whole.get(payload.hex) ?? new Uint8Array()
  expect(Buffer.compare(bytes, payload.split.payload)).toBe(0)
}

describe('asking', () => {
  it('asks a peer for one chunk, and for twice as many each time that it has answered', async () => {
    const sources = new TestSources()
    sources.behave(a, after(10, good))
    const pull = sources.announce(a, PAYLOAD)
    expect(sources.asks.map(({ indexes }) => indexes)).toEqual([[0]])
    await vi.advanceTimersByTimeAsync(10)
    expect(sources.asks.slice(1).map(({ indexes }) => indexes)).toEqual([[1, 2]])
    await vi.advanceTimersByTimeAsync(10)
    expect(sources.asks.slice(2).map(({ indexes }) => indexes)).toEqual([
      [3, 4],
      [5, 6],
    ])
    expect(await outcomeOf(pull)).toEqual({ isWhole: true })
    expectWhole(sources)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('asks each peer for other chunks, all at once', async () => {
    const sources = new TestSources()
    for (const source of [a, b, c]) sources.behave(source, after(20, good))
    const first = sources.announce(a, PAYLOAD)
    for (const source of [b, c]) sources.announce(source, PAYLOAD)
    expect(await outcomeOf(first)).toEqual({ isWhole: true })
    const asked = [a, b, c].map((source) => sources.askedOf(source))
    for (const indexes of asked) expect(indexes.length).toBeGreaterThan(0)
    expect(asked.flat().toSorted((x, y) => x - y)).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expectWhole(sources)
  })

  it.each([
    ['maxChunksInFlightPerPeer of one peer', 2, { ofPeer: 4, inAll: 8 }],
    ['maxChunksInFlight of all', 6, { ofPeer: 4, inAll: 10 }],
  ])('has no more chunks in flight than %s, whatever is pulled', async (_what, count, most) => {
    const sources = new TestSources({ maxChunksInFlight: 10, maxChunksInFlightPerPeer: 4 })
    const announcers = peers.slice(0, count)
    for (const source of announcers) sources.behave(source, after(10, good))
    const pulls = [1, 2, 3].flatMap((seed) => announcers.map((source) => sources.announce(source, payloadOf(seed, 60))))
    for (const pull of pulls) expect(await outcomeOf(pull)).toEqual({ isWhole: true })
    expect({ ofPeer: sources.maxInFlightOfPeer, inAll: sources.maxInFlight }).toEqual(most)
  })

  it('asks another peer for the same after chunkLateMs, and calls the late request off', async () => {
    const sources = new TestSources()
    sources.behave(a, silent)
    const pull = sources.announce(a, PAYLOAD)
    sources.announce(b, PAYLOAD)
    await vi.advanceTimersByTimeAsync(LIMITS.chunkLateMs - 1)
    expect(sources.askedOf(b)).not.toContain(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(await pull.outcome).toEqual({ isWhole: true })
    expect(sources.askedOf(b)).toContain(0)
    expect(sources.asks[0]?.signal.aborted).toBe(true)
    expect(sources.reports).toEqual([])
    expectWhole(sources)
  })

  it('asks over a slow link for no more of all payloads than comes in time, and loses nothing of what comes', async () => {
    // A link that brings one chunk in 80 ms, of all that is asked for, one after the other.
    const sources = new TestSources({ chunksPerRequest: 4, maxChunksInFlightPerPeer: 16 })
    let freeAtMs = 0
    let brought = 0
    sources.behave(a, async (ask, split) => {
      freeAtMs = Math.max(freeAtMs, performance.now()) + 80 * ask.indexes.length
      await new Promise((resolve) => setTimeout(resolve, freeAtMs - performance.now()))
      brought += ask.indexes.length
      return good(ask, split)
    })
    const pulls = [1, 2, 3, 4].map((seed) => sources.announce(a, payloadOf(seed, 20)))
    for (const pull of pulls) expect(await outcomeOf(pull)).toEqual({ isWhole: true })
    expect(brought).toBe(4 * 20)
    expect(sources.reports).toEqual([])
  })

  it('asks a peer that was late one request at a time', async () => {
    const sources = new TestSources()
    let answers = 0
    sources.behave(a, (ask, split) => after(answers++ === 1 ? 500 : 10, good)(ask, split))
    sources.announce(a, PAYLOAD)
    await vi.advanceTimersByTimeAsync(10 + LIMITS.chunkLateMs)
    const before = sources.asks.length
    await vi.advanceTimersByTimeAsync(300)
    expect(sources.asks).toHaveLength(before)
  })

  it('asks for the rest where an answer holds only a part', async () => {
    const sources = new TestSources()
    sources.behave(a, (ask, split) => [split.chunk(ask.indexes[0] ?? 0)])
    expect(await outcomeOf(sources.announce(a, PAYLOAD))).toEqual({ isWhole: true })
    expectWhole(sources)
  })

  it('asks only peers that can be reached', async () => {
    const sources = new TestSources()
    sources.unreachable.add(a.toString())
    sources.announce(a, PAYLOAD)
    expect(sources.asks).toEqual([])
    expect(await outcomeOf(sources.announce(b, PAYLOAD))).toEqual({ isWhole: true })
    expect(sources.askedOf(a)).toEqual([])
  })

  it(`holds ${MAX_SOURCES} peers for one payload, and lets one that gave nothing make way for another`, async () => {
    const sources = new TestSources({ maxChunksInFlight: 1_000, pullDeadlineMs: 60_000 })
    const payload = payloadOf(2, 100)
    for (const source of peers.slice(0, MAX_SOURCES)) {
      sources.behave(source, silent)
      sources.announce(source, payload)
    }
    const last = peer(MAX_SOURCES)
    sources.behave(last, silent)
    sources.announce(last, payload)
    // Each is asked once; the first made way for the last, and is welcome again.
    expect(sources.asks).toHaveLength(MAX_SOURCES + 1)
    await vi.advanceTimersByTimeAsync(CHUNK_DEADLINE_MS)
    expect(sources.puller.has(payload.hex)).toBe(true)
    sources.behave(a, good)
    const pull = sources.announce(a, payload)
    expect(await outcomeOf(pull)).toEqual({ isWhole: true })
  })

  it('does not let a peer that gives make way for one that says it would', async () => {
    const sources = new TestSources({ maxChunksInFlight: 1_000 })
    const payload = payloadOf(2, 1_000)
    for (const source of peers.slice(0, MAX_SOURCES)) {
      sources.behave(source, after(10, good))
      sources.announce(source, payload)
    }
    await vi.advanceTimersByTimeAsync(10)
    sources.announce(peer(MAX_SOURCES), payload)
    await vi.advanceTimersByTimeAsync(50)
    expect(sources.askedOf(peer(MAX_SOURCES))).toEqual([])
  })

  it('asks on a peer whose place others took before its first chunk had come', async () => {
    const sources = new TestSources()
    sources.behave(a, after(50, good))
    const pull = sources.announce(a, PAYLOAD)
    for (const other of peers.slice(1)) {
      sources.behave(other, silent)
      sources.puller.addSource(PAYLOAD.hex, other)
    }
    expect(await outcomeOf(pull)).toEqual({ isWhole: true })
    expect(sources.givers.get(PAYLOAD.hex)).toBe(a.toString())
    expectWhole(sources)
  })

  it('asks a third peer when the second fails with what the first is late with', async () => {
    const sources = new TestSources()
    sources.behave(a, silent)
    sources.behave(b, (ask, split) => (ask.indexes.includes(0) ? failing('link-lost') : good)(ask, split))
    sources.announce(a, PAYLOAD)
    sources.announce(b, PAYLOAD)
    await vi.advanceTimersByTimeAsync(LIMITS.chunkLateMs)
    expect(sources.askedOf(b)).toContain(0)
    sources.announce(c, PAYLOAD)
    expect(sources.askedOf(c)).toEqual([0])
  })

  it('asks whoever is said to have a payload that is pulled, and nobody for one that is not', async () => {
    const sources = new TestSources()
    sources.behave(a, silent)
    const pull = sources.announce(a, PAYLOAD)
    sources.puller.addSource('unknown', b)
    expect(sources.askedOf(b)).toEqual([])
    sources.puller.addSource(PAYLOAD.hex, b)
    expect(await outcomeOf(pull)).toEqual({ isWhole: true })
  })
})

describe('bad sources', () => {
  it('reports a forger with its evidence, hears no more of it, and takes the payload from another', async () => {
    const sources = new TestSources()
    sources.behave(a, forging)
    const pull = sources.announce(a, PAYLOAD)
    await vi.advanceTimersByTimeAsync(1)
    sources.announce(a, PAYLOAD)
    sources.announce(b, PAYLOAD)
    expect(await outcomeOf(pull)).toEqual({ isWhole: true })
    expect(sources.asks.filter((ask) => ask.peer === a.toString())).toHaveLength(1)
    expect(sources.givers.get(PAYLOAD.hex)).toBe(b.toString())
    expect(sources.reports).toEqual([
      { peer: a.toString(), class: 'invalid-message', evidence: 'forged chunk 0 of id-1: wrong-root' },
    ])
    expectWhole(sources)
  })

  it('reports a forger once, though several of its answers are forged', async () => {
    const sources = new TestSources()
    let answers = 0
    sources.behave(
      a,
      after(10, (ask, split) => (answers++ < 2 ? good : forging)(ask, split)),
    )
    const pull = sources.announce(a, PAYLOAD)
    await vi.advanceTimersByTimeAsync(30)
    expect(answers).toBe(4)
    sources.announce(b, PAYLOAD)
    expect(await outcomeOf(pull)).toEqual({ isWhole: true })
    expect(sources.reports.map((report) => report.class)).toEqual(['invalid-message'])
    expectWhole(sources)
  })

  it.each<[string, Behaviour]>([
    ['what was not asked for', (_ask, split) => [split.chunk(19)]],
    ['nothing', () => []],
  ])('blames a peer that answers with %s', async (_what, behaviour) => {
    const sources = new TestSources()
    sources.behave(a, behaviour)
    const pull = sources.announce(a, PAYLOAD)
    sources.announce(b, PAYLOAD)
    expect(await outcomeOf(pull)).toEqual({ isWhole: true })
    expect(sources.reports.map((report) => [report.peer, report.class])).toEqual([[a.toString(), 'protocol-violation']])
  })

  it('passes over a peer that does not have the payload, at no cost but the record', async () => {
    const sources = new TestSources()
    sources.behave(a, failing('absent'))
    const pull = sources.announce(a, PAYLOAD)
    sources.announce(b, PAYLOAD)
    expect(await outcomeOf(pull)).toEqual({ isWhole: true })
    expect(sources.reports.map((report) => report.class)).toEqual(['absent'])
    expect(sources.asks.filter((ask) => ask.peer === a.toString())).toHaveLength(1)
  })

  it('asks a busy peer again when it says so', async () => {
    const sources = new TestSources()
    let isBusy = true
    sources.behave(a, (ask, split) => (isBusy ? failing('busy', { retryAfterMs: 400 })(ask, split) : good(ask, split)))
    const pull = sources.announce(a, PAYLOAD)
    await vi.advanceTimersByTimeAsync(399)
    expect(sources.asks).toHaveLength(1)
    isBusy = false
    await vi.advanceTimersByTimeAsync(1)
    expect(await pull.outcome).toEqual({ isWhole: true })
    expect(sources.reports).toEqual([])
  })

  it('asks a busy peer again in time while another keeps it waiting', async () => {
    const sources = new TestSources({ chunkLateMs: 5_000 })
    let isBusy = true
    sources.behave(a, silent)
    sources.behave(b, (ask, split) => (isBusy ? failing('busy')(ask, split) : good(ask, split)))
    sources.announce(a, PAYLOAD)
    sources.announce(b, PAYLOAD)
    await vi.advanceTimersByTimeAsync(249)
    isBusy = false
    expect(sources.asks).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(1)
    expect(new Set(sources.askedOf(b)).size).toBe(19)
  })

  it('gives a peer that has served three tries, and one that never has a single one', async () => {
    const sources = new TestSources({ pullDeadlineMs: 100_000, chunksPerRequest: 1, maxChunksInFlightPerPeer: 3 })
    let served = 0
    sources.behave(a, (ask, split) => (served++ === 0 ? good(ask, split) : failing('link-lost')(ask, split)))
    sources.behave(b, failing('link-lost'))
    const pull = sources.announce(a, PAYLOAD)
    sources.announce(b, PAYLOAD)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sources.asks.filter((ask) => ask.peer === b.toString())).toHaveLength(1)
    // One answer, then two under way together, which fail as one, and two more.
    expect(sources.asks.filter((ask) => ask.peer === a.toString())).toHaveLength(5)
    expect(await pull.outcome).toEqual({ isWhole: false, failure: 'no-source' })
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('bounds', () => {
  it('gives a payload of which nothing comes up for one of a peer that announced fewer such', async () => {
    const sources = new TestSources({ maxPulls: 4 })
    for (const source of [a, b, c]) sources.behave(source, failing('busy', { retryAfterMs: 5_000 }))
    const [oldest] = [1, 2, 3, 4].map((seed) => sources.announce(a, payloadOf(seed, 2)))
    expect(sources.announce(a, payloadOf(5, 2)).isTaken).toBe(false)
    expect([6, 7, 8].map((seed) => sources.announce(b, payloadOf(seed, 2)).isTaken)).toEqual([true, true, false])
    expect(await oldest?.outcome).toEqual({ isWhole: false, failure: 'displaced' })
    expect(sources.announce(c, payloadOf(9, 2)).isTaken).toBe(true)
    expect(sources.puller.size).toBe(4)
    expect(sources.reports).toEqual([])
    sources.puller.stop()
    await vi.advanceTimersByTimeAsync(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('has room for a payload though each place is held by another peer, once those gave nothing before', async () => {
    const sources = new TestSources()
    const [honest, ...liars] = peers.slice(0, LIMITS.maxPulls + 1)
    if (honest === undefined) throw new RangeError('no peers')
    for (const liar of liars) sources.behave(liar, silent)
    const lie = (seed: number): boolean[] =>
      liars.map((liar, i) => sources.announce(liar, payloadOf(seed + i, 2)).isTaken)
    expect(lie(10)).toEqual(liars.map(() => true))
    // Nothing speaks against them yet.
    expect(sources.announce(honest, PAYLOAD).isTaken).toBe(false)
    await vi.advanceTimersByTimeAsync(CHUNK_DEADLINE_MS + LIMITS.sourceWaitMs)
    expect(sources.puller.size).toBe(0)
    for (let round = 2; round < 5; round++) {
      expect(lie(10 * round)).toEqual(liars.map(() => true))
      const pull = sources.announce(honest, payloadOf(round, 2))
      expect(pull.isTaken).toBe(true)
      expect(await pull.outcome).toEqual({ isWhole: true })
      await vi.advanceTimersByTimeAsync(CHUNK_DEADLINE_MS + LIMITS.sourceWaitMs)
    }
    sources.puller.stop()
  })

  it('gives no payload up of which a chunk came in the last chunkLateMs', async () => {
    const sources = new TestSources({ maxPulls: 2, maxChunksInFlightPerPeer: 4 })
    let isServing = true
    sources.behave(a, (ask, split) => (isServing ? after(10, good) : silent)(ask, split))
    sources.behave(b, silent)
    const pulls = [1, 2].map((seed) => sources.announce(a, payloadOf(seed, 400)))
    await vi.advanceTimersByTimeAsync(30)
    isServing = false
    await vi.advanceTimersByTimeAsync(LIMITS.chunkLateMs)
    expect(sources.announce(b, payloadOf(3, 2)).isTaken).toBe(false)
    await vi.advanceTimersByTimeAsync(11)
    expect(sources.announce(b, payloadOf(4, 2)).isTaken).toBe(true)
    expect(await pulls[0]?.outcome).toEqual({ isWhole: false, failure: 'displaced' })
  })

  it('gives a payload up of which no chunk has come firstChunkMs after the first request, and blames its announcer', async () => {
    const sources = new TestSources()
    sources.behave(a, failing('busy', { retryAfterMs: 1_000 }))
    const pull = sources.announce(a, PAYLOAD)
    await vi.advanceTimersByTimeAsync(LIMITS.firstChunkMs - 1)
    expect(sources.reports).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(await pull.outcome).toEqual({ isWhole: false, failure: 'timeout' })
    expect(sources.reports).toEqual([
      { peer: a.toString(), class: 'slow', evidence: `no chunk of ${PAYLOAD.hex} within ${LIMITS.firstChunkMs} ms` },
    ])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('blames who was asked all that time for a payload of which no chunk comes, and not who announced it', async () => {
    const sources = new TestSources()
    sources.unreachable.add(a.toString())
    sources.behave(b, failing('busy', { retryAfterMs: 1_000 }))
    const pull = sources.announce(a, PAYLOAD)
    sources.announce(b, PAYLOAD)
    await vi.advanceTimersByTimeAsync(LIMITS.firstChunkMs)
    expect(await pull.outcome).toEqual({ isWhole: false, failure: 'timeout' })
    expect(sources.reports.map(({ peer: name }) => name)).toEqual([b.toString()])
  })

  it('blames nobody whose place was taken before it had all that time', async () => {
    const sources = new TestSources()
    for (const source of peers) sources.behave(source, failing('busy', { retryAfterMs: 1_000 }))
    const pull = sources.announce(a, PAYLOAD)
    await vi.advanceTimersByTimeAsync(1)
    for (const source of peers.slice(1, MAX_SOURCES + 1)) sources.announce(source, PAYLOAD)
    await vi.advanceTimersByTimeAsync(LIMITS.firstChunkMs)
    expect(await pull.outcome).toEqual({ isWhole: false, failure: 'timeout' })
    expect(sources.reports).toEqual([])
  })

  it('waits until pullDeadlineMs for the rest of a payload of which a chunk has come', async () => {
    const sources = new TestSources()
    sources.behave(a, after(900, good))
    const pull = sources.announce(a, payloadOf(2, 100))
    await vi.advanceTimersByTimeAsync(LIMITS.pullDeadlineMs - 1)
    expect(sources.puller.size).toBe(1)
    expect(await outcomeOf(pull)).toEqual({ isWhole: false, failure: 'timeout' })
    expect(sources.reports).toEqual([])
  })

  it('gives no payload up that is whole and being judged', async () => {
    const sources = new TestSources({ maxPulls: 2 })
    const { promise: judging, resolve: judge } = Promise.withResolvers<void>()
    const pulls = [1, 2].map((seed) => sources.announce(a, payloadOf(seed, 2), { judging }))
    await vi.advanceTimersByTimeAsync(LIMITS.chunkLateMs + 10)
    expect(sources.announce(b, payloadOf(3, 2)).isTaken).toBe(false)
    judge()
    for (const pull of pulls) expect(await pull.outcome).toEqual({ isWhole: true })
  })

  it('keeps nothing of the peers that it has asked once it stops', async () => {
    const puller = new Puller({
      ...LIMITS,
      ask: () => Promise.reject(failure('absent')),
      isReachable: () => true,
      report: () => undefined,
      metrics: new BroadcastMetrics(undefined),
      log: defaultLogger().forComponent('test'),
    })
    puller.start()
    const { split, hex, id: bytes } = PAYLOAD
    const before = heapBytes()
    for (let index = 0; index < 64; index++) {
      // A name so long that it is missed.
      const name = String(index).padEnd(MIB, 'x')
      const from: PeerId = Object.create(a, { toString: { value: () => name } })
      const pulling = puller.join({
        id: { bytes, hex },
        manifest: split,
        topic: 'blocks',
        lane: 'normal',
        from,
        onWhole: () => expect.fail('nobody gave anything'),
      })
      await vi.advanceTimersByTimeAsync(LIMITS.sourceWaitMs)
      expect(await pulling).toEqual({ isWhole: false, failure: 'no-source' })
    }
    // Until then it knows who announced in vain: see `VainAnnouncers`, which is bounded.
    puller.stop()
    expect(heapBytes() - before).toBeLessThan(16 * MIB)
  })

  it('refuses a payload over maxPulls, and over maxPullsPerPeer of one announcer', () => {
    const sources = new TestSources({ maxPulls: 3, maxPullsPerPeer: 2 })
    for (const source of [a, b]) sources.behave(source, silent)
    const announce = (source: PeerId, seed: number): boolean => sources.announce(source, payloadOf(seed, 2)).isTaken
    expect([1, 2, 3].map((seed) => announce(a, seed))).toEqual([true, true, false])
    expect([4, 5].map((seed) => announce(b, seed))).toEqual([true, false])
    // Word of one that is pulled takes no place.
    expect(announce(b, 1)).toBe(true)
    expect(sources.puller.size).toBe(3)
  })

  it('lets payloads wait while maxPullBytes are being pulled, the most urgent and then the oldest first', async () => {
    const sources = new TestSources({ maxPullBytes: 25 * CHUNK })
    sources.behave(a, after(10, good))
    const [first, bulk, urgent] = [payloadOf(1, 20), payloadOf(2, 10), payloadOf(3, 10)]
    const pulls = [
      sources.announce(a, first, { lane: 'bulk' }),
      sources.announce(a, bulk, { lane: 'bulk' }),
      sources.announce(a, urgent, { lane: 'critical' }),
    ]
    expect(sources.puller.activeBytes).toBe(first.split.totalBytes)
    for (const pull of pulls) expect(await outcomeOf(pull)).toEqual({ isWhole: true })
    expect([...new Set(sources.asks.map(({ payload }) => payload))]).toEqual([1, 3, 2])
    expect(new Set(sources.asks.map(({ lane }) => lane))).toEqual(new Set(['bulk', 'critical']))
    expect(sources.puller.activeBytes).toBe(0)
  })

  it('counts a payload until it is judged', async () => {
    const sources = new TestSources()
    const { promise: judging, resolve: judge } = Promise.withResolvers<void>()
    const pull = sources.announce(a, PAYLOAD, { judging })
    await vi.advanceTimersByTimeAsync(1)
    expectWhole(sources)
    expect(sources.puller.activeBytes).toBe(PAYLOAD.split.totalBytes)
    expect(sources.puller.has(PAYLOAD.hex)).toBe(true)
    judge()
    expect(await pull.outcome).toEqual({ isWhole: true })
    expect(sources.puller.activeBytes).toBe(0)
  })

  it('gives a pull up at pullDeadlineMs, and not a millisecond sooner', async () => {
    const sources = new TestSources({ pullDeadlineMs: 3_000 })
    // Slow, and always just in time.
    sources.behave(a, after(900, good))
    let outcome: unknown
    void sources.announce(a, payloadOf(2, 100)).outcome.then((settled) => (outcome = settled))
    await vi.advanceTimersByTimeAsync(2_999)
    expect(outcome).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(outcome).toEqual({ isWhole: false, failure: 'timeout' })
    expect(sources.puller.chunksInFlight).toBe(0)
    // Those of the peer that would have answered.
    await vi.advanceTimersByTimeAsync(900)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('waits sourceWaitMs for another peer when nobody is left, and goes on with what it has', async () => {
    const sources = new TestSources()
    let served = 0
    sources.behave(a, (ask, split) => (served++ < 3 ? good(ask, split) : failing('absent')(ask, split)))
    const pull = sources.announce(a, PAYLOAD)
    await vi.advanceTimersByTimeAsync(LIMITS.sourceWaitMs - 1)
    const before = new Set(sources.asks.slice(0, 3).flatMap(({ indexes }) => indexes))
    sources.announce(b, PAYLOAD)
    expect(await outcomeOf(pull)).toEqual({ isWhole: true })
    for (const index of sources.askedOf(b)) expect(before).not.toContain(index)

    sources.behave(a, failing('absent'))
    const vain = sources.announce(a, payloadOf(2, 3))
    await vi.advanceTimersByTimeAsync(LIMITS.sourceWaitMs - 1)
    expect(sources.puller.size).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(await vain.outcome).toEqual({ isWhole: false, failure: 'no-source' })
  })

  it('gives up a payload of a topic that nobody wants any more, and no other', async () => {
    const sources = new TestSources()
    sources.behave(a, after(10, good))
    const [unwanted, wanted] = [sources.announce(a, PAYLOAD, { topic: 'old' }), sources.announce(a, payloadOf(2, 3))]
    sources.puller.abandon('old')
    expect(await unwanted.outcome).toEqual({ isWhole: false, failure: 'unsubscribed' })
    expect(await outcomeOf(wanted)).toEqual({ isWhole: true })
  })

  it('ends every pull and request when it stops, leaves no timer, and takes no more', async () => {
    const sources = new TestSources({ maxPullBytes: 25 * CHUNK })
    sources.behave(a, silent)
    const pulls = [1, 2].map((seed) => sources.announce(a, payloadOf(seed, 20)))
    await vi.advanceTimersByTimeAsync(CHUNK_DEADLINE_MS / 2)
    sources.puller.stop()
    for (const pull of pulls) expect(await pull.outcome).toEqual({ isWhole: false, failure: 'stopped' })
    await vi.advanceTimersByTimeAsync(0)
    expect(sources.asks.map(({ signal }) => signal.aborted)).toEqual([true])
    expect([sources.puller.size, sources.puller.activeBytes, sources.puller.chunksInFlight]).toEqual([0, 0, 0])
    expect(vi.getTimerCount()).toBe(0)
    expect(sources.announce(a, PAYLOAD).isTaken).toBe(false)
  })
})

describe('laws', () => {
  const behaviours: Record<string, Behaviour> = {
    good,
    slow: after(50, good),
    late: after(LIMITS.chunkLateMs + 50, good),
    part: (ask, split) => [split.chunk(ask.indexes.at(-1) ?? 0)],
    silent,
    forging,
    absent: failing('absent'),
    failing: failing('link-lost'),
    busy: failing('busy', { retryAfterMs: 20 }),
    wrong: (ask, split) => [split.chunk((Math.max(...ask.indexes) + 1) % split.chunkCount)],
    shuffled: ({ indexes }, split) => indexes.toReversed().map((index) => split.chunk(index)),
  }
  const HONEST = new Set(['good', 'slow', 'late', 'part', 'shuffled'])
  const names = fc.constantFrom(...Object.keys(behaviours))
  const crowds = fc.array(fc.record({ name: names, atMs: fc.nat(300) }), { minLength: 1, maxLength: 6 })

  it('gives the bytes or a failure, keeps to its limits, and blames nobody who is honest', async () => {
    await fc.assert(
      fc.asyncProperty(crowds, fc.integer({ min: 3, max: 40 }), async (crowd, chunks) => {
        const sources = new TestSources()
        const payload = payloadOf(1, chunks)
        const pulls = crowd.map(async ({ name, atMs }, i) => {
          sources.behave(peer(i), behaviours[name] ?? good)
          await new Promise((resolve) => setTimeout(resolve, atMs))
          return sources.whole.has(payload.hex) ? { isWhole: true } : sources.announce(peer(i), payload).outcome
        })
        await vi.advanceTimersByTimeAsync(LIMITS.pullDeadlineMs + 300)
        const outcomes = await Promise.all(pulls)

        const isHonest = crowd.map(({ name }) => HONEST.has(name))
        expect(outcomes.some((outcome) => outcome?.isWhole)).toBe(isHonest.some(Boolean))
        expect(Buffer.compare(sources.whole.get(payload.hex) ?? new Uint8Array(), payload.split.payload) === 0).toBe(
          isHonest.some(Boolean),
        )
        const blamed = sources.reports.filter((report) => report.class !== 'absent').map((report) => report.peer)
        expect(blamed.filter((key) => isHonest[peers.findIndex((each) => each.toString() === key)])).toEqual([])
        expect(sources.maxInFlight).toBeLessThanOrEqual(LIMITS.maxChunksInFlight)
        expect(sources.maxInFlightOfPeer).toBeLessThanOrEqual(LIMITS.maxChunksInFlightPerPeer)
        expect([sources.puller.size, sources.puller.activeBytes, sources.puller.chunksInFlight]).toEqual([0, 0, 0])
        expect(vi.getTimerCount()).toBe(0)
      }),
      { numRuns: 100 },
    )
  })
})

import { type PayloadChunk, type SplitPayload, splitPayload } from '@gridmesh/chunking'
import type { Lane, PeerReport } from '@gridmesh/interfaces'
import { type PeerId, TimeoutError } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { BroadcastMetrics } from '../../src/metrics.ts'
import type { ChunkAsk } from '../../src/chunk-client.ts'
import { Puller, type PullerInit, type PullerLimits } from '../../src/puller.ts'
import type { PullFailure } from '../../src/pull.ts'
import { pattern } from './payloads.ts'

export const CHUNK = 1_024
/** Time after which a request fails, as it does with a unicast. */
export const CHUNK_DEADLINE_MS = 1_000

export const LIMITS: PullerLimits = {
  maxPulls: 8,
  maxPullsPerPeer: 4,
  maxPullBytes: 1_000 * CHUNK,
  maxChunksInFlight: 24,
  maxChunksInFlightPerPeer: 8,
  chunksPerRequest: 2,
  pullDeadlineMs: 10_000,
  firstChunkMs: 5_000,
  chunkLateMs: 100,
  sourceWaitMs: 500,
}

/** What a peer does with a request. */
export type Behaviour = (ask: ChunkAsk, split: SplitPayload) => PayloadChunk[] | Promise<PayloadChunk[]>

export function failure(code: string, extra: object = {}): Error {
  return Object.assign(new TypeError(code), { code, ...extra })
}

/** Answers at once, and as it should. */
export const good: Behaviour = ({ indexes }, split) => indexes.map((index) => split.chunk(index))
export const silent: Behaviour = () => new Promise(() => undefined)
export function failing(code: string, extra: object = {}): Behaviour {
  return () => Promise.reject(failure(code, extra))
}
export function after(ms: number, behaviour: Behaviour): Behaviour {
  return async (ask, split) => {
    await new Promise((resolve) => setTimeout(resolve, ms))
    return behaviour(ask, split)
  }
}
/** Nobody but the sender can have made such a chunk. */
export const forging: Behaviour = ({ indexes }, split) =>
  indexes.map((index) => ({ ...split.chunk(index), bytes: split.chunk(index).bytes.map((byte) => byte ^ 1) }))

/** A payload, named by a number. */
export interface TestPayload {
  split: SplitPayload
  hex: string
  id: Uint8Array
}

export function payloadOf(seed: number, chunks: number): TestPayload {
  const split = splitPayload(pattern(chunks * CHUNK - 1, seed), { chunkBytes: CHUNK })
  return { split, hex: `id-${seed}`, id: Uint8Array.of(seed) }
}

/** A puller among peers that behave as they are told, with all that it does written down. */
export class TestSources {
  readonly puller: Puller
  readonly reports: { peer: string; class: PeerReport['class']; evidence: string | undefined }[] = []
  readonly asks: { peer: string; payload: number; indexes: number[]; lane: Lane; signal: AbortSignal }[] = []
  readonly unreachable = new Set<string>()
  /** Payloads that came, by id. */
  readonly whole = new Map<string, Uint8Array>()
  /** Whom each was judged as of. */
  readonly givers = new Map<string, string>()
  maxInFlight = 0
  maxInFlightOfPeer = 0
  readonly #behaviours = new Map<string, Behaviour>()
  readonly #payloads = new Map<number, SplitPayload>()
  readonly #inFlight = new Map<string, number>()

  constructor(limits: Partial<PullerLimits> = {}) {
    const init: PullerInit = {
      ...LIMITS,
      ...limits,
      ask: (peer, ask) => this.#ask(peer, ask),
      isReachable: (peer) => !this.unreachable.has(peer.toString()),
      report: (peer, report) =>
        this.reports.push({ peer: peer.toString(), class: report.class, evidence: report.evidence }),
      metrics: new BroadcastMetrics(undefined),
      log: defaultLogger().forComponent('test'),
    }
    this.puller = new Puller(init)
    this.puller.start()
  }

  behave(peer: PeerId, behaviour: Behaviour): void {
    this.#behaviours.set(peer.toString(), behaviour)
  }

  /** `peer` announces a payload. There is no outcome where it is not taken. */
  announce(peer: PeerId, payload: TestPayload, options: TestAnnouncement = {}): TestPull {
    const { split, hex, id } = payload
    this.#payloads.set(id[0] ?? 0, split)
    const pull = this.puller.join({
      id: { bytes: id, hex },
      manifest: split,
      topic: options.topic ?? 'blocks',
      lane: options.lane ?? 'normal',
      from: peer,
      onWhole: async ({ payload: bytes }, from) => {
        this.givers.set(hex, from.toString())
        this.whole.set(hex, bytes)
        await options.judging
        return { verdict: 'ignore', reason: 'ignored' }
      },
    })
    return {
      isTaken: pull !== undefined,
      outcome: (async () => {
        const outcome = await pull
        return outcome?.isWhole === true ? { isWhole: true } : outcome
      })(),
    }
  }

  askedOf(peer: PeerId): number[] {
    return this.asks.filter((ask) => ask.peer === peer.toString()).flatMap((ask) => ask.indexes)
  }

  async #ask(peer: PeerId, ask: ChunkAsk): Promise<PayloadChunk[]> {
    const key = peer.toString()
    const split = this.#payloads.get(ask.id[0] ?? 0)
    const behaviour = this.#behaviours.get(key) ?? good
    if (split === undefined) throw new RangeError('no such payload')
    this.asks.push({ peer: key, payload: ask.id[0] ?? 0, indexes: ask.indexes, lane: ask.lane, signal: ask.signal })
    this.#count(key, ask.indexes.length)
    const { promise: ended, reject } = Promise.withResolvers<never>()
    const deadline = setTimeout(() => reject(new TimeoutError('No answer')), CHUNK_DEADLINE_MS)
    ask.signal.addEventListener('abort', () => reject(ask.signal.reason))
    try {
      return await Promise.race([behaviour(ask, split), ended])
    } finally {
      clearTimeout(deadline)
      this.#count(key, -ask.indexes.length)
    }
  }

  #count(peer: string, chunks: number): void {
    this.#inFlight.set(peer, (this.#inFlight.get(peer) ?? 0) + chunks)
    const all = [...this.#inFlight.values()]
    this.maxInFlight = Math.max(this.maxInFlight, this.puller.chunksInFlight)
    this.maxInFlightOfPeer = Math.max(this.maxInFlightOfPeer, ...all)
  }
}

/** What a test looks at of an outcome. */
export type TestOutcome = { isWhole: true } | { isWhole: false; failure: PullFailure } | undefined

/** A payload that was announced. */
export interface TestPull {
  isTaken: boolean
  outcome: Promise<TestOutcome>
}

interface TestAnnouncement {
  topic?: string
  lane?: Lane
  /** The payload is being judged until this resolves. */
  judging?: Promise<void>
}

import { PayloadAssembler, type PayloadManifest, type SplitPayload } from '@gridmesh/chunking'
import type { Lane } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { ChunkPlan } from './chunk-plan.ts'
import { HARD_MAX_MESSAGE_BYTES, MAX_SOURCES } from './constants.ts'
import type { Judgement } from './inbox.ts'
import { PullSource } from './pull-source.ts'

/** Why a payload did not come. */
export type PullFailure = 'no-source' | 'timeout' | 'displaced' | 'stopped' | 'unsubscribed'

/** What became of a pull. */
export type PullOutcome =
  | { isWhole: true; from: PeerId; judgement: Judgement }
  | { isWhole: false; failure: PullFailure }

/** A payload to be pulled. */
export interface PullRequest {
  /** Id of the message, as bytes and hex. */
  id: { bytes: Uint8Array; hex: string }
  manifest: PayloadManifest
  /** Topic without its network. */
  topic: string
  lane: Lane
  /** The peer that announced it. */
  from: PeerId
  /** Judges the whole payload, as of the peer that gave most of it. Until then it is being pulled. Must not reject. */
  onWhole(split: SplitPayload, from: PeerId): Promise<Judgement>
}

/** One payload on its way: what has come, who can give the rest, and who was asked for what. */
export class Pull {
  readonly request: PullRequest
  readonly assembler: PayloadAssembler
  readonly plan: ChunkPlan
  readonly sources = new Map<string, PullSource>()
  readonly startedAtMs = performance.now()
  /** It holds its share of `maxPullBytes`. */
  isActive = false
  /** Nothing more is asked for. */
  isOver = false
  /** Requests under way. */
  requests = 0
  readonly #controller = new AbortController()
  readonly #outcome = Promise.withResolvers<PullOutcome>()
  readonly #banned = new Set<string>()
  /** Chunks by the peer that gave them. */
  readonly #given = new Map<string, { peer: PeerId; chunks: number }>()
  #lastChunkAtMs = Number.NEGATIVE_INFINITY
  #deadline: ReturnType<typeof setTimeout> | undefined
  #unserved: ReturnType<typeof setTimeout> | undefined
  #starving: ReturnType<typeof setTimeout> | undefined
  #waking: ReturnType<typeof setTimeout> | undefined

  constructor(request: PullRequest) {
    this.request = request
    this.assembler = new PayloadAssembler(request.manifest, { maxTotalBytes: HARD_MAX_MESSAGE_BYTES })
    this.plan = new ChunkPlan(this.assembler.chunkCount)
  }

  get bytes(): number {
    return this.request.manifest.totalBytes
  }

  /** Aborts when nothing more is asked for. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Resolves when the pull has ended, one way or another. */
  get outcome(): Promise<PullOutcome> {
    return this.#outcome.promise
  }

  /**
   * Takes a peer that says it has the payload. One that has forged a chunk stays out. Beyond `MAX_SOURCES` it takes the
   * place of one that has given nothing yet, or those who never will could keep everybody else out.
   */
  addSource(peer: PeerId): void {
    this.#add(new PullSource(peer))
  }

  dropSource(source: PullSource): void {
    if (this.sources.get(source.key) === source) this.sources.delete(source.key)
  }

  /** Asks a peer no more, whoever says that it has the payload. Returns whether it was not banned before. */
  banSource(source: PullSource): boolean {
    if (this.#banned.has(source.key)) return false
    this.#banned.add(source.key)
    this.#given.delete(source.key)
    this.dropSource(source)
    return true
  }

  /** Counts a chunk for the peer that gave it. It is asked on, whoever has taken its place meanwhile. */
  credit(source: PullSource): void {
    const { key, peer } = source
    this.#lastChunkAtMs = performance.now()
    clearTimeout(this.#unserved)
    this.#given.set(key, { peer, chunks: (this.#given.get(key)?.chunks ?? 0) + 1 })
    this.#add(source)
  }

  /** Whether no chunk has come for `ms`, or none at all. */
  isIdle(ms: number): boolean {
    return performance.now() - this.#lastChunkAtMs > ms
  }

  /** The peer that gave most of what has come. */
  get mainGiver(): PeerId {
    const [most] = [...this.#given.values()].toSorted((a, b) => b.chunks - a.chunks)
    return most?.peer ?? this.request.from
  }

  /** Peers that may be asked now, those that keep their time first. */
  idleSources(): PullSource[] {
    const idle = [...this.sources.values()].filter((source) => source.isIdle)
    return idle.toSorted((a, b) => Number(b.isProven) - Number(a.isProven) || a.requests - b.requests)
  }

  /** Calls `onDeadline` unless the pull is over by then. */
  setDeadline(ms: number, onDeadline: () => void): void {
    this.#deadline = setTimeout(onDeadline, ms)
  }

  /** Calls `onUnserved` unless a chunk comes within `ms` of the first call. */
  expectChunk(ms: number, onUnserved: () => void): void {
    this.#unserved ??= setTimeout(onUnserved, ms)
  }

  /** Calls `onStarved` unless a source comes within `ms`. */
  starve(ms: number, onStarved: () => void): void {
    this.#starving ??= setTimeout(onStarved, ms)
  }

  /** Calls `onWake` when the first of the sources that pause may be asked again. */
  wake(onWake: () => void): void {
    const pauses = [...this.sources.values()].map((source) => source.pauseMs()).filter((ms) => ms > 0)
    clearTimeout(this.#waking)
    this.#waking = pauses.length === 0 ? undefined : setTimeout(onWake, Math.ceil(Math.min(...pauses)))
  }

  /** Asks for nothing more. */
  end(): void {
    this.isOver = true
    for (const timer of [this.#deadline, this.#unserved, this.#starving, this.#waking]) clearTimeout(timer)
    this.#controller.abort()
  }

  settle(outcome: PullOutcome): void {
    this.#outcome.resolve(outcome)
  }

  #add(source: PullSource): void {
    if (this.#banned.has(source.key) || this.sources.has(source.key)) return
    if (this.sources.size >= MAX_SOURCES) {
      const useless = [...this.sources.values()].find(({ key }) => !this.#given.has(key))
      if (useless === undefined) return
      this.dropSource(useless)
    }
    this.sources.set(source.key, source)
    clearTimeout(this.#starving)
    this.#starving = undefined
  }
}

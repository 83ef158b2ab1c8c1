import type { PayloadChunk } from '@gridmesh/chunking'
import { LANES } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { raceSignal } from 'race-signal'
import type { ChunkAsk } from './chunk-client.ts'
import type { PlannedChunks } from './chunk-plan.ts'
import { ChunkWindows } from './chunk-windows.ts'
import { Pull, type PullFailure, type PullOutcome, type PullRequest } from './pull.ts'
import { PullJudge, type PullJudgeInit } from './pull-judge.ts'
import type { PullSource } from './pull-source.ts'
import { VainAnnouncers } from './vain-announcers.ts'

/** Bounds of a `Puller`. */
export interface PullerLimits {
  maxPulls: number
  maxPullsPerPeer: number
  maxPullBytes: number
  maxChunksInFlight: number
  maxChunksInFlightPerPeer: number
  chunksPerRequest: number
  pullDeadlineMs: number
  firstChunkMs: number
  chunkLateMs: number
  sourceWaitMs: number
}

/** What a `Puller` needs. */
export interface PullerInit extends PullerLimits, PullJudgeInit {
  ask(peer: PeerId, ask: ChunkAsk): Promise<PayloadChunk[]>
  /** Whether a peer can be asked at all, now. */
  isReachable(peer: PeerId): boolean
}

/**
 * Pulls announced payloads, each from all peers that say they have it, and decides who is asked for what next: urgent
 * payloads first, then those announced first.
 */
export class Puller {
  readonly #init: PullerInit
  readonly #judge: PullJudge
  readonly #pulls = new Map<string, Pull>()
  readonly #inFlightOf = new Map<string, number>()
  readonly #windows: ChunkWindows
  readonly #vain = new VainAnnouncers()
  #isRunning = false
  #activeBytes = 0
  #inFlight = 0

  constructor(init: PullerInit) {
    this.#init = init
    this.#judge = new PullJudge(init)
    const { maxChunksInFlightPerPeer: most, chunkLateMs: lateMs } = init
    this.#windows = new ChunkWindows({ most, lateMs })
  }

  /** Payloads being pulled or waiting to be. */
  get size(): number {
    return this.#pulls.size
  }

  /** Bytes of the payloads being pulled. */
  get activeBytes(): number {
    return this.#activeBytes
  }

  /** Chunks asked for and not received. */
  get chunksInFlight(): number {
    return this.#inFlight
  }

  start(): void {
    this.#isRunning = true
  }

  stop(): void {
    this.#isRunning = false
    for (const pull of this.#pulls.values()) this.#fail(pull, 'stopped')
    this.#vain.clear()
    this.#windows.clear()
  }

  has(id: string): boolean {
    return this.#pulls.has(id)
  }

  /** Pulls a payload, or learns of one more peer that has it. Returns `undefined` where a limit is reached. */
  join(request: PullRequest): Promise<PullOutcome> | undefined {
    if (!this.#isRunning) return undefined
    const { id, from } = request
    const pull = this.#pulls.get(id.hex) ?? this.#begin(request)
    if (pull === undefined) return undefined
    this.addSource(id.hex, from)
    return pull.outcome
  }

  /** Learns of a peer that has a payload, if that is being pulled. */
  addSource(id: string, peer: PeerId): void {
    const pull = this.#pulls.get(id)
    if (pull === undefined || pull.isOver) return
    pull.addSource(peer)
    this.#schedule()
  }

  /** Gives up what is pulled for `topic`. */
  abandon(topic: string): void {
    for (const pull of this.#pulls.values()) if (pull.request.topic === topic) this.#fail(pull, 'unsubscribed')
  }

  #begin(request: PullRequest): Pull | undefined {
    const { maxPulls, maxPullsPerPeer, pullDeadlineMs } = this.#init
    // Or one peer that announces what nobody has could take all places.
    const ofPeer = [...this.#pulls.values()].filter((pull) => pull.request.from.equals(request.from)).length
    if (ofPeer >= maxPullsPerPeer || (this.#pulls.size >= maxPulls && !this.#makeWay(request.from))) return undefined
    const pull = new Pull(request)
    pull.setDeadline(pullDeadlineMs, () => this.#fail(pull, 'timeout'))
    this.#pulls.set(request.id.hex, pull)
    return pull
  }

  /**
   * Gives up a payload of which nothing comes, for one that `from` announces: the first of the peer that announced most
   * such, now and before, where that has more than `from` even then. Or peers that announce what they do not give hold
   * all places, few of them with many or many with one.
   */
  #makeWay(from: PeerId): boolean {
    const idle = [...this.#pulls.values()].filter((pull) => !pull.isOver && pull.isIdle(this.#init.chunkLateMs))
    const byPeer = Map.groupBy(idle, ({ request }) => request.from.toString())
    const weightOf = (peer: string): number => (byPeer.get(peer)?.length ?? 0) + this.#vain.countOf(peer)
    const [most] = [...byPeer.keys()].toSorted((a, b) => weightOf(b) - weightOf(a))
    const [first] = byPeer.get(most ?? '') ?? []
    if (most === undefined || first === undefined || weightOf(most) <= weightOf(from.toString()) + 1) return false
    this.#fail(first, 'displaced')
    return true
  }

  /** Asks for as much as the limits allow. Called whenever something has changed. */
  #schedule(): void {
    this.#activate()
    for (const pull of this.#byUrgency()) {
      if (!pull.isActive || pull.isOver) continue
      while (this.#askNext(pull));
      pull.wake(() => this.#schedule())
      const isStarved = pull.requests === 0 && pull.sources.size === 0
      if (isStarved) pull.starve(this.#init.sourceWaitMs, () => this.#fail(pull, 'no-source'))
    }
  }

  #byUrgency(): Pull[] {
    return [...this.#pulls.values()].toSorted((a, b) => rankOf(a) - rankOf(b))
  }

  /** Lets waiting payloads begin. One that does not fit keeps those behind it waiting, or a large one never began. */
  #activate(): void {
    for (const pull of this.#byUrgency()) {
      if (pull.isActive || pull.isOver) continue
      if (this.#activeBytes + pull.bytes > this.#init.maxPullBytes) return
      pull.isActive = true
      this.#activeBytes += pull.bytes
    }
  }

  /** Sends one request. Returns `false` when there is nobody to ask, nothing to ask for, or no room. */
  #askNext(pull: Pull): boolean {
    const { maxChunksInFlight, chunksPerRequest } = this.#init
    for (const source of pull.idleSources()) {
      if (!this.#init.isReachable(source.peer)) {
        pull.dropSource(source)
        continue
      }
      const room = Math.min(
        maxChunksInFlight - this.#inFlight,
        this.#windows.of(source.key) - (this.#inFlightOf.get(source.key) ?? 0),
      )
      const chunks = room > 0 ? pull.plan.take(source.key, Math.min(room, chunksPerRequest)) : undefined
      if (chunks === undefined) continue
      this.#fetch(pull, source, chunks).catch((err: unknown) => this.#init.log.error('pull failed - %e', err))
      return true
    }
    return false
  }

  async #fetch(pull: Pull, source: PullSource, chunks: PlannedChunks): Promise<void> {
    const indexes = [...chunks.missing]
    const askedAtMs = performance.now()
    const controller = new AbortController()
    const signal = AbortSignal.any([pull.signal, controller.signal])
    const late = setTimeout(() => this.#onLate(source, chunks, askedAtMs), this.#init.chunkLateMs)
    chunks.requests.add(controller)
    this.#count(pull, source, indexes.length, 1)
    pull.expectChunk(this.#init.firstChunkMs, () => this.#onUnserved(pull, source))
    try {
      const { id, lane } = pull.request
      const asking = this.#init.ask(source.peer, { id: id.bytes, indexes, lane, signal })
      const answer = await raceSignal(asking, signal)
      this.#windows.answered(source.key, answer.length, askedAtMs)
      this.#judge.take(pull, source, { chunks, indexes, request: controller }, answer)
    } catch (err) {
      if (!signal.aborted) this.#judge.failed(pull, source, askedAtMs, err)
    } finally {
      clearTimeout(late)
      chunks.requests.delete(controller)
      this.#count(pull, source, -indexes.length, -1)
      pull.plan.release(chunks, source.key)
    }
    if (pull.assembler.isComplete && !pull.isOver) await this.#complete(pull)
    this.#schedule()
  }

  #onLate(source: PullSource, chunks: PlannedChunks, askedAtMs: number): void {
    this.#windows.late(source.key, askedAtMs)
    source.isProven = false
    chunks.isLate = true
    this.#schedule()
  }

  /**
   * Whoever says that it has a payload has it whole: that it gives none of it is its own doing, however politely it
   * refuses. Only the first that was asked had all the time, and only if it could be asked throughout.
   */
  #onUnserved(pull: Pull, first: PullSource): void {
    const evidence = `no chunk of ${pull.request.id.hex} within ${this.#init.firstChunkMs} ms`
    if (pull.sources.get(first.key) === first) this.#init.report(first.peer, { class: 'slow', evidence })
    this.#fail(pull, 'timeout')
  }

  #count(pull: Pull, source: PullSource, chunks: number, requests: number): void {
    this.#inFlight += chunks
    const ofPeer = (this.#inFlightOf.get(source.key) ?? 0) + chunks
    if (ofPeer === 0) this.#inFlightOf.delete(source.key)
    else this.#inFlightOf.set(source.key, ofPeer)
    source.requests += requests
    pull.requests += requests
  }

  async #complete(pull: Pull): Promise<void> {
    const { metrics, log } = this.#init
    pull.end()
    metrics.pulled('whole', pull.bytes, performance.now() - pull.startedAtMs)
    log.trace('pulled %s, %d bytes', pull.request.id.hex, pull.bytes)
    const from = pull.mainGiver
    this.#vain.gave(from)
    const judgement = await pull.request.onWhole(pull.assembler.finish(), from)
    this.#remove(pull)
    pull.settle({ isWhole: true, from, judgement })
  }

  #fail(pull: Pull, failure: PullFailure): void {
    // What is whole is being judged: too late to fail.
    if (pull.isOver) return
    const { metrics, log } = this.#init
    pull.end()
    metrics.pulled(failure, pull.assembler.receivedBytes)
    const { receivedChunks, chunkCount } = pull.assembler
    const isVain = receivedChunks === 0 && (failure === 'no-source' || failure === 'timeout')
    if (isVain) this.#vain.failed(pull.request.from)
    log('gave %s up with %d of %d chunks: %s', pull.request.id.hex, receivedChunks, chunkCount, failure)
    this.#remove(pull)
    pull.settle({ isWhole: false, failure })
    if (this.#isRunning) this.#schedule()
  }

  #remove(pull: Pull): void {
    this.#pulls.delete(pull.request.id.hex)
    if (pull.isActive) this.#activeBytes -= pull.bytes
    pull.isActive = false
  }
}

function rankOf({ request }: Pull): number {
  return LANES.indexOf(request.lane)
}

import type { ChainTip } from '@gridmesh/interfaces'
import { AnswerSize } from './answer-size.ts'
import type { PeerNotice, SyncPeerStatus } from './index.ts'
import type { SyncOptions } from './options.ts'
import type { Offence, SyncPeer, SyncPeers } from './ports.ts'
import { ANY, type Doubt, type RunClaims } from './retries.ts'

/** Weight of the newest rate against those before. */
const NEWEST = 0.3

/** A peer in a run. */
export class PeerRecord {
  readonly id: string
  /** A turn of the run; those of an earlier one come first, so that a flood of newcomers does not starve anybody. */
  readonly seenAt: number
  claim: SyncPeer
  isReady = true
  /** Not asked again in this run. */
  isExcluded = false
  isReported = false
  /** Its headers are followed only when nobody else's are left. */
  isDeferred = false
  /** The same by what came of it in a run before. */
  isDoubted = false
  /** What this run found against it. */
  doubt: Doubt | undefined
  /** Its turns that led nowhere because the chain moved meanwhile. */
  restarts = 0
  /** Hash of a claim that came true: up to it we followed the peer, or others brought it. */
  reached: string | undefined
  requests = 0
  failures = 0
  blocksPerSecond: number | undefined
  /** What it is asked for at once. */
  readonly answers: AnswerSize
  #presence = new AbortController()

  constructor(claim: SyncPeer, seenAt: number, timeoutMs: number) {
    this.id = claim.id
    this.answers = new AnswerSize(timeoutMs)
    this.claim = claim
    this.seenAt = seenAt
  }

  /** Aborts when it is lost, or is not asked again. */
  get signal(): AbortSignal {
    return this.#presence.signal
  }

  get isUsable(): boolean {
    return this.isReady && !this.isExcluded
  }

  /** Takes over what it says by now; `undefined` where it is gone. */
  update(claim: SyncPeer | undefined): void {
    const isReady = claim?.isReady ?? false
    if (claim !== undefined) this.claim = claim
    if (this.isReady && !isReady) this.#presence.abort()
    else if (!this.isReady && isReady && !this.isExcluded) this.#presence = new AbortController()
    this.isReady = isReady
  }

  exclude(doubt?: Doubt): void {
    this.isExcluded = true
    this.doubt = doubt
    this.#presence.abort()
  }

  /** Counts blocks, or pieces, that came in a time; none where somebody else was faster. */
  rate(count: number, durationMs: number): void {
    const rate = (count * 1_000) / Math.max(1, durationMs)
    this.blocksPerSecond =
      this.blocksPerSecond === undefined ? rate : NEWEST * rate + (1 - NEWEST) * this.blocksPerSecond
  }
}

/** What is known of peers from before a run. */
export interface Foreknowledge {
  /** Whether a claim may bring us further. */
  isWorthIt(peer: SyncPeer): boolean
  doubtOf(id: string): Doubt | undefined
}

/** The peers of a run: what they claim, how fast they are, and who is not asked any more. */
export class PeerTable {
  readonly #ports: SyncPeers
  readonly #options: SyncOptions
  readonly #notice: (notice: PeerNotice) => void
  readonly #known: Foreknowledge
  readonly #records = new Map<string, PeerRecord>()
  #crowdedOut: ReadonlySet<string> = new Set()
  #turn = 0

  /** Where there are more peers than there is room for, those come first that are worth it. */
  constructor(ports: SyncPeers, options: SyncOptions, notice: (notice: PeerNotice) => void, known: Foreknowledge) {
    this.#ports = ports
    this.#options = options
    this.#notice = notice
    this.#known = known
    this.refresh()
  }

  /** Looks at who is there, and what they claim. */
  refresh(): void {
    const present = new Map(this.#ports.peers().map((peer) => [peer.id, peer]))
    for (const [id, record] of this.#records) record.update(present.get(id))
    const newcomers = [...present.values()].filter(({ id, isReady }) => isReady && !this.#records.has(id))
    const inOrder = newcomers.toSorted((a, b) => Number(this.#known.isWorthIt(b)) - Number(this.#known.isWorthIt(a)))
    this.#crowdedOut = new Set(inOrder.filter((claim) => !this.#add(claim)).map(({ id }) => id))
  }

  /** Says whether there was room. */
  #add(claim: SyncPeer): boolean {
    if (this.#records.size >= this.#options.maxPeers && !this.#forgetOne()) return false
    this.#records.set(claim.id, this.#recordOf(claim))
    return true
  }

  /** Who lied before is asked nothing; of whom nothing came, as little as can be: it may be honest. */
  #recordOf(claim: SyncPeer): PeerRecord {
    const record = new PeerRecord(claim, this.#turn, this.#options.requestTimeoutMs)
    const doubt = this.#known.doubtOf(claim.id)
    record.isDoubted = doubt === 'fruitless'
    record.isReported = doubt === 'lied'
    if (doubt === 'lied') record.exclude()
    return record
  }

  /** Forgets somebody who is gone, if there is one. Not who was excluded: it would only have to come back. */
  #forgetOne(): boolean {
    for (const [id, { isReady, isExcluded, requests }] of this.#records) {
      if (!isReady && !isExcluded && requests === 0) return this.#records.delete(id)
    }
    return false
  }

  /** Who may be asked. */
  usable(): PeerRecord[] {
    return [...this.#records.values()].filter((record) => record.isUsable)
  }

  /** Whether anybody who is there, and is not known to lie, claims more than we have. */
  hasAhead(tip: ChainTip): boolean {
    return [...this.#records.values()].some(
      ({ isReady, isReported, claim, reached }) =>
        isReady && !isReported && claim.tip.height > tip.height && claim.tip.hash !== reached,
    )
  }

  /** Those whose headers might bring us further, the best first. */
  sources(tip: ChainTip, wanted: ReadonlyMap<string, ChainTip>): PeerRecord[] {
    return this.usable()
      .filter(
        ({ id, claim, reached }) => (claim.tip.height > tip.height && claim.tip.hash !== reached) || wanted.has(id),
      )
      .toSorted(
        (a, b) =>
          Number(this.isLast(a)) - Number(this.isLast(b)) ||
          a.seenAt - b.seenAt ||
          b.claim.tip.height - a.claim.tip.height,
      )
  }

  /** Whether somebody whose headers might bring us further comes after all others: its claim may be one of a run before. */
  isLast({ isDeferred, isDoubted, claim }: PeerRecord): boolean {
    return isDeferred || isDoubted || !this.#known.isWorthIt(claim)
  }

  /** Whoever appears from now on is of a later turn. */
  nextTurn(): void {
    this.#turn++
  }

  /** Blocks per second below which a peer is so much slower than the median that others are asked first. */
  slowRate(): number {
    const rates = this.usable()
      .flatMap((record) => record.blocksPerSecond ?? [])
      .toSorted((a, b) => a - b)
    const median = ((rates[(rates.length - 1) >> 1] ?? 0) + (rates[rates.length >> 1] ?? 0)) / 2
    return rates.length > 1 ? median / this.#options.slowFactor : 0
  }

  /** A lie. */
  report(record: PeerRecord, offence: Offence, message: string): void {
    // Once a run: what it had under way tells the same.
    if (record.isReported) return
    record.isReported = true
    // It may be true in good faith where somebody was cut off.
    record.exclude(offence === 'forks-below-finality' ? 'fruitless' : 'lied')
    this.#ports.report(record.id, offence, message)
    this.#notice({ peer: record.id, notice: 'reported', offence, message })
  }

  /** Nothing to blame it for; but it is not asked again in this run. */
  exclude(record: PeerRecord, notice: 'slow' | 'absent', message: string): void {
    if (record.isExcluded) return
    record.exclude('fruitless')
    this.#notice({ peer: record.id, notice, message })
  }

  /** A request that was not answered. */
  failed(record: PeerRecord, message: string): void {
    record.failures++
    if (record.failures >= this.#options.maxFailures) this.exclude(record, 'slow', message)
  }

  /** What came of the claims of all there are. */
  claims(): RunClaims {
    const settled = new Map<string, string>()
    const doubts = new Map<string, Doubt>()
    for (const { id, isExcluded, reached, doubt } of this.#records.values()) {
      if (doubt !== undefined) doubts.set(id, doubt)
      if (isExcluded) settled.set(id, ANY)
      else if (reached !== undefined) settled.set(id, reached)
    }
    return { settled, doubts, crowdedOut: this.#crowdedOut }
  }

  /** The same where all of them had their chance, and nothing came of any. */
  fruitless(): RunClaims {
    return { ...this.claims(), settled: new Map([...this.#records.keys()].map((id) => [id, ANY])) }
  }

  snapshot(): SyncPeerStatus[] {
    const slowRate = this.slowRate()
    return [...this.#records.values()].map(({ id, blocksPerSecond, requests, isExcluded }) => {
      const standing = (blocksPerSecond ?? slowRate) < slowRate ? 'slow' : 'good'
      return { id, blocksPerSecond, requests, standing: isExcluded ? 'excluded' : standing }
    })
  }
}

import type { PeerReport } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { POINT_SCALE } from './constants.ts'
import { cleanEvidence } from './explain.ts'
import { type JudgeContext, judge, type Sentence } from './judge.ts'
import { isReportClass, zeroPerClass } from './offences.ts'
import type { PeerManagerOptions } from './options.ts'
import type { PeerBook } from './peer-book.ts'
import { addToTally, pointsOf, settle, type Tally } from './reputation.ts'

/** What a report comes to. */
export interface TakenReport {
  /** What it adds to the reputation, after weight and our own lag. */
  readonly points: number
  /** The reputation with it and all earlier reports of the tick. */
  readonly reputation: number
}

/**
 * Takes reports during a tick and settles them at its end. The lag factor is read once a tick, so that the sum does
 * not depend on the order of the reports.
 */
export class ReportDesk {
  readonly #book: PeerBook
  readonly #options: PeerManagerOptions
  readonly #readLagFactor: () => number
  readonly #tallies = new Map<string, Tally>()
  readonly #counts = zeroPerClass()
  #lagFactor: number | undefined

  constructor(book: PeerBook, options: PeerManagerOptions, readLagFactor: () => number) {
    this.#book = book
    this.#options = options
    this.#readLagFactor = readLagFactor
  }

  /** Reports taken so far, by class. */
  get counts(): ReturnType<typeof zeroPerClass> {
    return { ...this.#counts }
  }

  /** Whether something waits for the end of the tick. */
  get isPending(): boolean {
    return this.#tallies.size > 0
  }

  /** Takes a report: into the ledger now, into the reputation at the end of the tick. Returns what it comes to. */
  take(peer: PeerId, report: PeerReport): TakenReport | undefined {
    if (!isReportClass(report.class)) return undefined
    this.#lagFactor ??= this.#readLagFactor()
    const points = pointsOf(report.class, report.weight, this.#lagFactor)
    const key = this.#book.ensure(peer).id.toString()
    const evidence = cleanEvidence(report.evidence ?? '', this.#options.maxEvidenceLength)
    const nowMs = this.#book.now()
    this.#book.note(key, { kind: report.class, points: points / POINT_SCALE, evidence, atMs: nowMs })
    this.#counts[report.class]++
    const tally = this.#tallyOf(key)
    addToTally(tally, report.class, points)
    const { reputation } = settle({ reputation: this.#book.reputation(key, nowMs), provenReputation: 0 }, tally)
    return { points: points / POINT_SCALE, reputation }
  }

  /** Has a peer judged at the end of the tick without a new report: it came back, or links are no longer short. */
  watch(key: string): void {
    this.#tallyOf(key)
  }

  /** Ends the tick: every peer gets its new reputation first, then all of them are judged together. */
  settle(links: number, isLink: (key: string) => boolean): Sentence[] {
    const tallies = [...this.#tallies]
    this.#tallies.clear()
    this.#lagFactor = undefined
    const { disconnectReputation } = this.#options
    const subjects = tallies.flatMap(([key, tally]) => {
      // First the standing is decayed to now, then the tally comes on top of it.
      const standing = this.#book.change(key)
      const record = standing === undefined ? undefined : this.#book.change(key, settle(standing, tally))
      if (record === undefined || record.reputation > disconnectReputation) return []
      const { reputation, provenReputation } = record
      return [{ key, reputation, provenReputation, isLink: isLink(key) }]
    })
    const { minPeers, banReputation } = this.#options
    const context: JudgeContext = { links, minPeers, disconnectReputation, banReputation }
    return judge(subjects, context)
  }

  #tallyOf(key: string): Tally {
    const tally = this.#tallies.get(key) ?? { total: 0, proven: 0 }
    this.#tallies.set(key, tally)
    return tally
  }
}

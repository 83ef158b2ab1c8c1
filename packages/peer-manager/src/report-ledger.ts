import type { ReportClass } from '@gridmesh/interfaces'
import { REPORT_CLASSES, REPORT_RULES, SHORTEST_BAN_MS, zeroPerClass } from './offences.ts'
import { movedTime } from './stored-time.ts'

/** What an entry is about: a report, or a ban or its end. */
export type LedgerKind = ReportClass | 'ban' | 'unban'

/** One line of a ledger. */
export interface LedgerEntry {
  readonly kind: LedgerKind
  /** Reputation that it added, after weight and our own lag. */
  readonly points: number
  readonly evidence: string
  /** When, ms since the epoch. */
  readonly atMs: number
}

/** What is left of entries that were folded to make room. */
export interface LedgerSummary {
  readonly count: number
  readonly points: number
  readonly fromMs: number
  readonly toMs: number
  /** How often each class occurs among them. */
  readonly byClass: Readonly<Record<ReportClass, number>>
}

/** What is stored of a ledger. */
export interface LedgerState {
  /** Oldest first. */
  readonly entries: readonly LedgerEntry[]
  readonly summary?: LedgerSummary | undefined
  /** When each class was reported last, ms since the epoch. */
  readonly lastByClass: Readonly<Partial<Record<ReportClass, number>>>
}

/** The append-only history of one peer. Bounded: beyond `maxEntries` the oldest are folded into one summary. */
export class ReportLedger {
  readonly #maxEntries: number
  readonly #entries: LedgerEntry[]
  readonly #lastByClass: Partial<Record<ReportClass, number>>
  #summary: LedgerSummary | undefined

  constructor(maxEntries: number, state?: LedgerState) {
    this.#maxEntries = maxEntries
    this.#entries = [...(state?.entries ?? [])]
    this.#lastByClass = { ...state?.lastByClass }
    this.#summary = state?.summary
    this.foldTo(maxEntries)
  }

  append(entry: LedgerEntry): void {
    this.#entries.push(entry)
    if (isReport(entry.kind)) this.#lastByClass[entry.kind] = entry.atMs
    this.foldTo(this.#maxEntries)
  }

  /** The longest ban among the classes reported since `sinceMs`: the last straw does not hide what came before. */
  gravestBanMs(sinceMs: number, isProvenOnly: boolean): number {
    let banMs = SHORTEST_BAN_MS
    for (const reportClass of REPORT_CLASSES) {
      const lastMs = this.#lastByClass[reportClass]
      const rule = REPORT_RULES[reportClass]
      if (lastMs === undefined || lastMs < sinceMs || (isProvenOnly && !rule.isProvable)) continue
      banMs = Math.max(banMs, rule.banMs)
    }
    return banMs
  }

  /** A copy for storing and for explaining. */
  state(): LedgerState {
    return { entries: [...this.#entries], summary: this.#summary, lastByClass: { ...this.#lastByClass } }
  }

  /** Folds all but the newest `maxEntries`. */
  foldTo(maxEntries: number): void {
    while (this.#entries.length > maxEntries) {
      const oldest = this.#entries.shift()
      if (oldest !== undefined) this.#summary = fold(this.#summary, oldest)
    }
  }
}

/** The same history at other times, as where the clock that told them was wrong. */
export function movedLedger({ entries, summary, lastByClass }: LedgerState, byMs: number): LedgerState {
  const moved = (timeMs: number): number => movedTime(timeMs, byMs)
  const last: Partial<Record<ReportClass, number>> = {}
  for (const reportClass of REPORT_CLASSES) {
    const lastMs = lastByClass[reportClass]
    if (lastMs !== undefined) last[reportClass] = moved(lastMs)
  }
  return {
    entries: entries.map((entry) => ({ ...entry, atMs: moved(entry.atMs) })),
    summary: summary && { ...summary, fromMs: moved(summary.fromMs), toMs: moved(summary.toMs) },
    lastByClass: last,
  }
}

function fold(summary: LedgerSummary | undefined, entry: LedgerEntry): LedgerSummary {
  const byClass = { ...(summary?.byClass ?? zeroPerClass()) }
  if (isReport(entry.kind)) byClass[entry.kind]++
  return {
    count: (summary?.count ?? 0) + 1,
    points: (summary?.points ?? 0) + entry.points,
    fromMs: Math.min(summary?.fromMs ?? entry.atMs, entry.atMs),
    toMs: Math.max(summary?.toMs ?? entry.atMs, entry.atMs),
    byClass,
  }
}

function isReport(kind: LedgerKind): kind is ReportClass {
  return kind !== 'ban' && kind !== 'unban'
}

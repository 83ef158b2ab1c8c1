import { REPORT_RULES } from './offences.ts'
import type { LedgerEntry, LedgerState, LedgerSummary } from './report-ledger.ts'

/** A ledger in words: one line per entry, newest first, then one line for all that were folded. */
export function explainLedger(state: LedgerState): string[] {
  const lines = state.entries.map(describeEntry).toReversed()
  return state.summary === undefined ? lines : [...lines, describeSummary(state.summary)]
}

/**
 * Makes evidence fit for a log line and a page: bounded, and without control characters, since part of it may have
 * been chosen by the peer it speaks of.
 */
export function cleanEvidence(evidence: string, maxLength: number): string {
  const cut = evidence.slice(0, maxLength).toWellFormed()
  return cut.replaceAll(/\p{C}/gu, ' ')
}

function describeEntry(entry: LedgerEntry): string {
  const when = new Date(entry.atMs).toISOString()
  return `${when} ${describePoints(entry.points)} ${entry.kind}: ${inWords(entry)}`
}

/** Whoever reports may have nothing to add to the class. */
function inWords({ kind, evidence }: LedgerEntry): string {
  if (evidence !== '' || kind === 'ban' || kind === 'unban') return evidence
  return REPORT_RULES[kind].inWords
}

function describeSummary(summary: LedgerSummary): string {
  const from = new Date(summary.fromMs).toISOString()
  const to = new Date(summary.toMs).toISOString()
  const classes = Object.entries(summary.byClass)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
  const detail = classes.length === 0 ? '' : `: ${classes.join(', ')}`
  return `${from} to ${to} ${describePoints(summary.points)} in ${summary.count} earlier entries${detail}`
}

function describePoints(points: number): string {
  // Avoids "-0" and the long tails of divided penalties.
  const rounded = Number(points.toFixed(3)) + 0
  return rounded > 0 ? `+${rounded}` : String(rounded)
}

import type { ReportClass } from '@gridmesh/interfaces'
import { CorruptRecordError } from './errors.ts'
import { asObject, type JsonObject, readList, readNumber, readString, readTime } from './json-fields.ts'
import { isReportClass, REPORT_CLASSES, zeroPerClass } from './offences.ts'
import type { LedgerEntry, LedgerKind, LedgerState, LedgerSummary } from './report-ledger.ts'

/** Reads a ledger back. @throws {CorruptRecordError} for a value that is none */
export function ledgerFromJson(json: JsonObject): LedgerState {
  const summary =
    json['summary'] === undefined ? {} : { summary: summaryFromJson(asObject(json['summary'], 'summary')) }
  const entries = readList(json, 'entries').map((value) => entryFromJson(asObject(value, 'entry')))
  return { entries, ...summary, lastByClass: lastFromJson(asObject(json['lastByClass'], 'lastByClass')) }
}

function entryFromJson(json: JsonObject): LedgerEntry {
  return {
    kind: asKind(readString(json, 'kind')),
    points: readPoints(json),
    evidence: readString(json, 'evidence'),
    atMs: readTime(json, 'atMs'),
  }
}

function summaryFromJson(json: JsonObject): LedgerSummary {
  const counts = asObject(json['byClass'], 'byClass')
  const byClass = zeroPerClass()
  for (const name of REPORT_CLASSES) byClass[name] = readNumber(counts, name, 0, Number.MAX_SAFE_INTEGER)
  return {
    count: readNumber(json, 'count', 1, Number.MAX_SAFE_INTEGER),
    points: readPoints(json),
    fromMs: readTime(json, 'fromMs'),
    toMs: readTime(json, 'toMs'),
    byClass,
  }
}

function lastFromJson(json: JsonObject): LedgerState['lastByClass'] {
  const last: Partial<Record<ReportClass, number>> = {}
  for (const name of REPORT_CLASSES) {
    if (json[name] !== undefined) last[name] = readTime(json, name)
  }
  return last
}

function readPoints(json: JsonObject): number {
  return readNumber(json, 'points', -Number.MAX_VALUE, Number.MAX_VALUE)
}

function asKind(value: string): LedgerKind {
  if (value === 'ban' || value === 'unban' || isReportClass(value)) return value
  throw new CorruptRecordError('kind')
}

import type { AppliedTransaction, PoolTransaction, SeriesPlace } from './chain.ts'
import type { Entry } from './entry.ts'

type InSeries = Pick<AppliedTransaction, 'series'>

/** The entries of each series, by their numbers: one as a rule, more where blocks gave some back. */
export class Series<T extends PoolTransaction> {
  readonly #byName = new Map<string, Entry<T>[]>()

  /** All of a series, ascending. */
  of(name: string): readonly Entry<T>[] {
    return this.#byName.get(name) ?? []
  }

  /** The one before a transaction. */
  before({ series }: InSeries): Entry<T> | undefined {
    return series === undefined ? undefined : this.of(series.name).findLast((entry) => numberOf(entry) < series.number)
  }

  /** The one after a transaction. */
  after({ series }: InSeries): Entry<T> | undefined {
    return series === undefined ? undefined : this.of(series.name).find((entry) => numberOf(entry) > series.number)
  }

  /** Those that can no longer be applied after a place was taken. */
  upTo({ name, number }: SeriesPlace): Entry<T>[] {
    return this.of(name).filter((entry) => numberOf(entry) <= number)
  }

  insert(entry: Entry<T>): void {
    const { series } = entry.transaction
    if (series === undefined) return
    const entries = this.#byName.get(series.name) ?? []
    this.#byName.set(series.name, entries)
    entries.splice(entries.findLastIndex((other) => numberOf(other) < series.number) + 1, 0, entry)
  }

  delete(entry: Entry<T>): void {
    const { series } = entry.transaction
    const entries = series === undefined ? undefined : this.#byName.get(series.name)
    if (series === undefined || entries === undefined) return
    entries.splice(entries.indexOf(entry), 1)
    if (entries.length === 0) this.#byName.delete(series.name)
  }
}

function numberOf({ transaction: { series } }: Entry<PoolTransaction>): number {
  return series?.number ?? 0
}

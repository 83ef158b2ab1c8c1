import { askPeer } from './ask-peer.ts'
import { BlockRange } from './block-range.ts'
import { TICK_MS } from './constants.ts'
import { Fetcher } from './fetcher.ts'
import { checkHeaders } from './header-check.ts'
import { callChain } from './importer.ts'
import type { PeerRecord } from './peer-table.ts'
import type { HeaderFacts, HistoryTarget, Refusal } from './ports.ts'
import type { Activity, RunContext } from './run-context.ts'
import { Wake } from './wake.ts'

/**
 * Fetches the blocks before the lowest one, the newest first, until none is missing. Each is the parent of one that is
 * held, so that nothing has to be validated. Says why it ended before. @throws {ChainFailedError} @throws {SyncStoppedError}
 */
export async function fillHistory(context: RunContext, history: HistoryTarget): Promise<Refusal | undefined> {
  for (let lowest = history.lowest(); lowest !== undefined && lowest.height > 0; lowest = history.lowest()) {
    context.signal.throwIfAborted()
    context.table.refresh()
    const { height } = lowest
    const source = context.table.usable().find(({ claim }) => claim.tip.height >= height)
    if (source === undefined) return { code: 'no-peers', message: `nobody gives headers below ${lowest.height}` }
    const facts = await headersBelow(context, source, lowest)
    if (facts === undefined) continue
    if (!(await new HistoryPart(context, history, source, facts.toReversed()).run())) {
      return { code: 'no-progress', message: `nobody gives blocks below ${history.lowest()?.height}` }
    }
  }
  return undefined
}

/** Headers that end with the parent of a block; `undefined` where this peer did not give them. */
async function headersBelow(
  context: RunContext,
  source: PeerRecord,
  lowest: HeaderFacts,
): Promise<HeaderFacts[] | undefined> {
  const { requests, reader, table, options } = context
  const limit = Math.min(options.rangeBlocks, lowest.height)
  const height = lowest.height - limit
  const call = (signal: AbortSignal) => requests.headers(source.id, { height, limit }, { signal })
  const answer = await askPeer(context, source, 'get-headers', call)
  if (answer === undefined) return undefined
  const found = answer.status === 'found' ? answer : ({ status: 'found', headers: [] } as const)
  const { lie, linked } = checkHeaders(found, { limit, after: height - 1 }, reader)
  const facts = linked?.facts ?? []
  if (lie !== undefined) table.report(source, lie.offence, lie.message)
  else if (facts.length < limit) table.exclude(source, 'absent', `it has no headers of heights from ${height} on`)
  else if (facts.at(-1)?.hash === lowest.parent) return facts
  else table.report(source, 'contradicts-finality', `block ${lowest.height - 1} is not ${lowest.parent}`)
  return undefined
}

/** Some blocks of the history, descending. */
class HistoryPart implements Activity {
  readonly phase = 'history'
  readonly #context: RunContext
  readonly #history: HistoryTarget
  readonly #range: BlockRange
  readonly #fetcher: Fetcher
  readonly #wake = new Wake()
  #progressMs = performance.now()
  #isOver = false
  #isAdding = false

  constructor(context: RunContext, history: HistoryTarget, source: PeerRecord, facts: readonly HeaderFacts[]) {
    this.#context = context
    this.#history = history
    this.#range = new BlockRange({ ...context, source }, facts)
    const { table, options } = context
    this.#fetcher = new Fetcher({ table, options, jobs: () => [this.#range], onChange: () => this.#wake.wake() })
  }

  get bufferedBytes(): number {
    return this.#fetcher.bufferedBytes
  }

  get headersAhead(): number {
    return this.#range.length
  }

  /** Says whether all of them came. @throws {ChainFailedError} @throws {SyncStoppedError} */
  async run(): Promise<boolean> {
    const context = this.#context
    const ticker = setInterval(() => this.#tick(), TICK_MS)
    const onStop = (): void => this.#giveUp()
    context.signal.addEventListener('abort', onStop, { once: true })
    context.activity = this
    try {
      while (this.#range.length > 0 && !this.#isOver) {
        context.signal.throwIfAborted()
        this.#fetcher.pump()
        const block = this.#range.first()
        if (block !== undefined) {
          this.#isAdding = true
          await callChain(context, 'prepend', (signal) => this.#history.prepend(block.bytes, { signal }))
          this.#isAdding = false
          this.#range.shift()
          this.#progressMs = performance.now()
          context.onProgress(block.facts.height, 0)
        } else if (this.#fetcher.isHopeless()) {
          return false
        } else {
          await this.#wake.wait()
        }
      }
      context.signal.throwIfAborted()
      return this.#range.length === 0
    } finally {
      clearInterval(ticker)
      context.signal.removeEventListener('abort', onStop)
      this.#fetcher.close()
      context.activity = undefined
    }
  }

  onPeers(): void {
    this.#wake.wake()
  }

  #tick(): void {
    this.#fetcher.tick()
    if (this.#isAdding) this.#progressMs = performance.now()
    if (performance.now() - this.#progressMs >= this.#context.options.stallMs) this.#giveUp()
    this.#wake.wake()
  }

  #giveUp(): void {
    this.#isOver = true
    this.#wake.wake()
  }
}

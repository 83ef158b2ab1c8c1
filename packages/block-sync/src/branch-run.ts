import type { ChainTip } from '@gridmesh/interfaces'
import { type ArrivedBlock, BlockRange } from './block-range.ts'
import { PREPARED, TICK_MS } from './constants.ts'
import { Fetcher } from './fetcher.ts'
import { followHeaders } from './follow-headers.ts'
import type { Lie } from './header-check.ts'
import { HeaderQueue } from './header-queue.ts'
import { importBlock } from './importer.ts'
import type { PeerRecord } from './peer-table.ts'
import type { Activity, RunContext } from './run-context.ts'
import { Wake } from './wake.ts'

/**
 * Why the headers of a peer are followed no further. `complete`: up to the tip it claims. `short`: it did not give what it
 * claims. `slow`, `unconfirmed`: somebody else's come first. `lied`: it is reported. `absent`: nobody has the blocks.
 * `failed`: it does not answer. `stalled`: nothing came of it. `refused`: the chain does not take the blocks, for no
 * fault that is proven. `moved`: the chain moved. `stopped`: the sync did.
 */
export type BranchReason =
  | 'complete'
  | 'short'
  | 'slow'
  | 'unconfirmed'
  | 'lied'
  | 'absent'
  | 'failed'
  | 'stalled'
  | 'refused'
  | 'moved'
  | 'stopped'

/** How following the headers of a peer ended. */
export interface BranchEnd {
  reason: BranchReason
  message: string
  /** Blocks that were new to the chain. */
  imported: number
}

interface BranchInit {
  context: RunContext
  /** Whose headers are followed. */
  source: PeerRecord
  /** Height that it claims, at least. */
  claim: number
  /** Whether there is somebody else whose headers could be followed now. */
  hasOther: () => boolean
}

/** Follows the headers of one peer, fetches the blocks from all, and hands them to the chain in order. */
export class Branch implements Activity {
  readonly phase = 'blocks'
  readonly context: RunContext
  readonly source: PeerRecord
  readonly hasOther: () => boolean
  readonly queue: HeaderQueue
  /** Something came, went, or was imported. */
  readonly wake = new Wake()
  readonly #claim: number
  readonly #fetcher: Fetcher
  readonly #controller = new AbortController()
  /** No more headers come; what there is, is imported yet. */
  #headersEnd: { reason: BranchReason; message: string } | undefined
  #end: { reason: BranchReason; message: string } | undefined
  /** A final block that is in the branch: those up to it need not be executed. */
  #final: ChainTip | undefined
  #isImporting = false
  #imported = 0
  #highest = -1
  #progressMs = performance.now()
  /** Since when the source is asked for headers. */
  #askedMs: number | undefined

  constructor({ context, source, claim, hasOther }: BranchInit) {
    this.context = context
    this.source = source
    this.hasOther = hasOther
    this.#claim = claim
    const { options, table } = context
    this.queue = new HeaderQueue(options.rangeBlocks, (facts) => new BlockRange({ ...context, source }, facts))
    this.#fetcher = new Fetcher({ table, options, jobs: () => this.queue.ranges, onChange: () => this.#changed() })
  }

  get bufferedBytes(): number {
    return this.#fetcher.bufferedBytes
  }

  get headersAhead(): number {
    return this.queue.length
  }

  /** Aborts when the branch is over. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get claim(): number {
    return Math.max(this.#claim, this.source.claim.tip.height)
  }

  set askedMs(value: number | undefined) {
    this.#askedMs = value
  }

  /** @throws {ChainFailedError} */
  async run(): Promise<BranchEnd> {
    const { context } = this
    const onStop = (): void => this.finish('stopped', 'the sync stopped')
    context.signal.addEventListener('abort', onStop, { once: true })
    if (context.signal.aborted) onStop()
    const ticker = setInterval(() => this.#tick(), TICK_MS)
    context.activity = this
    try {
      // Both end when one does: nothing is under way when this is over.
      await Promise.all([this.#guard(followHeaders(this)), this.#guard(this.#importAll())])
    } finally {
      clearInterval(ticker)
      context.signal.removeEventListener('abort', onStop)
      this.#fetcher.close()
      context.activity = undefined
    }
    return { ...(this.#end ?? { reason: 'stopped', message: '' }), imported: this.#imported }
  }

  onPeers(): void {
    this.#fetcher.pump()
    this.#changed()
  }

  /** Asks for blocks of headers that came, or ends the requests for those that went. */
  fetch(gone: readonly BlockRange[]): void {
    for (const range of gone) this.#fetcher.cancel(range)
    this.#fetcher.pump()
    if (!this.#mayImport()) this.#progress(this.queue.tail?.height ?? 0)
    this.#changed()
  }

  /** A block that is final, and in this branch. */
  foundFinal(block: ChainTip): void {
    this.#final = block
  }

  /** The branch goes on otherwise from here: what was final above it is not in it any more. */
  forksAt({ height }: ChainTip): void {
    if (this.#final !== undefined && this.#final.height > height) this.#final = undefined
  }

  /** Ends the headers; what there is of them is imported yet. */
  endHeaders(reason: BranchReason, message: string): void {
    this.#headersEnd ??= { reason, message }
    this.#changed()
  }

  /** Ends it as the peer's fault. */
  lied({ offence, message }: Lie): void {
    this.context.table.report(this.source, offence, message)
    this.finish('lied', message)
  }

  finish(reason: BranchReason, message: string): void {
    this.#end ??= { reason, message }
    this.#controller.abort()
    this.wake.wake()
  }

  /** Ends the whole branch with a part of it that threw. */
  async #guard(part: Promise<void>): Promise<void> {
    try {
      await part
    } catch (err) {
      this.finish('stopped', 'the run failed')
      throw err
    }
  }

  async #importAll(): Promise<void> {
    while (!this.signal.aborted) {
      const next = this.#mayImport() ? this.queue.ranges[0]?.first() : undefined
      if (next !== undefined) {
        await this.#import(next)
      } else if (this.#headersEnd !== undefined && this.queue.length === 0) {
        this.finish(this.#headersEnd.reason, this.#headersEnd.message)
      } else {
        await this.wake.wait()
      }
    }
  }

  async #import(block: ArrivedBlock): Promise<void> {
    const { context } = this
    this.#isImporting = true
    const importing = importBlock(context, block, this.#final)
    this.#prepareNext()
    const outcome = await importing
    this.#isImporting = false
    const { height, hash } = block.facts
    if (outcome.status === 'imported' || outcome.status === 'known') {
      if (outcome.status === 'imported') this.#imported++
      // It may have been cut off meanwhile.
      const hasNext = this.queue.ranges[0]?.first() === block && this.queue.shift()
      this.#progress(height)
      context.onProgress(height, Math.max(this.claim, height))
      // There is room for more; not looked at after every block, since it takes a walk over all ranges.
      if (!hasNext || this.queue.ranges[0]?.isFresh === true) this.#fetcher.pump()
      this.wake.wake()
    } else if (outcome.status === 'unknown-parent') {
      this.finish('moved', `the chain does not know ${outcome.parent} any more`)
    } else {
      const message = `block ${height} (${hash.slice(0, 16)}) is refused: ${outcome.code}: ${outcome.message}`
      const isProven = context.refused.has(hash)
      // Whoever has an invalid block took it over unseen; and it is the one that the header names.
      if (isProven) context.table.report(block.peer, 'invalid-block', message)
      if (isProven) this.lied({ offence: 'invalid-block', message })
      else this.finish('refused', message)
    }
  }

  /** Within a range: at its end there is one that is looked at in its turn. */
  #prepareNext(): void {
    let bytes = 0
    for (const next of this.queue.ranges[0]?.following(PREPARED.most) ?? []) {
      if (bytes > 0 && bytes + next.bytes.byteLength > PREPARED.maxBytes) return
      bytes += next.bytes.byteLength
      this.context.prepare?.(next.bytes)
    }
  }

  /** Where final blocks are taken unexecuted, it is worth waiting until it is known which these are. */
  #mayImport(): boolean {
    const { fast, options } = this.context
    const finality = fast?.finality()
    if (finality === undefined || this.#final !== undefined || this.#headersEnd !== undefined) return true
    const isAhead = finality.height > (this.queue.tail?.height ?? -1) && finality.height <= this.claim
    return !isAhead || this.queue.length + options.headersPerRequest > options.maxHeadersAhead
  }

  #progress(height: number): void {
    // Only what is higher: else a peer could keep us busy with the same for ever.
    if (height <= this.#highest) return
    this.#highest = height
    this.#progressMs = performance.now()
  }

  #changed(): void {
    this.wake.wake()
    if (this.signal.aborted) return
    if (this.source.isReported) {
      this.finish('lied', 'it was reported')
    } else if (this.#fetcher.isHopeless() && this.queue.ranges[0]?.first() === undefined && !this.#isImporting) {
      this.finish('absent', 'nobody who may be asked has the next blocks')
    }
  }

  #tick(): void {
    this.#fetcher.tick()
    this.#changed()
    const { stallMs, reassignMs } = this.context.options
    const nowMs = performance.now()
    if (this.#isImporting) {
      this.#progressMs = nowMs
    } else if (nowMs - this.#progressMs >= stallMs) {
      this.finish('stalled', `no progress for ${stallMs} ms`)
    } else if (this.queue.length === 0 && nowMs - (this.#askedMs ?? nowMs) >= reassignMs && this.hasOther()) {
      this.finish('slow', `no headers for ${reassignMs} ms`)
    }
  }
}

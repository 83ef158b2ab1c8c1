import type { ChainTip } from '@gridmesh/interfaces'
import { textOf } from './ask.ts'
import { Branch, type BranchEnd } from './branch-run.ts'
import { runCheckpoint } from './checkpoint.ts'
import { callChain } from './importer.ts'
import type { SyncResult } from './index.ts'
import type { PeerRecord } from './peer-table.ts'
import { ChainFailedError, type RunContext } from './run-context.ts'

/** Turns of a peer that may end because the chain moved, or the peer did. */
const MAX_RESTARTS = 3

/** Catches up with the peers there are: a checkpoint if it is worth it, then one peer's headers after the other. */
export class Run {
  readonly #context: RunContext
  /** Peers that announced a block whose parent we do not have. */
  readonly #wanted: Map<string, ChainTip>
  #imported = 0

  constructor(context: RunContext, wanted: Map<string, ChainTip>) {
    this.#context = context
    this.#wanted = wanted
  }

  /** Never rejects. */
  async go(): Promise<SyncResult> {
    try {
      await runCheckpoint(this.#context)
      for (let source = this.#next(); source !== undefined; source = this.#next()) await this.#follow(source)
      return this.#result()
    } catch (err) {
      if (this.#context.signal.aborted) return this.#failure('stopped', 'the sync stopped')
      const message = err instanceof ChainFailedError ? err.message : `a port failed: ${textOf(err)}`
      return this.#failure('chain-failed', message)
    }
  }

  #next(): PeerRecord | undefined {
    const { chain, table, signal } = this.#context
    signal.throwIfAborted()
    table.refresh()
    table.nextTurn()
    return table.sources(chain.tip(), this.#wanted)[0]
  }

  async #follow(source: PeerRecord): Promise<void> {
    const context = this.#context
    const wanted = this.#wanted.get(source.id)
    // What it says by the end it may have learned from us.
    const claim = wanted ?? source.claim.tip
    const hasOther = (): boolean =>
      context.table
        .sources(context.chain.tip(), this.#wanted)
        .some((peer) => peer !== source && !context.table.isLast(peer))
    const branch = new Branch({ context, source, claim: wanted?.height ?? 0, hasOther })
    const end = await branch.run()
    this.#imported += end.imported
    if (this.#wanted.get(source.id) === wanted) this.#wanted.delete(source.id)
    const isOver = end.reason === 'short' || (end.reason === 'complete' && end.imported === 0)
    if (isOver && (await this.#holds(claim, source))) source.reached = claim.hash
    else this.#settle(source, end, branch.queue.tail)
  }

  /** Whether what a peer claimed came by another way meanwhile: then it was right about it, whatever else it has by now. */
  async #holds({ height, hash }: ChainTip, source: PeerRecord): Promise<boolean> {
    const { chain, reader, table } = this.#context
    const [block] = await callChain(this.#context, 'blocks', (signal) => chain.blocks([hash], { signal }))
    if (block === undefined) return false
    const facts = await reader.block(block)
    if (facts.height === height) return true
    table.report(source, 'false-claim', `block ${hash} is of height ${facts.height}, not ${height}`)
    return false
  }

  /** Each turn brings us further, or its peer back: so there are not many more turns than peers and blocks. */
  #settle(source: PeerRecord, { reason, message, imported }: BranchEnd, tail: ChainTip | undefined): void {
    const { table } = this.#context
    const isFurther = imported > 0
    switch (reason) {
      case 'complete':
        if (isFurther) source.reached = tail?.hash === source.claim.tip.hash ? tail.hash : undefined
        else table.exclude(source, 'absent', 'what it claims is not in what it gives')
        return
      case 'slow':
      case 'unconfirmed':
        if (source.isDeferred && !isFurther) table.exclude(source, 'slow', message)
        source.isDeferred = true
        return
      case 'short':
        if (isFurther) source.isDeferred = true
        else table.exclude(source, 'absent', message)
        return
      case 'moved':
        this.#restart(source, 'absent', message)
        return
      case 'absent':
      case 'refused':
        table.exclude(source, 'absent', message)
        return
      case 'failed':
      case 'stalled':
        if (source.isReady) table.exclude(source, 'slow', message)
        else if (!isFurther) this.#restart(source, 'slow', message)
        return
      case 'lied':
      case 'stopped':
    }
  }

  /** The chain may move, and a peer may go and come back; but not without end. */
  #restart(source: PeerRecord, notice: 'absent' | 'slow', message: string): void {
    source.restarts++
    if (source.restarts > MAX_RESTARTS) this.#context.table.exclude(source, notice, message)
  }

  #result(): SyncResult {
    const { chain, table } = this.#context
    const tip = chain.tip()
    const usable = table.usable()
    const isAtSomebody = usable.some(
      ({ claim, reached }) => claim.tip.height <= tip.height || reached === claim.tip.hash,
    )
    if (isAtSomebody || (usable.length === 0 && this.#imported > 0 && !table.hasAhead(tip))) {
      return { status: 'synced', tip, imported: this.#imported }
    }
    return table.hasAhead(tip)
      ? this.#failure('no-progress', `peers claim more than height ${tip.height}, and none of them brought us there`)
      : this.#failure('no-peers', 'nobody is ready to be asked')
  }

  #failure(code: Extract<SyncResult, { status: 'failed' }>['code'], message: string): SyncResult {
    return { status: 'failed', code, message, tip: this.#context.chain.tip(), imported: this.#imported }
  }
}

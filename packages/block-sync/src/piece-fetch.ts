import type { ChainTip } from '@gridmesh/interfaces'
import { TICK_MS } from './constants.ts'
import { Fetcher, type Fetched, type Job } from './fetcher.ts'
import { callChain } from './importer.ts'
import type { PeerRecord } from './peer-table.ts'
import type { StateImport } from './ports.ts'
import type { Activity, RunContext } from './run-context.ts'
import { Wake } from './wake.ts'

/** Pieces that are looked at beyond the first one that is missing. */
const WINDOW = 64

/** A piece of a state that is to be fetched. */
class PieceJob implements Job {
  readonly what = 'get-state-piece'
  readonly attempts: Job['attempts'] = new Map()
  readonly absent: Job['absent'] = new Set()
  readonly piece: number
  readonly #context: RunContext
  readonly #block: ChainTip
  readonly #pieces: number
  arrived: { bytes: Uint8Array; peer: PeerRecord } | undefined

  constructor(context: RunContext, block: ChainTip, { piece, pieces }: { piece: number; pieces: number }) {
    this.#context = context
    this.#block = block
    this.piece = piece
    this.#pieces = pieces
  }

  get isWhole(): boolean {
    return this.arrived !== undefined
  }

  get heldBytes(): number {
    return this.arrived?.bytes.byteLength ?? 0
  }

  suits({ claim: { checkpoint } }: PeerRecord): boolean {
    return checkpoint?.hash === this.#block.hash && checkpoint.height === this.#block.height
  }

  async fetch(peer: PeerRecord, signal: AbortSignal): Promise<Fetched> {
    const { requests, options } = this.#context
    const request = { block: this.#block, piece: this.piece, pieces: this.#pieces }
    const { piece } = await requests.statePiece(peer.id, request, { signal })
    if (piece === undefined) return { count: 0 }
    if (piece.byteLength > options.maxAnswerBytes) {
      return {
        offence: 'too-many-bytes',
        message: `a piece of ${piece.byteLength} bytes, of ${options.maxAnswerBytes}`,
      }
    }
    if (!signal.aborted) this.arrived ??= { bytes: piece, peer }
    return { count: 1 }
  }
}

/** Fetches the pieces of a state from all who have them, and hands them to the target one after the other. */
export class PieceFetch implements Activity {
  readonly phase = 'checkpoint'
  readonly headersAhead = 0
  readonly #context: RunContext
  readonly #state: StateImport
  readonly #fetcher: Fetcher
  /** Those that were not taken, ascending. */
  readonly #jobs: PieceJob[]
  readonly #wake = new Wake()
  #taken: number
  #isOver = false
  #progressMs = performance.now()
  #isAdding = false

  constructor(context: RunContext, block: ChainTip, state: StateImport) {
    this.#context = context
    this.#state = state
    const kept = new Set(state.kept)
    const missing = Array.from({ length: state.pieces }, (_, piece) => piece).filter((piece) => !kept.has(piece))
    this.#jobs = missing.map((piece) => new PieceJob(context, block, { piece, pieces: state.pieces }))
    this.#taken = state.pieces - missing.length
    const { table, options } = context
    this.#fetcher = new Fetcher({
      table,
      options,
      jobs: () => this.#jobs.slice(0, WINDOW),
      onChange: () => this.#wake.wake(),
    })
  }

  get bufferedBytes(): number {
    return this.#fetcher.bufferedBytes
  }

  /** Says whether all were taken. @throws {ChainFailedError} @throws {SyncStoppedError} */
  async run(): Promise<boolean> {
    const { context, ticker } = { context: this.#context, ticker: setInterval(() => this.#tick(), TICK_MS) }
    const onStop = (): void => this.#giveUp()
    context.signal.addEventListener('abort', onStop, { once: true })
    context.activity = this
    try {
      while (this.#jobs.length > 0 && !this.#isOver) {
        context.signal.throwIfAborted()
        this.#fetcher.pump()
        const job = this.#jobs.slice(0, WINDOW).find(({ isWhole }) => isWhole)
        if (job !== undefined) await this.#add(job)
        else if (this.#fetcher.isHopeless()) return false
        else await this.#wake.wait()
      }
      context.signal.throwIfAborted()
      return this.#jobs.length === 0
    } finally {
      clearInterval(ticker)
      context.signal.removeEventListener('abort', onStop)
      this.#fetcher.close()
      context.activity = undefined
    }
  }

  onPeers(): void {
    this.#fetcher.pump()
    this.#wake.wake()
  }

  async #add(job: PieceJob): Promise<void> {
    const { arrived } = job
    if (arrived === undefined) return
    this.#isAdding = true
    const refusal = await callChain(this.#context, 'add', (signal) =>
      this.#state.add(job.piece, arrived.bytes, { signal }),
    )
    this.#isAdding = false
    if (refusal !== undefined) {
      job.arrived = undefined
      const message = `piece ${job.piece}: ${refusal.code}: ${refusal.message}`
      this.#context.table.report(arrived.peer, 'false-piece', message)
      return
    }
    this.#jobs.splice(this.#jobs.indexOf(job), 1)
    this.#taken++
    this.#progressMs = performance.now()
    this.#context.onProgress(this.#taken, this.#state.pieces)
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

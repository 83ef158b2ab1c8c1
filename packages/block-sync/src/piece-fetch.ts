import type { ChainTip } from '@gridmesh/interfaces'
import { FetchLoop } from './fetch-loop.ts'
import type { Fetched, Job } from './fetcher.ts'
import { callChain } from './importer.ts'
import type { PeerRecord } from './peer-table.ts'
import type { StateImport } from './ports.ts'
import type { RunContext } from './run-context.ts'

/** Pieces that are looked at beyond the first one that is missing. */
const WINDOW = 64

/** A piece that came. */
interface Arrived {
  bytes: Uint8Array
  peer: PeerRecord
}

/** A piece of a state that is to be fetched. */
class PieceJob implements Job {
  readonly what = 'get-state-piece'
  readonly attempts: Job['attempts'] = new Map()
  readonly absent: Job['absent'] = new Set()
  readonly piece: number
  readonly #context: RunContext
  readonly #block: ChainTip
  readonly #pieces: number
  arrived: Arrived | undefined

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

/**
 * Fetches the pieces of a state from all who have them, and hands them to the target one after the other. Says whether all
 * were taken. @throws {ChainFailedError} @throws {SyncStoppedError}
 */
export async function fetchPieces(context: RunContext, block: ChainTip, state: StateImport): Promise<boolean> {
  const { pieces } = state
  const kept = new Set(state.kept)
  const missing = Array.from({ length: pieces }, (_, piece) => piece).filter((piece) => !kept.has(piece))
  /** Those that were not taken, ascending. */
  const jobs = missing.map((piece) => new PieceJob(context, block, { piece, pieces }))
  const add = async (job: PieceJob, { bytes, peer }: Arrived): Promise<boolean> => {
    const refusal = await callChain(context, 'add', (signal) => state.add(job.piece, bytes, { signal }))
    if (refusal !== undefined) {
      job.arrived = undefined
      context.table.report(peer, 'false-piece', `piece ${job.piece}: ${refusal.code}: ${refusal.message}`)
      return false
    }
    jobs.splice(jobs.indexOf(job), 1)
    context.onProgress(pieces - jobs.length, pieces)
    return true
  }
  const inWindow = (): PieceJob[] => jobs.slice(0, WINDOW)
  const take = (): Promise<boolean> | undefined => {
    const job = inWindow().find(({ isWhole }) => isWhole)
    return job?.arrived === undefined ? undefined : add(job, job.arrived)
  }
  return new FetchLoop({ context, phase: 'checkpoint', jobs: inWindow, left: () => jobs.length, take }).run()
}

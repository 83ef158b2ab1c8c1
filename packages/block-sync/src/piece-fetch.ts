import type { ChainTip } from '@gridmesh/interfaces'
import { MAX_PIECE_BYTES } from './constants.ts'
import { FetchLoop } from './fetch-loop.ts'
import type { Fetched, Job } from './fetcher.ts'
import { callChain } from './importer.ts'
import type { PeerRecord } from './peer-table.ts'
import type { ArrivedPiece, Refusal, StateImport } from './ports.ts'
import type { RunContext } from './run-context.ts'

/** Pieces that are looked at beyond the first one that is missing. */
const WINDOW = 64

/** A piece that came. */
interface Arrived {
  bytes: Uint8Array
  peer: PeerRecord
}

/** A piece that is handed over. */
interface TakenPiece extends ArrivedPiece {
  job: PieceJob
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
    if (piece.byteLength > MAX_PIECE_BYTES) {
      return { offence: 'too-many-bytes', message: `a piece of ${piece.byteLength} bytes, of ${MAX_PIECE_BYTES}` }
    }
    // It may be true, and is more than is to be held here.
    if (piece.byteLength > options.maxAnswerBytes) return { count: 0 }
    if (!signal.aborted) this.arrived ??= { bytes: piece, peer }
    return { count: 1 }
  }
}

/**
 * What became of the pieces: all were taken; or there is one that nobody gives who has the state, as where it is too long;
 * or else nobody has it any more, or nothing came for too long.
 */
export type PiecesEnd = 'whole' | 'withheld' | 'given-up'

/**
 * Fetches the pieces of a state from all who have them, and hands over what came by then, some at a time.
 * @throws {ChainFailedError} @throws {SyncStoppedError}
 */
export async function fetchPieces(context: RunContext, block: ChainTip, state: StateImport): Promise<PiecesEnd> {
  const { pieces } = state
  const kept = new Set(state.kept)
  const missing = Array.from({ length: pieces }, (_, piece) => piece).filter((piece) => !kept.has(piece))
  /** Those that were not taken, ascending. */
  const jobs = missing.map((piece) => new PieceJob(context, block, { piece, pieces }))
  const inWindow = (): PieceJob[] => jobs.slice(0, WINDOW)
  const add = async (some: readonly TakenPiece[]): Promise<boolean> => {
    const refusals = await callChain(context, 'add', (signal) => state.add(some, { signal }))
    for (const [at, { job, peer }] of some.entries()) {
      const refusal = refusals[at]
      if (refusal === undefined) jobs.splice(jobs.indexOf(job), 1)
      else refuse(context, job, peer, refusal)
    }
    context.onProgress(pieces - jobs.length, pieces)
    return refusals.some((refusal) => refusal === undefined)
  }
  const take = (): Promise<boolean> | undefined => {
    const some = takeSome(inWindow(), context.options.maxAnswerBytes)
    return some.length === 0 ? undefined : add(some)
  }
  const loop = new FetchLoop({ context, phase: 'checkpoint', jobs: inWindow, left: () => jobs.length, take })
  if (await loop.run()) return 'whole'
  return isWithheld(context, inWindow()) ? 'withheld' : 'given-up'
}

/** Whether all who have the state, if anybody has, do not give the piece that is needed first. */
function isWithheld({ table }: RunContext, jobs: readonly PieceJob[]): boolean {
  const job = jobs.find(({ isWhole }) => !isWhole)
  const having = table.usable().filter((peer) => job?.suits(peer) === true)
  return having.length > 0 && having.every((peer) => job?.absent.has(peer) === true)
}

/** What came, up to so many bytes, but one at least. */
function takeSome(jobs: readonly PieceJob[], maxBytes: number): TakenPiece[] {
  const some: TakenPiece[] = []
  let left = maxBytes
  for (const job of jobs) {
    if (job.arrived === undefined) continue
    left -= job.heldBytes
    if (left < 0 && some.length > 0) break
    some.push({ job, piece: job.piece, ...job.arrived })
  }
  return some
}

/** It has to be asked for again, of somebody else. */
function refuse({ table }: RunContext, job: PieceJob, peer: PeerRecord, { code, message }: Refusal): void {
  job.arrived = undefined
  table.report(peer, 'false-piece', `piece ${job.piece}: ${code}: ${message}`)
}

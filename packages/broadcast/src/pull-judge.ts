import { ForgedChunkError, type PayloadChunk } from '@gridmesh/chunking'
import type { PeerReport } from '@gridmesh/interfaces'
import type { Logger, PeerId } from '@libp2p/interface'
import type { PlannedChunks } from './chunk-plan.ts'
import { MalformedReplyError } from './errors.ts'
import type { BroadcastMetrics } from './metrics.ts'
import type { Pull } from './pull.ts'
import type { PullSource } from './pull-source.ts'
import { reasonOf } from './refusal.ts'

/** Codes of a peer that has the payload, and no time now. */
const BUSY = new Set(['busy', 'rate-limited', 'queue-full'])

/** What a judge tells, and whom. */
export interface PullJudgeInit {
  report(peer: PeerId, report: PeerReport): void
  metrics: BroadcastMetrics
  log: Logger
}

/** One request for chunks. */
export interface Asked {
  chunks: PlannedChunks
  /** What was missing when the request was made. */
  indexes: number[]
  request: AbortController
}

/** Judges what peers give and how they fail: who is asked again, who is asked no more, and who is to blame. */
export class PullJudge {
  readonly #init: PullJudgeInit

  constructor(init: PullJudgeInit) {
    this.#init = init
  }

  /** Takes the answer to a request. @throws {MalformedReplyError} when it holds what was not asked for */
  take(pull: Pull, source: PullSource, { chunks, indexes, request }: Asked, answer: PayloadChunk[]): void {
    if (pull.isOver) return
    if (answer.length === 0) throw new MalformedReplyError('An answer without chunks')
    for (const chunk of answer) {
      if (!indexes.includes(chunk.index)) throw new MalformedReplyError(`Chunk ${chunk.index} was not asked for`)
      if (pull.assembler.has(chunk.index)) continue
      pull.assembler.add(chunk)
      chunks.missing.delete(chunk.index)
      pull.credit(source)
    }
    source.succeeded()
    this.#init.metrics.chunkRequest('given')
    if (chunks.missing.size > 0) return
    // Whoever else was asked for the same need not go on.
    for (const other of chunks.requests) if (other !== request) other.abort()
  }

  /** A request came to nothing, or to something that is wrong. */
  failed(pull: Pull, source: PullSource, askedAtMs: number, err: unknown): void {
    const { hex } = pull.request.id
    const reason = reasonOf(err)
    if (err instanceof ForgedChunkError) {
      this.#count('forged')
      this.#ban(pull, source, {
        class: 'invalid-message',
        evidence: `forged chunk ${err.index} of ${hex}: ${err.code}`,
      })
    } else if (err instanceof MalformedReplyError) {
      this.#count('malformed')
      this.#ban(pull, source, { class: err.report, evidence: `chunks of ${hex}: ${err.message}` })
    } else if (reason === 'absent') {
      this.#count('absent')
      pull.dropSource(source)
      this.#init.report(source.peer, { class: 'absent', evidence: `chunks of ${hex}` })
    } else if (BUSY.has(reason)) {
      this.#count('busy')
      if (!source.refused(retryAfterMsOf(err))) pull.dropSource(source)
    } else {
      this.#count(reason === 'timeout' ? 'timeout' : 'failed')
      this.#init.log.trace('%p gave no chunks of %s - %e', source.peer, hex, err)
      if (!source.failed(askedAtMs)) pull.dropSource(source)
    }
  }

  /** What else is under way to the peer may come to the same, and was the same deed. */
  #ban(pull: Pull, source: PullSource, report: PeerReport): void {
    if (pull.banSource(source)) this.#init.report(source.peer, report)
  }

  #count(outcome: 'absent' | 'busy' | 'failed' | 'forged' | 'malformed' | 'timeout'): void {
    this.#init.metrics.chunkRequest(outcome)
  }
}

function retryAfterMsOf(err: unknown): number {
  return err instanceof Error && 'retryAfterMs' in err && typeof err.retryAfterMs === 'number' ? err.retryAfterMs : 0
}

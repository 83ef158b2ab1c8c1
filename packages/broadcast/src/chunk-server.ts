import type { PayloadChunk, SplitPayload } from '@gridmesh/chunking'
import type { UnicastContext } from '@gridmesh/interfaces'
import { decodeChunkRequest, encodeChunkReply } from './chunk-codec.ts'
import { CHUNK_HANDLER, CHUNK_OVERHEAD_BYTES } from './constants.ts'
import { MessageRefusedError } from './errors.ts'
import { toHex } from './message-id.ts'
import type { BroadcastMetrics } from './metrics.ts'
import type { Peers } from './peers.ts'
import type { RetainedPayloads } from './retained-payloads.ts'
import type { Siblings } from './siblings.ts'

/** What the server of chunks needs. */
export interface ChunkServerInit {
  siblings: Siblings
  peers: Peers
  retained: RetainedPayloads
  metrics: BroadcastMetrics
  /** An answer is cut at this length, as far as one chunk allows, in bytes. */
  maxPushedBytes: number
}

/** Gives chunks of the payloads that we keep. */
export class ChunkServer {
  readonly #init: ChunkServerInit
  #isStarted = false

  constructor(init: ChunkServerInit) {
    this.#init = init
  }

  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    const { unicast } = this.#init.siblings
    unicast?.handle(CHUNK_HANDLER, (bytes, context) => this.#serve(bytes, context))
  }

  stop(): void {
    if (!this.#isStarted) return
    this.#isStarted = false
    this.#init.siblings.unicast?.unhandle(CHUNK_HANDLER)
  }

  #serve(bytes: Uint8Array, { peer }: UnicastContext): Uint8Array {
    const { peers, retained, metrics } = this.#init
    if (!peers.isReady(peer)) throw new MessageRefusedError('not-ready')
    const question = decodeChunkRequest(bytes)
    const split = question && retained.get(toHex(question.id), peer.toString())
    const isValid = question !== undefined && question.indexes.every((index) => index < (split?.chunkCount ?? Infinity))
    if (!isValid) {
      peers.report(peer, { class: 'protocol-violation', evidence: 'malformed request for chunks' })
      throw new MessageRefusedError('malformed')
    }
    if (split === undefined) {
      metrics.served('absent', 0)
      throw new MessageRefusedError('absent')
    }
    const reply = encodeChunkReply(this.#chunks(split, question.indexes))
    metrics.served('given', reply.length)
    return reply
  }

  /** The chunks asked for, at least one, and as many as fit. */
  #chunks(split: SplitPayload, indexes: number[]): PayloadChunk[] {
    const chunks: PayloadChunk[] = []
    let room = this.#init.maxPushedBytes
    for (const index of indexes) {
      const chunk = split.chunk(index)
      room -= chunk.bytes.length + CHUNK_OVERHEAD_BYTES
      if (room < 0 && chunks.length > 0) break
      chunks.push(chunk)
    }
    return chunks
  }
}

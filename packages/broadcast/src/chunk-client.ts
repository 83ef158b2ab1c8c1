import type { PayloadChunk } from '@gridmesh/chunking'
import type { Lane } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { decodeChunkReply, encodeChunkRequest } from './chunk-codec.ts'
import { CHUNK_HANDLER } from './constants.ts'
import { MalformedReplyError, MessageRefusedError } from './errors.ts'
import type { Siblings } from './siblings.ts'

/** A request for some chunks of a payload. */
export interface ChunkAsk {
  id: Uint8Array
  indexes: number[]
  lane: Lane
  signal: AbortSignal
}

/** Asks peers for chunks. */
export class ChunkClient {
  readonly #siblings: Siblings
  readonly #deadlineMs: number

  constructor(siblings: Siblings, deadlineMs: number) {
    this.#siblings = siblings
    this.#deadlineMs = deadlineMs
  }

  /** Whether there is anything to ask by. */
  get isAvailable(): boolean {
    return this.#siblings.unicast !== undefined
  }

  /**
   * Resolves with some of the chunks asked for, at least one. Nothing in them is checked.
   * @throws {MalformedReplyError} when the answer is none; else whatever the unicast throws
   */
  async ask(peer: PeerId, { id, indexes, lane, signal }: ChunkAsk): Promise<PayloadChunk[]> {
    const { unicast } = this.#siblings
    if (unicast === undefined) throw new MessageRefusedError('no-unicast')
    const options = { lane, deadlineMs: this.#deadlineMs, signal }
    const reply = await unicast.request(peer, CHUNK_HANDLER, encodeChunkRequest({ id, indexes }), options)
    const chunks = decodeChunkReply(reply, indexes.length)
    if (chunks === undefined) throw new MalformedReplyError(`${reply.length} bytes are no ${indexes.length} chunks`)
    return chunks
  }
}

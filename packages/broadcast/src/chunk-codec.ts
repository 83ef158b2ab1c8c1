import type { PayloadChunk } from '@gridmesh/chunking'
import {
  CHUNK_BYTES,
  CHUNK_OVERHEAD_BYTES,
  MAX_CHUNK_REQUEST_BYTES,
  MAX_CHUNKS_PER_REQUEST,
  MESSAGE_ID_BYTES,
} from './constants.ts'
import { encodable } from './encodable.ts'
import { ChunkReply, ChunkRequest } from './pb/broadcast.ts'

const NO_BYTES = new Uint8Array(0)

/** Chunks of one payload that are asked for. */
export interface ChunkQuestion {
  /** Id of the message. */
  id: Uint8Array
  /** 1 to `MAX_CHUNKS_PER_REQUEST` indexes, each once. */
  indexes: number[]
}

/** Serialises a request for chunks. */
export function encodeChunkRequest({ id, indexes }: ChunkQuestion): Uint8Array {
  return ChunkRequest.encode({ id: encodable(id), indexes })
}

/** Reads a request for chunks, `undefined` when it is none. Never throws. */
export function decodeChunkRequest(bytes: Uint8Array): ChunkQuestion | undefined {
  if (bytes.length > MAX_CHUNK_REQUEST_BYTES) return undefined
  try {
    const { id, indexes } = ChunkRequest.decode(bytes, { limits: { indexes: MAX_CHUNKS_PER_REQUEST } })
    const isQuestion = id.length === MESSAGE_ID_BYTES && indexes.length > 0 && new Set(indexes).size === indexes.length
    return isQuestion ? { id, indexes } : undefined
  } catch {
    return undefined
  }
}

/** Serialises chunks. */
export function encodeChunkReply(chunks: PayloadChunk[]): Uint8Array {
  return ChunkReply.encode({
    indexes: chunks.map(({ index }) => index),
    chunks: chunks.map(({ bytes }) => encodable(bytes)),
    proofs: chunks.map(({ proof }) => encodable(proof)),
  })
}

/** Reads at most `maxChunks` chunks of a peer, `undefined` when they are none or more. Never throws. */
export function decodeChunkReply(bytes: Uint8Array, maxChunks: number): PayloadChunk[] | undefined {
  if (bytes.length > maxChunks * (CHUNK_BYTES + CHUNK_OVERHEAD_BYTES)) return undefined
  try {
    const limits = { indexes: maxChunks, chunks: maxChunks, proofs: maxChunks }
    const { indexes, chunks, proofs } = ChunkReply.decode(bytes, { limits })
    if (chunks.length === 0 || proofs.length !== chunks.length || indexes.length !== chunks.length) return undefined
    return indexes.map((index, i) => ({ index, bytes: chunks[i] ?? NO_BYTES, proof: proofs[i] ?? NO_BYTES }))
  } catch {
    return undefined
  }
}

import { createHash } from 'node:crypto'
import { type PayloadManifest, splitPayload } from '@gridmesh/chunking'
import { toString } from 'uint8arrays/to-string'
import { CHUNK_BYTES, HARD_MAX_MESSAGE_BYTES, MESSAGE_ID_BYTES } from './constants.ts'

const SEPARATOR = new Uint8Array([0])
const ROOT_SEPARATOR = new Uint8Array([1])

function truncated(...parts: (string | Uint8Array)[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return Uint8Array.from(hash.digest().subarray(0, MESSAGE_ID_BYTES))
}

/**
 * The id of a message: derived from topic and payload alone, so that all nodes agree on it whoever sent it, whichever
 * way it came. The separator keeps topic `a` with payload `bc` apart from topic `ab` with payload `c`.
 *
 * A payload of more than one chunk counts by its root, so that it has one id whether it was pushed or announced.
 */
export function messageId(wireTopic: string, payload: Uint8Array): Uint8Array {
  if (payload.length <= CHUNK_BYTES) return truncated(wireTopic, SEPARATOR, payload)
  return manifestId(
    wireTopic,
    splitPayload(payload, { chunkBytes: CHUNK_BYTES, maxTotalBytes: HARD_MAX_MESSAGE_BYTES }),
  )
}

/**
 * The id of a message by the manifest of its payload. Announced and id belong together, and nobody can announce other
 * bytes under the id of a message. The length is part of it, since a root says nothing of it; the separator keeps a
 * short payload that looks like length and root apart.
 */
export function manifestId(wireTopic: string, { root, totalBytes }: PayloadManifest): Uint8Array {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, totalBytes)
  return truncated(wireTopic, ROOT_SEPARATOR, length, root)
}

/**
 * An id for bytes that are no frame. Topics never begin with the separator, so garbage made to look like the payload
 * of a valid message cannot take its id and have it dropped as a duplicate.
 */
export function garbageId(bytes: Uint8Array): Uint8Array {
  return truncated(SEPARATOR, bytes)
}

/** The id under which gossipsub takes the nth further copy of a message for a new message. */
export function copyId(id: string, n: number): Uint8Array {
  return truncated(SEPARATOR, id, SEPARATOR, String(n))
}

/** The form of an id that callers see. */
export function toHex(id: Uint8Array): string {
  return toString(id, 'base16')
}

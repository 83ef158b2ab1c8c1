import { createHash } from 'node:crypto'
import { MESSAGE_ID_BYTES } from './constants.ts'

const SEPARATOR = new Uint8Array([0])

/** The id of a message, hex, from topic and bytes alone, so that all nodes agree on it. */
export function messageId(topic: string, bytes: Uint8Array): string {
  const digest = createHash('sha256').update(topic).update(SEPARATOR).update(bytes).digest()
  return digest.subarray(0, MESSAGE_ID_BYTES).toString('hex')
}

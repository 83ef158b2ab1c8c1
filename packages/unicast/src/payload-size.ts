import { MessageTooLargeError } from '@gridmesh/chunking'

/**
 * Makes sure that a payload of our own may be sent. The channel has room for a header on top of it, and would let a
 * larger one pass, or name another limit than the one that was set.
 * @throws {MessageTooLargeError}
 */
export function demandSize(payload: Uint8Array, maxMessageBytes: number): void {
  if (payload.byteLength > maxMessageBytes) throw new MessageTooLargeError(payload.byteLength, maxMessageBytes)
}

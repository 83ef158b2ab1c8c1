import { hash } from 'node:crypto'
import { MessageRejectedError, MessageTooLargeError } from './errors.ts'
import { MAX_RECIPIENT_BYTES, MESSAGE_OVERHEAD_BYTES } from './constants.ts'
import { Batch, Reply } from './pb/message.ts'

/** What a batch of one kind may hold. */
export interface BatchLimits {
  /** Messages in one batch. */
  maxBatchMessages: number
  /** Bytes of a batch of several; a single message may have what its kind allows. */
  maxBatchBytes: number
}

/** The values of a batch, and whom they are meant for. */
export interface DecodedBatch {
  messages: Uint8Array[]
  recipient?: Uint8Array
}

/** Largest payload of a kind that `decodeBatch` takes, in bytes. */
export function maxPayloadBytes({ maxBytes }: { maxBytes: number }, { maxBatchBytes }: BatchLimits): number {
  return Math.max(maxBytes + MESSAGE_OVERHEAD_BYTES, maxBatchBytes) + MAX_RECIPIENT_BYTES
}

/** Encodes the payload of one-way messages and requests. */
export function encodeBatch(messages: Uint8Array[], recipient?: Uint8Array): Uint8Array {
  return Batch.encode({
    message: messages.map(plain),
    ...(recipient == null ? {} : { recipient: plain(recipient) }),
  })
}

/** Decodes the payload of one-way messages and requests. @throws {MessageRejectedError} @throws {MessageTooLargeError} */
export function decodeBatch(
  kind: { kind: string; maxBytes: number },
  payload: Uint8Array,
  limits: BatchLimits,
): DecodedBatch {
  const maxBytes = maxPayloadBytes(kind, limits)
  if (payload.byteLength > maxBytes) {
    const limit = kind.maxBytes < limits.maxBatchBytes ? 'maxBatchBytes' : `maxBytes.${kind.kind}`
    throw new MessageTooLargeError(kind.kind, payload.byteLength, maxBytes, limit)
  }

  const { message, recipient } = parse(kind.kind, () =>
    Batch.decode(payload, { limits: { message: limits.maxBatchMessages } }),
  )
  if (message.length === 0) throw new MessageRejectedError('malformed', kind.kind, 'the batch holds no message')
  for (const { byteLength } of message) {
    if (byteLength > kind.maxBytes) throw new MessageTooLargeError(kind.kind, byteLength, kind.maxBytes)
  }
  return { messages: message, ...(recipient == null ? {} : { recipient }) }
}

/** Encodes the payload of an answer. */
export function encodeReply(request: Uint8Array, message: Uint8Array): Uint8Array {
  return Reply.encode({ request: plain(request), message: plain(message) })
}

/** Decodes the payload of an answer. @throws {MessageRejectedError} */
export function decodeReply(kind: string, payload: Uint8Array): Reply {
  return parse(kind, () => Reply.decode(payload))
}

/** Names a sealed request in its answer: with the author and the sequence, it covers every byte. */
export function digestOf(request: Uint8Array): Uint8Array {
  return new Uint8Array(hash('sha256', request, 'buffer'))
}

/** Whether both are absent, or hold the same bytes. */
export function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a == null || b == null) return a === b
  return a.byteLength === b.byteLength && a.every((byte, index) => byte === b[index])
}

/** Bytes a message adds to a batch. */
export function batchedBytes(message: Uint8Array): number {
  return message.byteLength + MESSAGE_OVERHEAD_BYTES
}

/** The generated types ask for views on an ArrayBuffer; nearly every view is one. */
function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return isPlain(bytes) ? bytes : new Uint8Array(bytes)
}

function isPlain(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
}

function parse<T>(kind: string, decode: () => T): T {
  try {
    return decode()
  } catch (err) {
    const detail = err instanceof Error ? err.message : String(err)
    throw new MessageRejectedError('malformed', kind, detail, { cause: err })
  }
}

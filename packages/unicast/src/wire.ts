import { varintLength, writeVarint } from '@gridmesh/chunking'
import { Uint8ArrayList } from 'uint8arraylist'
import { COPY_BELOW_BYTES, KEY_BYTES, MAX_CODE_BYTES, MAX_ERROR_BYTES, MAX_NAME_BYTES } from './constants.ts'
import { MalformedMessageError } from './errors.ts'
import { WireReader } from './wire-reader.ts'

/** First byte of a message. */
export const TYPE = {
  send: 1,
  request: 2,
  open: 3,
  response: 4,
  error: 5,
  data: 6,
  end: 7,
  credit: 8,
  cancel: 9,
  refusal: 10,
} as const

/** A call to a handler: one-way, answered once, or streamed. */
export interface CallMessage {
  type: typeof TYPE.send | typeof TYPE.request | typeof TYPE.open
  id: number
  /** Time the caller will wait, in ms; 0 where it is not said. */
  deadlineMs: number
  /** Same key, same effect. */
  key: Uint8Array | undefined
  name: string
  payload: Uint8Array
}

/** What went wrong, in the words that may cross the wire. */
export interface WireError {
  code: string
  message: string
  /** 0 where there is no use in trying again. */
  retryAfterMs: number
  /** Name and value of the limit that applied; empty and 0 where none did. */
  limit: string
  value: number
}

interface ErrorMessage extends WireError {
  type: typeof TYPE.error
  id: number
}

/** Why a whole stream is not served. */
export interface RefusalMessage extends WireError {
  type: typeof TYPE.refusal
}

export type WireMessage =
  | CallMessage
  | ErrorMessage
  | RefusalMessage
  | { type: typeof TYPE.response | typeof TYPE.data; id: number; payload: Uint8Array }
  | { type: typeof TYPE.credit; id: number; bytes: number }
  | { type: typeof TYPE.end | typeof TYPE.cancel; id: number }

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const NO_BYTES = new Uint8Array(0)

let lastEncoded = ''
let lastEncodedBytes = NO_BYTES

/** A name as it is on the wire. @throws {RangeError} when it is empty or over 255 bytes */
export function encodeName(name: string): Uint8Array {
  // Calls in a row mostly have the same name, and encoding it was the dearest part of making one.
  if (name === lastEncoded && name !== '') return lastEncodedBytes
  const bytes = encoder.encode(name)
  if (bytes.byteLength === 0 || bytes.byteLength > MAX_NAME_BYTES) {
    throw new RangeError(`The name of a handler takes 1 to ${MAX_NAME_BYTES} bytes, not ${bytes.byteLength}`)
  }
  lastEncoded = name
  lastEncodedBytes = bytes
  return bytes
}

/** Type, id, deadline, key, name and payload. */
export function encodeCall(
  type: CallMessage['type'],
  id: number,
  deadlineMs: number,
  key: Uint8Array | undefined,
  name: Uint8Array,
  payload: Uint8Array,
): Uint8Array | Uint8ArrayList {
  const keyLength = key?.byteLength ?? 0
  const length = 3 + varintLength(id) + varintLength(deadlineMs) + keyLength + name.byteLength
  const target = allocate(length, payload)
  target[0] = type
  let at = writeVarint(target, writeVarint(target, 1, id), deadlineMs)
  target[at++] = keyLength
  if (key != null) target.set(key, at)
  at += keyLength
  target[at++] = name.byteLength
  target.set(name, at)
  return withPayload(target, length, payload)
}

/** Type, id and payload: a response, or an item of a stream. */
export function encodePayload(
  type: typeof TYPE.response | typeof TYPE.data,
  id: number,
  payload: Uint8Array,
): Uint8Array | Uint8ArrayList {
  const length = 1 + varintLength(id)
  const target = allocate(length, payload)
  target[0] = type
  writeVarint(target, 1, id)
  return withPayload(target, length, payload)
}

/** Type, id, code, retry time, limit, value and message; too long a text is cut. */
export function encodeError(id: number, error: WireError): Uint8Array {
  const head = new Uint8Array(1 + varintLength(id))
  head[0] = TYPE.error
  writeVarint(head, 1, id)
  return encodeFault(head, error)
}

/** Type, code, retry time, limit, value and message: a stream is not served at all. */
export function encodeRefusal(error: WireError): Uint8Array {
  return encodeFault(Uint8Array.of(TYPE.refusal), error)
}

function encodeFault(head: Uint8Array, error: WireError): Uint8Array {
  const code = cut(error.code, MAX_CODE_BYTES)
  const limit = cut(error.limit, MAX_CODE_BYTES)
  const message = cut(error.message, MAX_ERROR_BYTES)
  const retryAfterMs = wireNumber(error.retryAfterMs)
  const value = wireNumber(error.value)
  const numbers = varintLength(retryAfterMs) + varintLength(value)
  const texts = code.byteLength + limit.byteLength + message.byteLength
  const target = new Uint8Array(head.byteLength + 2 + numbers + texts)
  target.set(head)
  let at = head.byteLength
  target[at++] = code.byteLength
  target.set(code, at)
  at = writeVarint(target, at + code.byteLength, retryAfterMs)
  target[at++] = limit.byteLength
  target.set(limit, at)
  at = writeVarint(target, at + limit.byteLength, value)
  target.set(message, at)
  return target
}

/** Type, id and, for a credit, the bytes granted. */
export function encodeSignal(type: typeof TYPE.end | typeof TYPE.cancel, id: number): Uint8Array {
  const target = new Uint8Array(1 + varintLength(id))
  target[0] = type
  writeVarint(target, 1, id)
  return target
}

export function encodeCredit(id: number, bytes: number): Uint8Array {
  const target = new Uint8Array(1 + varintLength(id) + varintLength(bytes))
  target[0] = TYPE.credit
  writeVarint(target, writeVarint(target, 1, id), bytes)
  return target
}

/** Reads any message; the payload is a view. @throws {MalformedMessageError} */
export function decode(bytes: Uint8Array): WireMessage {
  const reader = new WireReader(bytes)
  const type = reader.byte()
  if (type === TYPE.refusal) return { type, ...decodeFault(reader) }
  const id = reader.varint()
  switch (type) {
    case TYPE.send:
    case TYPE.request:
    case TYPE.open:
      return decodeCall(reader, type, id)
    case TYPE.response:
    case TYPE.data:
      return { type, id, payload: reader.rest() }
    case TYPE.error:
      return { type, id, ...decodeFault(reader) }
    case TYPE.credit: {
      const credit = { type, id, bytes: reader.varint() }
      reader.end()
      return credit
    }
    case TYPE.end:
    case TYPE.cancel:
      reader.end()
      return { type, id }
    default:
      throw new MalformedMessageError(`Unknown message type ${type}`)
  }
}

function decodeCall(reader: WireReader, type: CallMessage['type'], id: number): CallMessage {
  const deadlineMs = reader.varint()
  const keyLength = reader.byte()
  if (keyLength !== 0 && keyLength !== KEY_BYTES) throw new MalformedMessageError(`A key of ${keyLength} bytes`)
  const key = keyLength === 0 ? undefined : reader.bytes(keyLength)
  const nameLength = reader.byte()
  if (nameLength === 0) throw new MalformedMessageError('A call without a name')
  return { type, id, deadlineMs, key, name: decodeName(reader.bytes(nameLength)), payload: reader.rest() }
}

/** What is longer than any of us writes would be kept, and logged, as it is: up to the largest message. */
function decodeFault(reader: WireReader): WireError {
  const code = decodeWithin('code', reader.bytes(reader.byte()), MAX_CODE_BYTES)
  const retryAfterMs = reader.varint()
  const limit = decodeWithin('limit', reader.bytes(reader.byte()), MAX_CODE_BYTES)
  const value = reader.varint()
  const message = decodeWithin('message', reader.rest(), MAX_ERROR_BYTES)
  return { code, retryAfterMs, limit, value, message }
}

function decodeWithin(field: string, bytes: Uint8Array, maxBytes: number): string {
  const { byteLength } = bytes
  if (byteLength <= maxBytes) return decodeText(bytes)
  throw new MalformedMessageError(`The ${field} of an error has ${byteLength} bytes, and at most ${maxBytes} may be`)
}

let lastName = ''
let lastNameBytes = NO_BYTES

/** Most calls in a row have the same name, and comparing it costs a fifth of decoding it. */
function decodeName(bytes: Uint8Array): string {
  if (bytes.byteLength === lastNameBytes.byteLength && bytes.every((byte, i) => byte === lastNameBytes[i])) {
    return lastName
  }
  lastName = decodeText(bytes)
  lastNameBytes = bytes.slice()
  return lastName
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (err) {
    throw new MalformedMessageError('A text is not UTF-8', { cause: err })
  }
}

/** At most `length` bytes of `text`, whole characters only. */
function cut(text: string, length: number): Uint8Array {
  const target = new Uint8Array(length)
  return target.subarray(0, encoder.encodeInto(text, target).written)
}

function wireNumber(value: number): number {
  return Number.isFinite(value) ? Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.ceil(value))) : 0
}

/** Memory from Node's pool, not zeroed: every byte of it is written, and it is handed to the stream soon. */
function allocate(length: number, payload: Uint8Array): Uint8Array {
  const size = payload.byteLength < COPY_BELOW_BYTES ? length + payload.byteLength : length
  const buffer = Buffer.allocUnsafe(size)
  return new Uint8Array(buffer.buffer, buffer.byteOffset, size)
}

function withPayload(target: Uint8Array, length: number, payload: Uint8Array): Uint8Array | Uint8ArrayList {
  if (target.byteLength === length && payload.byteLength > 0) return new Uint8ArrayList(target, payload)
  target.set(payload, length)
  return target
}

import type { Reason } from '@gridmesh/interfaces'
import { MAX_MESSAGE_BYTES, MAX_NAME_BYTES } from './constants.ts'

const CODE = /^[a-z][a-z0-9-]*$/

/** Tells what is wrong with a text that goes, or came, over the wire; `undefined` when nothing is. */
export function textFault(value: string, maxBytes: number): string | undefined {
  const length = new TextEncoder().encode(value).byteLength
  if (length > maxBytes) return `is ${length} bytes long, at most ${maxBytes} are allowed`
  // Texts of peers end up in logs and on dashboards, where control characters can forge lines.
  return /\p{Cc}/u.test(value) ? 'contains control characters' : undefined
}

/** Tells what is wrong with the code of a reason. */
export function codeFault(code: string): string | undefined {
  return textFault(code, MAX_NAME_BYTES) ?? (CODE.test(code) ? undefined : 'is not in kebab-case')
}

/** Fits a reason of our own into a frame: nothing we are asked to say may read as a violation to the peer. */
export function fitReason({ code, message, limit, value }: Reason): Reason {
  return {
    code: codeFault(code) == null ? code : 'unspecified',
    message: truncate(message.replaceAll(/\p{Cc}/gu, ' '), MAX_MESSAGE_BYTES),
    ...(limit != null && textFault(limit, MAX_NAME_BYTES) == null && { limit }),
    ...(value != null && Number.isFinite(value) && { value }),
  }
}

function truncate(value: string, maxBytes: number): string {
  const bytes = new TextEncoder().encode(value)
  if (bytes.byteLength <= maxBytes) return value
  // A character that the cut went through reads as U+FFFD.
  return new TextDecoder().decode(bytes.subarray(0, maxBytes)).replace(/\uFFFD+$/u, '')
}

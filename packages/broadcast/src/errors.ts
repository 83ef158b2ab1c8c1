import type { Blameworthy, ReportClass } from '@gridmesh/interfaces'
import type { RefusalReason } from './refusal.ts'

/** A message is too long to be pushed, and there is no unicast by which receivers could pull it. */
export class PullUnavailableError extends Error {
  static override readonly name = 'PullUnavailableError'
  override readonly name = 'PullUnavailableError'
  readonly code = 'no-unicast'
  readonly limit = 'pullAboveBytes'
  /** Value of the limit, in bytes. */
  readonly value: number
  /** Length of the message, in bytes. */
  readonly byteLength: number

  constructor(byteLength: number, value: number) {
    super(`A message of ${byteLength} bytes is over pullAboveBytes, which is ${value}, and needs the service unicast`)
    this.byteLength = byteLength
    this.value = value
  }
}

/** What a peer sent in answer to a request for chunks is no answer to it. */
export class MalformedReplyError extends Error implements Blameworthy {
  static override readonly name = 'MalformedReplyError'
  override readonly name = 'MalformedReplyError'
  readonly code = 'malformed'
  readonly report: ReportClass = 'protocol-violation'
}

/** We did not take a flooded or directed message, or gave no chunks. The sender gets its `code` as the reason of the outcome. */
export class MessageRefusedError extends Error {
  static override readonly name = 'MessageRefusedError'
  override readonly name = 'MessageRefusedError'
  readonly code: RefusalReason

  constructor(code: RefusalReason) {
    super(`Message refused: ${code}`)
    this.code = code
  }
}

/** A gossip message on a topic that nobody here subscribed to. */
export class UnwantedTopicError extends Error {
  static override readonly name = 'UnwantedTopicError'
  override readonly name = 'UnwantedTopicError'
  readonly code = 'unwanted-topic'

  constructor(topic: string) {
    super(`Not subscribed to ${topic}`)
  }
}

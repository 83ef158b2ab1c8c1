import type { Blameworthy, ReportClass } from '@gridmesh/interfaces'

/**
 * How a peer broke the handshake protocol.
 *
 * - `malformed`: a frame that does not decode, or a field outside its limits
 * - `oversized`: a frame longer than `maxFrameBytes`
 * - `truncated`: the stream ended inside a frame
 * - `out-of-order`: a frame, or a stream, that has no place there
 * - `flood`: more bytes than are buffered, from a peer that was already made to wait
 */
export type ViolationCode = 'malformed' | 'oversized' | 'truncated' | 'out-of-order' | 'flood'

/** Which of our limits a violation went beyond, where it was a limit. */
export interface ViolationLimit {
  readonly limit: string
  readonly value: number
}

/** A peer broke the handshake protocol. */
export class HandshakeViolationError extends Error implements Blameworthy {
  static override readonly name = 'HandshakeViolationError'
  override readonly name = 'HandshakeViolationError'
  readonly code: ViolationCode
  readonly report: ReportClass
  readonly limit: string | undefined
  readonly value: number | undefined

  constructor(code: ViolationCode, message: string, options?: ErrorOptions & Partial<ViolationLimit>) {
    super(`Handshake frame ${code}: ${message}`, options)
    this.code = code
    this.limit = options?.limit
    this.value = options?.value
    this.report = code === 'flood' ? 'rate-limited' : 'protocol-violation'
  }
}

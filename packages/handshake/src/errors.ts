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

/** A peer broke the handshake protocol. */
export class HandshakeViolationError extends Error implements Blameworthy {
  static override readonly name = 'HandshakeViolationError'
  override readonly name = 'HandshakeViolationError'
  readonly code: ViolationCode
  readonly report: ReportClass

  constructor(code: ViolationCode, message: string, options?: ErrorOptions) {
    super(`Handshake frame ${code}: ${message}`, options)
    this.code = code
    this.report = code === 'flood' ? 'rate-limited' : 'protocol-violation'
  }
}

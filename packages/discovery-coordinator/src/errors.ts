import type { Blameworthy, ReportClass } from '@gridmesh/interfaces'

/**
 * How a peer broke the peer exchange.
 *
 * - `malformed`: a message that does not decode, or a record that is none
 * - `oversized`: a message, a record or a list longer than its limit
 * - `forged`: a record that its subject did not sign
 */
export type ExchangeFault = 'malformed' | 'oversized' | 'forged'

/** A peer broke the peer exchange protocol. */
export class PeerExchangeError extends Error implements Blameworthy {
  static override readonly name = 'PeerExchangeError'
  override readonly name = 'PeerExchangeError'
  readonly code: ExchangeFault
  readonly report: ReportClass

  constructor(code: ExchangeFault, message: string, options?: ErrorOptions) {
    super(`Peer exchange ${code}: ${message}`, options)
    this.code = code
    this.report = code === 'forged' ? 'invalid-signature' : 'protocol-violation'
  }
}

/** A peer asked again before its time. */
export class AskedTooSoonError extends Error {
  static override readonly name = 'AskedTooSoonError'
  override readonly name = 'AskedTooSoonError'
  readonly code = 'asked-too-soon'
  readonly gapMs: number

  constructor(gapMs: number) {
    super(`Peers may be asked for once in requestGapMs, which is ${gapMs}`)
    this.gapMs = gapMs
  }
}

/** A peer asked before the handshake had made it ready. */
export class PeerNotReadyError extends Error {
  static override readonly name = 'PeerNotReadyError'
  override readonly name = 'PeerNotReadyError'
  readonly code = 'peer-not-ready'

  constructor() {
    super('The handshake has not made the peer ready')
  }
}

/** What is stored cannot be read back. */
export class CorruptEntryError extends Error {
  static override readonly name = 'CorruptEntryError'
  override readonly name = 'CorruptEntryError'
  readonly code = 'corrupt-entry'
  readonly field: string

  constructor(field: string, options?: ErrorOptions) {
    super(`Stored peer: unreadable ${field}`, options)
    this.field = field
  }
}

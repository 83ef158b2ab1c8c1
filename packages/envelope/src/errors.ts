import type { Blameworthy, ReportClass } from '@gridmesh/interfaces'
import { NotStartedError } from '@libp2p/interface'
import type { ReplayVerdict } from './replay-guard.ts'

/** The envelope is larger than `maxBytes` allows, or its payload than its opener takes of the kind. */
export class EnvelopeTooLargeError extends Error implements Blameworthy {
  static override readonly name = 'EnvelopeTooLargeError'
  override readonly name = 'EnvelopeTooLargeError'
  readonly code = 'too-large'
  readonly report: ReportClass = 'protocol-violation'
  readonly size: number
  readonly limit: string
  readonly value: number

  constructor(size: number, limit: string, value: number) {
    super(`The envelope holds ${size} bytes, ${limit} allows ${value}`)
    this.size = size
    this.limit = limit
    this.value = value
  }
}

/** The bytes are not an envelope, or not in its one lawful encoding. */
export class MalformedEnvelopeError extends Error implements Blameworthy {
  static override readonly name = 'MalformedEnvelopeError'
  override readonly name = 'MalformedEnvelopeError'
  readonly code = 'malformed'
  readonly report: ReportClass = 'protocol-violation'

  constructor(what: string, options?: ErrorOptions) {
    super(`Malformed envelope: ${what}`, options)
  }
}

/** The envelope has a version of the wire format that this code does not know; its sender may be newer. */
export class UnsupportedVersionError extends Error implements Blameworthy {
  static override readonly name = 'UnsupportedVersionError'
  override readonly name = 'UnsupportedVersionError'
  readonly code = 'unsupported-version'
  readonly report: ReportClass = 'absent'
  readonly version: number

  constructor(version: number) {
    super(`The envelope has version ${version}, known is 1`)
    this.version = version
  }
}

/** The envelope belongs to another chain. Nobody on our chain passes such a one on. */
export class WrongChainError extends Error implements Blameworthy {
  static override readonly name = 'WrongChainError'
  override readonly name = 'WrongChainError'
  readonly code = 'wrong-chain'
  readonly report: ReportClass = 'protocol-violation'
  readonly chainId: string

  constructor(chainId: string, expected: string) {
    super(`The envelope is for chain ${JSON.stringify(chainId)}, ours is ${JSON.stringify(expected)}`)
    this.chainId = chainId
  }
}

/** The opener does not know this kind of message; its sender may be newer or have another role. */
export class UnknownKindError extends Error implements Blameworthy {
  static override readonly name = 'UnknownKindError'
  override readonly name = 'UnknownKindError'
  readonly code = 'unknown-kind'
  readonly report: ReportClass = 'absent'
  readonly kind: string

  constructor(kind: string) {
    super(`No kind ${JSON.stringify(kind)} is known`)
    this.kind = kind
  }
}

/** The envelope has another author than the one it had to have. */
export class UnexpectedSenderError extends Error implements Blameworthy {
  static override readonly name = 'UnexpectedSenderError'
  override readonly name = 'UnexpectedSenderError'
  readonly code = 'unexpected-sender'
  readonly report: ReportClass = 'protocol-violation'

  constructor(expected: string) {
    super(`The envelope is not signed by ${expected}`)
  }
}

/** The envelope's time is too far from our clock. It may have been long on its way, or either clock is wrong. */
export class ClockSkewError extends Error implements Blameworthy {
  static override readonly name = 'ClockSkewError'
  override readonly name = 'ClockSkewError'
  readonly code = 'clock-skew'
  readonly report: ReportClass = 'absent'
  readonly limit = 'clockSkewMs'
  readonly value: number
  /** Sender's clock minus ours, in ms. */
  readonly aheadMs: number

  constructor(aheadMs: number, limitMs: number) {
    super(
      `The envelope's time is ${Math.abs(aheadMs)} ms ${aheadMs > 0 ? 'ahead of' : 'behind'} ours, over ${limitMs} ms`,
    )
    this.aheadMs = aheadMs
    this.value = limitMs
  }
}

/** The envelope was opened before, or may have been. Gossip hands honest copies around, so nobody is blamed. */
export class ReplayError extends Error implements Blameworthy {
  static override readonly name = 'ReplayError'
  override readonly name = 'ReplayError'
  readonly code = 'replay'
  readonly report: ReportClass = 'absent'
  /** `seen` for certain; `behind-window` and `before-floor` where it can no longer be told. */
  readonly reason: Exclude<ReplayVerdict, 'fresh' | 'no-room'>

  constructor(reason: Exclude<ReplayVerdict, 'fresh' | 'no-room'>, sequence: bigint) {
    super(`The envelope with sequence ${sequence} is refused as a replay: ${reason}`)
    this.reason = reason
  }
}

/** The windows of `maxSenders` senders are all still needed, and this sender has none. */
export class SenderLimitError extends Error implements Blameworthy {
  static override readonly name = 'SenderLimitError'
  override readonly name = 'SenderLimitError'
  readonly code = 'sender-limit'
  readonly report: ReportClass = 'absent'
  readonly limit = 'maxSenders'
  readonly value: number

  constructor(value: number) {
    super(`No window is free for a new sender: maxSenders is ${value}`)
    this.value = value
  }
}

/** The signature does not verify. */
export class InvalidSignatureError extends Error implements Blameworthy {
  static override readonly name = 'InvalidSignatureError'
  override readonly name = 'InvalidSignatureError'
  readonly code = 'invalid-signature'
  readonly report: ReportClass = 'invalid-signature'

  constructor() {
    super("The envelope's signature does not verify")
  }
}

/** The payload is compressed in a way that this node cannot undo; the sender may run a newer Node.js. */
export class UnsupportedCompressionError extends Error implements Blameworthy {
  static override readonly name = 'UnsupportedCompressionError'
  override readonly name = 'UnsupportedCompressionError'
  readonly code = 'unsupported-compression'
  readonly report: ReportClass = 'absent'
  readonly compression: number

  constructor(compression: number) {
    super(`Compression ${compression} is not available here`)
    this.compression = compression
  }
}

/** The payload declares, or inflates to, more than the limits allow. */
export class InflationLimitError extends Error implements Blameworthy {
  static override readonly name = 'InflationLimitError'
  override readonly name = 'InflationLimitError'
  readonly code = 'inflation-limit'
  readonly report: ReportClass = 'invalid-message'
  readonly limit: 'maxBytes' | 'maxRatio' | 'inflatedBytes'
  readonly value: number

  constructor(limit: 'maxBytes' | 'maxRatio' | 'inflatedBytes', value: number, options?: ErrorOptions) {
    super(`The payload inflates beyond ${limit}, which is ${value}`, options)
    this.limit = limit
    this.value = value
  }
}

/** The payload does not inflate, or not to its declared length. */
export class CorruptPayloadError extends Error implements Blameworthy {
  static override readonly name = 'CorruptPayloadError'
  override readonly name = 'CorruptPayloadError'
  readonly code = 'corrupt-payload'
  readonly report: ReportClass = 'invalid-message'

  constructor(what: string, options?: ErrorOptions) {
    super(`Corrupt payload: ${what}`, options)
  }
}

/** The signer threw or returned nonsense: our own fault, the peer is not blamed. */
export class SignerFailedError extends Error implements Blameworthy {
  static override readonly name = 'SignerFailedError'
  override readonly name = 'SignerFailedError'
  readonly code = 'signer-failed'
  readonly report: ReportClass = 'absent'

  constructor(what: string, options?: ErrorOptions) {
    super(`The signer failed: ${what}`, options)
  }
}

/** Too many bytes wait for a signer or the datastore already, or too many authors whose clock is ahead. Later there is room. */
export class EnvelopeBusyError extends Error implements Blameworthy {
  static override readonly name = 'EnvelopeBusyError'
  override readonly name = 'EnvelopeBusyError'
  readonly code = 'busy'
  readonly report: ReportClass = 'absent'
  readonly limit: 'maxPendingBytes' | 'maxEarlyRenewals'
  readonly value: number

  constructor(limit: EnvelopeBusyError['limit'], value: number) {
    super(`Too many envelopes wait to be opened: ${limit} is ${value}`)
    this.limit = limit
    this.value = value
  }
}

/** Called before `start` was done or after `stop`. A `NotStartedError` of libp2p, by name too. */
export class EnvelopeNotStartedError extends NotStartedError implements Blameworthy {
  readonly code = 'not-started'
  readonly report: ReportClass = 'absent'

  constructor() {
    super('The envelope service is not started')
  }
}

/** Reading or writing the datastore took longer than `storeTimeoutMs`. */
export class StoreTimeoutError extends Error {
  static override readonly name = 'StoreTimeoutError'
  override readonly name = 'StoreTimeoutError'
  readonly code = 'store-timeout'
  readonly timeoutMs: number

  constructor(timeoutMs: number) {
    super(`The datastore did not answer within ${timeoutMs} ms`)
    this.timeoutMs = timeoutMs
  }
}

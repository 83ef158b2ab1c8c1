import type { MaybePromise, Opened, OpenOptions, Signer } from '@gridmesh/interfaces'
import { bytesKey } from './bytes.ts'
import { canonicalBytes } from './canonical.ts'
import { inflate } from './compression.ts'
import {
  ClockSkewError,
  EnvelopeNotStartedError,
  EnvelopeTooLargeError,
  InvalidSignatureError,
  ReplayError,
  SenderLimitError,
  UnexpectedSenderError,
  UnknownKindError,
  WrongChainError,
} from './errors.ts'
import type { EnvelopeCodec, SignedFields } from './fields.ts'
import type { Journal } from './journal.ts'
import { chain } from './maybe-promise.ts'
import type { PeerIds } from './peer-ids.ts'
import type { ReplayGuard, ReplayTicket, ReplayVerdict } from './replay-guard.ts'

/** What an `Opener` works with. */
export interface OpenerInit {
  codec: EnvelopeCodec
  chainId: string
  maxBytes: number
  maxRatio: number
  maxSenders: number
  clockSkewMs: number
  guard: ReplayGuard
  journal: Pick<Journal, 'covers' | 'cover'>
  peerIds: PeerIds
  /** False before start and after stop, when nothing may be marked as seen. */
  isStarted(): boolean
}

/** Opens envelopes: the checks in order of their cost, so that refusing what is worthless costs little. */
export class Opener {
  readonly #init: OpenerInit
  readonly #maxEncodedBytes: number

  constructor(init: OpenerInit) {
    this.#init = init
    this.#maxEncodedBytes = init.codec.maxEncodedBytes(init.maxBytes)
  }

  open(bytes: Uint8Array, options: OpenOptions, signer: Signer): MaybePromise<Opened> {
    const fields = this.#read(bytes)
    this.#checkWanted(fields, options)
    this.#checkTime(fields)
    const { lane, sequence, timeMs } = fields
    const ticket = { sender: bytesKey(fields.senderKey), lane, sequence, timeMs }
    this.#demandFresh(this.#init.guard.check(ticket), ticket)

    return chain(signer.verify(fields.senderKey, canonicalBytes(fields), fields.signature), (isValid) => {
      if (!isValid) throw new InvalidSignatureError()
      // Before the journal is asked for anything, or it would write once more after the last record of a clean stop.
      this.#demandStarted()
      if (this.#init.journal.covers(ticket)) return this.#admit(fields, ticket)
      return this.#init.journal.cover(ticket).then(() => this.#admit(fields, ticket))
    })
  }

  #read(bytes: Uint8Array): SignedFields {
    if (bytes.byteLength > this.#maxEncodedBytes) {
      throw new EnvelopeTooLargeError(bytes.byteLength, 'maxBytes', this.#maxEncodedBytes)
    }
    const fields = this.#init.codec.decode(bytes)
    // A shorter header leaves room for a longer payload, so the payload is measured too.
    if (fields.payload.byteLength > this.#init.maxBytes) {
      throw new EnvelopeTooLargeError(fields.payload.byteLength, 'maxBytes', this.#init.maxBytes)
    }
    return fields
  }

  #checkWanted(fields: SignedFields, options: OpenOptions): void {
    const { chainId } = this.#init
    const { sender } = options
    if (fields.chainId !== chainId) throw new WrongChainError(fields.chainId, chainId)
    if (options.isKnownKind?.(fields.kind) === false) throw new UnknownKindError(fields.kind)
    checkSize(fields, options)
    if (sender !== undefined && !isKeyOf(fields.senderKey, sender.publicKey?.raw)) {
      throw new UnexpectedSenderError(sender.toString())
    }
  }

  #checkTime({ timeMs }: SignedFields): void {
    const { clockSkewMs } = this.#init
    const aheadMs = timeMs - Date.now()
    if (Math.abs(aheadMs) > clockSkewMs) throw new ClockSkewError(aheadMs, clockSkewMs)
  }

  #demandStarted(): void {
    if (!this.#init.isStarted()) throw new EnvelopeNotStartedError()
  }

  #demandFresh(verdict: ReplayVerdict, ticket: ReplayTicket): void {
    if (verdict === 'fresh') return
    if (verdict === 'no-room') throw new SenderLimitError(this.#init.maxSenders)
    throw new ReplayError(verdict, ticket.sequence)
  }

  // A signer that takes its time lets copies of one envelope come this far side by side: only marking decides.
  #admit(fields: SignedFields, ticket: ReplayTicket): Opened {
    this.#demandStarted()
    this.#demandFresh(this.#init.guard.mark(ticket), ticket)
    const { kind, lane, sequence, timeMs, senderKey } = fields
    return {
      kind,
      lane,
      sequence,
      timeMs,
      payload: inflate(fields, this.#init),
      sender: this.#init.peerIds.of(senderKey),
    }
  }
}

/** A payload counts as it is sent and as it inflates: the one is held in memory already, the other would be. */
function checkSize({ kind, payload, inflatedBytes }: SignedFields, options: OpenOptions): void {
  const maxBytes = options.maxBytes?.(kind)
  const size = Math.max(payload.byteLength, inflatedBytes)
  if (maxBytes !== undefined && size > maxBytes) throw new EnvelopeTooLargeError(size, `maxBytes.${kind}`, maxBytes)
}

function isKeyOf(senderKey: Uint8Array, raw: Uint8Array | undefined): boolean {
  return raw !== undefined && Buffer.compare(senderKey, raw) === 0
}

import type { Envelope, Lane, MaybePromise, MessageMeta } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { MessageRejectedError } from './errors.ts'
import { isPending } from './maybe.ts'
import type { Registration } from './registry.ts'
import { decodeBatch, maxPayloadBytes, sameBytes } from './wire.ts'
import type { BatchLimits, DecodedBatch } from './wire.ts'

/** Limits of the opener. */
export interface OpenerInit extends BatchLimits {
  maxOpening: number
}

/** What is known of an envelope before it is opened. */
export interface Expected {
  /** The lane it came in. */
  lane: Lane
  /** The author it must have. */
  sender?: PeerId
  /** Whom it must be meant for; absent: everybody. */
  recipient?: Uint8Array
  /** The handler of a kind that may come here. */
  registrationOf(kind: string): Registration | undefined
}

/** An opened envelope: its values are still encoded. */
export interface OpenedBatch {
  meta: MessageMeta
  registration: Registration
  messages: Uint8Array[]
}

/**
 * Opens envelopes and takes their payload apart, with a bound on those that wait, for an asynchronous signer or for a
 * write of the envelope's: one for what came as `critical`, and one for all other lanes.
 */
export class Opener {
  readonly #init: OpenerInit
  readonly #envelope: Envelope
  readonly #opening = { critical: 0, others: 0 }

  constructor(init: OpenerInit, envelope: Envelope) {
    this.#init = init
    this.#envelope = envelope
  }

  /** Whether no more envelope of this lane may be opened for now. */
  isFull(lane: Lane): boolean {
    return this.#opening[countOf(lane)] >= this.#init.maxOpening
  }

  /** Synchronous where the envelope is. Throws, or rejects, as `Envelope.open`, or with an error of `wire.ts`. */
  open(bytes: Uint8Array, expected: Expected): MaybePromise<OpenedBatch> {
    const opened = this.#envelope.open(bytes, {
      ...(expected.sender == null ? {} : { sender: expected.sender }),
      isKnownKind: (kind) => expected.registrationOf(kind) != null,
      maxBytes: (kind) => this.#maxBytes(expected.registrationOf(kind)),
    })
    const decode = ({ kind, payload, ...meta }: Awaited<typeof opened>): OpenedBatch => {
      const registration = expected.registrationOf(kind)
      // The handler may have gone while the envelope was being opened.
      if (registration == null) throw new MessageRejectedError('unknown-kind', kind, 'nobody handles it')
      const batch = decodeBatch(registration, payload, this.#init)
      checkRecipient(kind, batch, expected.recipient)
      return { meta, registration, messages: batch.messages }
    }
    if (!isPending(opened)) return decode(opened)

    const count = countOf(expected.lane)
    this.#opening[count]++
    return opened.then(decode).finally(() => this.#opening[count]--)
  }

  #maxBytes(registration: Registration | undefined): number | undefined {
    return registration == null ? undefined : maxPayloadBytes(registration, this.#init)
  }
}

function countOf(lane: Lane): 'critical' | 'others' {
  return lane === 'critical' ? lane : 'others'
}

/**
 * A signature holds for every reader. Without this check whoever received a message that was meant for it alone
 * could hand it on to another peer, or publish it, and the author would stand for it.
 */
function checkRecipient(kind: string, batch: DecodedBatch, expected: Uint8Array | undefined): void {
  const { recipient, messages } = batch
  if (!sameBytes(recipient, expected)) {
    const meant = expected == null ? 'all peers' : 'this peer'
    throw new MessageRejectedError('wrong-recipient', kind, `it is not meant for ${meant}`)
  }
  if (expected != null && messages.length !== 1) {
    throw new MessageRejectedError('malformed', kind, `${messages.length} messages in one unicast`)
  }
}

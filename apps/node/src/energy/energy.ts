import type { Delivery, MessageContext, Messages, Verdict } from '@gridmesh/interfaces'
import { MessageTooLargeError } from '@gridmesh/message-router'
import type { Metrics, PeerId } from '@libp2p/interface'
import { ExpiredError, NotAuthorityError, UnknownZoneError } from '../errors.ts'
import type { Genesis } from '../genesis.ts'
import type { Feed, FeedItem } from './feed.ts'
import { type EnergyKind, energyKinds } from './kinds.ts'

/** What the energy layer is made of. */
export interface EnergyParts {
  messages: Messages
  peerId: PeerId
  genesis: Genesis
  feed: Feed
  metrics?: Metrics
}

/** A message on its way, and how it stands in our own feed. */
export interface Published {
  item: FeedItem
  delivery: Delivery
}

/** Joins the energy messages to the network: judges what comes in, sends what goes out, keeps the feed. */
export class Energy {
  readonly #parts: EnergyParts
  readonly #count: (kind: string, outcome: string) => void
  #ends: (() => void)[] = []

  constructor(parts: EnergyParts) {
    this.#parts = parts
    const counter = parts.metrics?.registerCounterGroup('gridmesh_energy_messages_total', {
      label: 'outcome',
      help: 'Energy messages by kind and what became of them',
    })
    this.#count = (kind, outcome) => counter?.increment({ [`${kind}:${outcome}`]: 1 })
  }

  start(): void {
    if (this.#ends.length > 0) return
    this.#ends = [
      this.#subscribe(energyKinds['energy-order']),
      this.#subscribe(energyKinds['order-match']),
      this.#subscribe(energyKinds['market-data']),
      this.#subscribe(energyKinds['grid-emergency']),
      this.#subscribe(energyKinds['system-shutdown']),
    ]
  }

  stop(): void {
    for (const end of this.#ends) end()
    this.#ends = []
  }

  /**
   * Sends a message to everybody. It stands in our own feed at once, and stays there should nobody get it.
   * @throws {NotAuthorityError} when only an authority may send the kind, and this node is none
   * @throws {UnknownZoneError} when the value names a zone that the genesis file does not have
   * @throws {ExpiredError} when the value has expired, so that nobody would take it
   * @throws {MessageTooLargeError} when it has more bytes than the kind may have
   */
  async publish<T>(kind: EnergyKind<T>, value: T): Promise<Published> {
    const { messages, peerId } = this.#parts
    const fault = this.#fault(kind, value, peerId)
    if (fault !== undefined) throw fault
    const [expiresAtMs, nowMs] = [kind.expiresAtMs(value), Date.now()]
    if (expiresAtMs <= nowMs) throw new ExpiredError(kind.message.kind, expiresAtMs, nowMs)
    const { kind: name, codec, maxBytes } = kind.message
    const { byteLength } = codec.encode(value)
    if (byteLength > maxBytes) throw new MessageTooLargeError(name, byteLength, maxBytes)

    // It leaves before the feed has it: whoever hears there of a shutdown may stop the node.
    const sending = messages.broadcast(kind.message, value)
    const item = this.#record(kind, value, peerId, Date.now())
    const delivery = await sending
    this.#count(name, 'sent')
    return { item, delivery }
  }

  #subscribe<T>(kind: EnergyKind<T>): () => void {
    const take = (value: T, { sender, timeMs }: MessageContext): void => {
      this.#count(kind.message.kind, 'received')
      this.#record(kind, value, sender, timeMs)
    }
    return this.#parts.messages.on(kind.message, take, {
      validate: (value, { sender }) => this.#judge(kind, value, sender),
    })
  }

  #judge<T>(kind: EnergyKind<T>, value: T, sender: PeerId): Verdict {
    const fault = this.#fault(kind, value, sender)
    if (fault !== undefined) {
      this.#count(kind.message.kind, fault.code)
      return 'reject'
    }
    // Our clock may be the one that is off, so lateness is nobody's fault.
    if (kind.expiresAtMs(value) <= Date.now()) {
      this.#count(kind.message.kind, 'expired')
      return 'ignore'
    }
    return 'accept'
  }

  #fault<T>(kind: EnergyKind<T>, value: T, sender: PeerId): NotAuthorityError | UnknownZoneError | undefined {
    const { genesis } = this.#parts
    if (kind.authorityOnly && !genesis.authorities.has(sender.toString())) {
      return new NotAuthorityError(kind.message.kind, sender.toString(), genesis.authorities.values())
    }
    const stranger = kind.zones(value).find((zone) => !genesis.zones.has(zone))
    return stranger === undefined ? undefined : new UnknownZoneError(stranger, genesis.zones)
  }

  #record<T>(kind: EnergyKind<T>, value: T, sender: PeerId, timeMs: number): FeedItem {
    return this.#parts.feed.add({
      kind: kind.message.kind,
      sender: sender.toString(),
      zones: kind.zones(value),
      timeMs,
      receivedAtMs: Date.now(),
      value,
    })
  }
}

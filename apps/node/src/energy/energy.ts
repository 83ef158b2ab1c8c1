import type { Delivery, MessageContext, Messages, Verdict } from '@gridmesh/interfaces'
import type { Metrics, PeerId } from '@libp2p/interface'
import { NotAuthorityError, UnknownZoneError } from '../errors.ts'
import type { Genesis } from '../genesis.ts'
import type { Feed, FeedItem } from './feed.ts'
import { type EnergyKind, type EnergyKindName, type EnergyValue, energyKindNames, energyKinds } from './kinds.ts'

/** What the energy layer is made of. */
export interface EnergyParts {
  messages: Messages
  peerId: PeerId
  genesis: Genesis
  feed: Feed
  metrics?: Metrics
  /** Called when an authority asks every node to stop. */
  onSystemShutdown(value: EnergyValue<'system-shutdown'>): void
}

/** A message on its way, and how it stands in our own feed. */
export interface Published {
  item: FeedItem
  delivery: Delivery
}

/** Joins the energy messages to the network: judges what comes in, sends what goes out, keeps the feed. */
export class Energy {
  readonly #parts: EnergyParts
  readonly #count: ((kind: string, outcome: string) => void) | undefined
  #ends: (() => void)[] = []

  constructor(parts: EnergyParts) {
    this.#parts = parts
    const counter = parts.metrics?.registerCounterGroup('gridmesh_energy_messages_total', {
      label: 'outcome',
      help: 'Energy messages by kind and what became of them',
    })
    this.#count = counter && ((kind, outcome) => counter.increment({ [`${kind}:${outcome}`]: 1 }))
  }

  start(): void {
    if (this.#ends.length > 0) return
    const { messages } = this.#parts
    this.#ends = energyKindNames.map((name) => {
      const kind = energyKinds[name] as EnergyKind<unknown>
      return messages.on(kind.message, (value, context) => this.#take(name, value, context), {
        validate: (value, context) => this.#judge(name, value, context),
      })
    })
  }

  stop(): void {
    for (const end of this.#ends) end()
    this.#ends = []
  }

  /**
   * Sends a message to everybody. It stands in our own feed at once.
   * @throws {NotAuthorityError} when only an authority may send the kind, and this node is none
   * @throws {UnknownZoneError} when the value names a zone that the genesis file does not have
   */
  async publish<K extends EnergyKindName>(name: K, value: EnergyValue<K>): Promise<Published> {
    const { messages, peerId } = this.#parts
    const kind = energyKinds[name] as unknown as EnergyKind<EnergyValue<K>>
    const fault = this.#fault(name, value, peerId)
    if (fault !== undefined) throw fault

    const delivery = await messages.broadcast(kind.message, value)
    this.#count?.(name, 'sent')
    return { item: this.#record(name, value, peerId, Date.now()), delivery }
  }

  #judge(name: EnergyKindName, value: unknown, { sender }: MessageContext): Verdict {
    const fault = this.#fault(name, value, sender)
    if (fault !== undefined) {
      this.#count?.(name, fault.code)
      return 'reject'
    }
    // Our clock may be the one that is off, so lateness is nobody's fault.
    if (name === 'energy-order' && (value as EnergyValue<'energy-order'>).expiresAtMs <= Date.now()) {
      this.#count?.(name, 'expired')
      return 'ignore'
    }
    return 'accept'
  }

  #fault(name: EnergyKindName, value: unknown, sender: PeerId): NotAuthorityError | UnknownZoneError | undefined {
    const { genesis } = this.#parts
    const kind = energyKinds[name] as EnergyKind<unknown>
    if (kind.authorityOnly && !genesis.authorities.has(sender.toString())) {
      return new NotAuthorityError(name, sender.toString(), genesis.authorities.values())
    }
    const stranger = kind.zones(value).find((zone) => !genesis.zones.has(zone))
    return stranger === undefined ? undefined : new UnknownZoneError(stranger, genesis.zones)
  }

  #take(name: EnergyKindName, value: unknown, { sender, timeMs }: MessageContext): void {
    this.#count?.(name, 'received')
    this.#record(name, value, sender, timeMs)
    if (name === 'system-shutdown') this.#parts.onSystemShutdown(value as EnergyValue<'system-shutdown'>)
  }

  #record(name: EnergyKindName, value: unknown, sender: PeerId, timeMs: number): FeedItem {
    const kind = energyKinds[name] as EnergyKind<unknown>
    return this.#parts.feed.add({
      kind: name,
      sender: sender.toString(),
      zones: kind.zones(value),
      timeMs,
      receivedAtMs: Date.now(),
      value,
    })
  }
}

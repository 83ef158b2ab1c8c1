import type { PayloadManifest, SplitPayload } from '@gridmesh/chunking'
import type { Lane } from '@gridmesh/interfaces'
import type { Logger } from '@libp2p/interface'
import type { DuplicateCache } from './duplicate-cache.ts'
import type { Coming, Inbox, Judgement } from './inbox.ts'
import { toHex } from './message-id.ts'
import type { Puller } from './puller.ts'
import type { PullOutcome } from './pull.ts'
import type { RefusalReason } from './refusal.ts'
import type { RetainedPayloads } from './retained-payloads.ts'

/** Word of a message whose payload is to be pulled. */
export interface Announced extends Omit<Coming, 'id'> {
  id: Uint8Array
  manifest: PayloadManifest
  lane: Lane
}

/** What an announcement came to: at once, or when its payload has come. */
export interface Hearing {
  isPulling: boolean
  /** Never rejects. */
  judgement: Promise<Judgement>
}

/** What announcements need. */
export interface AnnouncementsInit {
  inbox: Inbox
  cache: DuplicateCache
  puller: Puller
  retained: RetainedPayloads
  log: Logger
  canPull(): boolean
}

/** Takes announcements: pulls what is worth it, judges it when it is whole, and keeps what is accepted for others. */
export class Announcements {
  readonly #init: AnnouncementsInit

  constructor(init: AnnouncementsInit) {
    this.#init = init
  }

  hear(announced: Announced): Hearing {
    const { inbox, cache, puller } = this.#init
    const coming = { ...announced, id: toHex(announced.id) }
    const obstacle = inbox.obstacle(coming)
    if (obstacle !== undefined) return this.#refuse(obstacle)
    // While it is being judged it is known already, and not kept yet: what waits for the pull waits for both.
    const known = puller.has(coming.id) ? undefined : cache.get(coming.id)
    if (known !== undefined) return { isPulling: false, judgement: inbox.judgeCopy(coming, known) }
    if (!inbox.subscriptions.has(coming.topic)) return this.#refuse('not-subscribed')
    if (!this.#init.canPull()) return this.#refuse('no-unicast')
    return this.#pull(announced, coming)
  }

  #pull(announced: Announced, coming: Coming): Hearing {
    const { id, manifest, topic, from } = announced
    const lane = this.#init.inbox.laneOf(topic, announced.lane)
    const outcome = this.#init.puller.join({
      id: { bytes: id, hex: coming.id },
      manifest,
      lane,
      topic,
      from,
      onWhole: (split, giver) => this.#judge({ ...coming, from: giver }, split),
    })
    if (outcome === undefined) return this.#refuse('busy')
    return { isPulling: true, judgement: this.#await(coming, outcome) }
  }

  async #await(coming: Coming, pull: Promise<PullOutcome>): Promise<Judgement> {
    const { inbox } = this.#init
    const outcome = await pull
    // Not known, so that the next peer that announces it gets a hearing.
    if (!outcome.isWhole) return inbox.refuse('unavailable')
    const { from, judgement } = outcome
    const { known } = judgement
    // Who announced it and gave less of it than another has brought a copy.
    return known === undefined || from.equals(coming.from) ? judgement : inbox.judgeCopy(coming, known)
  }

  async #judge(coming: Coming, split: SplitPayload): Promise<Judgement> {
    const { inbox, retained, log } = this.#init
    const judgement = await inbox.judge({ ...coming, payload: split.payload })
    // A directed message is nobody else's, so there is nobody to keep it for.
    if (judgement.verdict !== 'accept' || coming.via === 'directed') return judgement
    if (!retained.add(coming.id, split)) log('%s goes no further: there is no room to serve it from', coming.id)
    return judgement
  }

  #refuse(reason: RefusalReason): Hearing {
    return { isPulling: false, judgement: Promise.resolve(this.#init.inbox.refuse(reason)) }
  }
}

import type { PeerId } from '@libp2p/interface'
import { MAX_ANNOUNCERS, MAX_COUNTED_PEERS, MAX_MISSING_IDS_PER_PEER } from './constants.ts'
import { Patience } from './patience.ts'

/** Where a message is: nowhere here, pulled or judged at the moment, or judged. */
export type Whereabouts = 'absent' | 'under-way' | 'known'

/** What a list of missing messages needs. */
export interface MissingMessagesInit {
  /** How long a message may still come by itself, in ms, where none is late; as long is waited before the next peer is asked. */
  afterMs: number
  /** Where a message is by now, whatever way it came. */
  whereIs(id: string): Whereabouts
  /** Asks a peer for messages. */
  ask(peer: PeerId, ids: Uint8Array[]): void
}

interface Missing {
  readonly id: Uint8Array
  readonly sinceMs: number
  /** Who has it and was not asked yet. */
  readonly announcers: PeerId[]
  /** Who was asked for it. */
  readonly asked: PeerId[]
  lastAsked?: PeerId
  dueMs: number
}

/** Messages that neighbours have and we do not: asked for, one neighbour after the other, when they do not come by themselves. */
export class MissingMessages {
  readonly #init: MissingMessagesInit
  readonly #patience: Patience
  /** In the order in which they were added or asked for last. */
  readonly #missing = new Map<string, Missing>()
  /** How many each peer has announced. */
  readonly #perPeer = new Map<string, number>()
  /** How many each peer was asked for in vain since it last gave one. */
  readonly #failures = new Map<string, number>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(init: MissingMessagesInit) {
    this.#init = init
    this.#patience = new Patience(init.afterMs)
  }

  get size(): number {
    return this.#missing.size
  }

  /** `peer` has a message that we have not. */
  add(id: { bytes: Uint8Array; hex: string }, peer: PeerId): void {
    const missing = this.#missing.get(id.hex)
    // Each has places of its own: whoever announces what nobody has takes none from others.
    if ((this.#perPeer.get(peer.toString()) ?? 0) >= MAX_MISSING_IDS_PER_PEER) return
    if (missing !== undefined && isEnough(missing, peer)) return
    this.#count(peer, 1)
    if (missing !== undefined) {
      missing.announcers.push(peer)
      return
    }
    const { waitMs } = this.#patience
    const sinceMs = performance.now()
    this.#missing.set(id.hex, { id: id.bytes, sinceMs, announcers: [peer], asked: [], dueMs: sinceMs + waitMs })
    this.#timer ??= setTimeout(() => this.#expire(), waitMs)
  }

  /** A message that came from `peer`, so long ago or now, is here. Returns those that were asked for it. */
  found(id: string, peer: string | undefined, cameAtMs: number): readonly PeerId[] {
    const missing = this.#missing.get(id)
    if (missing === undefined) return []
    this.#remove(id, missing)
    const { asked, sinceMs } = missing
    const giver = asked.find((one) => one.toString() === peer)
    // What it took to judge it, or to pull it, says nothing of when the next one comes.
    if (giver === undefined) this.#patience.came(cameAtMs - sinceMs)
    else this.#failures.delete(giver.toString())
    return asked
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#missing.clear()
    this.#perPeer.clear()
    this.#failures.clear()
  }

  #remove(id: string, { announcers, asked }: Missing): void {
    this.#missing.delete(id)
    for (const peer of [...announcers, ...asked]) this.#count(peer, -1)
  }

  #count(peer: PeerId, change: 1 | -1): void {
    const key = peer.toString()
    const count = (this.#perPeer.get(key) ?? 0) + change
    if (count > 0) this.#perPeer.set(key, count)
    else this.#perPeer.delete(key)
  }

  #fail(peer: PeerId | undefined): void {
    if (peer === undefined) return
    const key = peer.toString()
    if (this.#failures.size >= MAX_COUNTED_PEERS) this.#failures.clear()
    this.#failures.set(key, (this.#failures.get(key) ?? 0) + 1)
  }

  /** Whom to ask next: who gives what it says it has, before who does not. */
  #next({ announcers }: Missing): PeerId | undefined {
    const failures = (peer: PeerId): number => this.#failures.get(peer.toString()) ?? 0
    const [first] = announcers.toSorted((a, b) => failures(a) - failures(b))
    if (first !== undefined) announcers.splice(announcers.indexOf(first), 1)
    return first
  }

  #expire(): void {
    this.#timer = undefined
    const nowMs = performance.now()
    const { waitMs } = this.#patience
    const asked = new Map<PeerId, Uint8Array[]>()
    for (const [hex, missing] of this.#missing) {
      // Those that one message named are due within less than a timer can tell, and are asked for together.
      if (missing.dueMs > nowMs + 1) {
        this.#timer = setTimeout(() => this.#expire(), missing.dueMs - nowMs)
        break
      }
      const whereabouts = this.#init.whereIs(hex)
      if (whereabouts === 'absent') this.#fail(missing.lastAsked)
      const peer = whereabouts === 'absent' ? this.#next(missing) : undefined
      if (whereabouts === 'known' || (whereabouts === 'absent' && peer === undefined)) {
        // It is here, or all who have it were asked in vain. Whoever announces it again begins anew.
        this.#remove(hex, missing)
        continue
      }
      missing.dueMs = nowMs + waitMs
      this.#missing.delete(hex)
      this.#missing.set(hex, missing)
      // It may be that we are too busy to judge it, and want it again.
      if (peer === undefined) continue
      missing.lastAsked = peer
      if (missing.asked.some((one) => one.equals(peer))) this.#count(peer, -1)
      else missing.asked.push(peer)
      const ids = asked.get(peer)
      if (ids === undefined) asked.set(peer, [missing.id])
      else ids.push(missing.id)
    }
    for (const [peer, ids] of asked) this.#init.ask(peer, ids)
  }
}

/** Who was asked and says anew that it has it is asked anew: what it gave was lost, or there was no room to judge it. */
function isEnough({ announcers, asked }: Missing, peer: PeerId): boolean {
  if (announcers.some((one) => one.equals(peer))) return true
  return announcers.length + asked.length >= MAX_ANNOUNCERS && !asked.some((one) => one.equals(peer))
}

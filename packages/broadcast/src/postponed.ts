import type { Message } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import {
  MAX_POSTPONED,
  MAX_POSTPONED_BYTES,
  MAX_POSTPONED_PER_PEER,
  POSTPONED_AT_ONCE,
  POSTPONED_MS,
  POSTPONED_PACE_MS,
  POSTPONED_RETRY_MS,
} from './constants.ts'
import type { GossipFrame } from './gossip-ids.ts'

/** A gossip message, and who brought it. */
export interface GossipArrival {
  from: PeerId
  /** Without its network. */
  topic: string
  msg: Message
  frame: GossipFrame
}

/**
 * Gossip messages that there was no room to judge. Nobody sends them again, so they are kept and judged once there is room:
 * bounded in number, bytes and time, with a share for each peer, so that the copies of one keep no others out.
 */
export class Postponed {
  /** Judges a message. Resolves with whether there was room for that. Must not reject. */
  readonly #judge: (arrival: GossipArrival) => Promise<boolean>
  /** By id. One lifetime for all keeps the map in order of expiry. */
  readonly #waiting = new Map<string, { arrival: GossipArrival; expiresAtMs: number }>()
  readonly #perPeer = new Map<string, number>()
  #bytes = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(judge: (arrival: GossipArrival) => Promise<boolean>) {
    this.#judge = judge
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Keeps a message to be judged later, unless there are too many. */
  add(arrival: GossipArrival): void {
    const { frame, from, msg } = arrival
    const { hex } = frame.id
    const ofPeer = this.#perPeer.get(from.toString()) ?? 0
    const isFull = this.#waiting.size >= MAX_POSTPONED || this.#bytes + msg.data.length > MAX_POSTPONED_BYTES
    if (isFull || ofPeer >= MAX_POSTPONED_PER_PEER || this.#waiting.has(hex)) return
    this.#waiting.set(hex, { arrival, expiresAtMs: performance.now() + POSTPONED_MS })
    this.#perPeer.set(from.toString(), ofPeer + 1)
    this.#bytes += msg.data.length
    this.#timer ??= setTimeout(() => void this.#turn(), POSTPONED_RETRY_MS)
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#waiting.clear()
    this.#perPeer.clear()
    this.#bytes = 0
  }

  async #turn(): Promise<void> {
    const timer = this.#timer
    const hadRoom = await this.#judgeSome()
    // Cleared, and perhaps begun anew, meanwhile.
    if (this.#timer !== timer) return
    this.#timer = undefined
    if (this.#waiting.size === 0) return
    this.#timer = setTimeout(() => void this.#turn(), hadRoom ? POSTPONED_PACE_MS : POSTPONED_RETRY_MS)
  }

  /** Tries one, and some more where there was room for that. Resolves with whether there was room for all of them. */
  async #judgeSome(): Promise<boolean> {
    for (const { arrival, expiresAtMs } of this.#waiting.values()) {
      if (expiresAtMs > performance.now()) break
      this.#remove(arrival)
    }
    const [first, ...others] = [...this.#waiting.values()].slice(0, POSTPONED_AT_ONCE)
    if (first === undefined || !(await this.#try(first.arrival))) return false
    const hadRoom = await Promise.all(others.map(({ arrival }) => this.#try(arrival)))
    return !hadRoom.includes(false)
  }

  async #try(arrival: GossipArrival): Promise<boolean> {
    const hadRoom = await this.#judge(arrival)
    if (hadRoom) this.#remove(arrival)
    return hadRoom
  }

  #remove(arrival: GossipArrival): void {
    const { frame, from, msg } = arrival
    if (this.#waiting.get(frame.id.hex)?.arrival !== arrival) return
    this.#waiting.delete(frame.id.hex)
    this.#bytes -= msg.data.length
    const ofPeer = (this.#perPeer.get(from.toString()) ?? 0) - 1
    if (ofPeer > 0) this.#perPeer.set(from.toString(), ofPeer)
    else this.#perPeer.delete(from.toString())
  }
}

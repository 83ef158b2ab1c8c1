import type { Lane } from '@gridmesh/interfaces'
import { CRITICAL_SHARE } from './constants.ts'
import type { OutgoingMessage } from './outgoing-message.ts'

/** Keeps the messages of several frames that are under way within what the receiver takes. */
export class StartGate {
  readonly #maxMessages: number
  /** The rest of the places is for critical messages alone, unless there is but one. */
  readonly #maxOthers: number
  readonly #maxBytes: number
  readonly #critical = { messages: 0, bytes: 0 }
  readonly #others = { messages: 0, bytes: 0 }

  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages
    this.#maxOthers = Math.max(1, Math.floor(maxMessages * (1 - CRITICAL_SHARE)))
    this.#maxBytes = maxBytes
  }

  /** Lets a message through once there is room. Critical ones have as many bytes for themselves. */
  tryEnter(message: OutgoingMessage): boolean {
    if (message.isAdmitted) return true
    const { bytes } = this.#of(message.lane)
    if (!this.#hasPlace(message.lane) || (bytes > 0 && bytes + message.size > this.#maxBytes)) return false
    message.isAdmitted = true
    this.#count(message, 1)
    return true
  }

  leave(message: OutgoingMessage): void {
    if (!message.isAdmitted) return
    message.isAdmitted = false
    this.#count(message, -1)
  }

  #hasPlace(lane: Lane): boolean {
    const others = this.#others.messages
    if (this.#critical.messages + others >= this.#maxMessages) return false
    return lane === 'critical' || others < this.#maxOthers
  }

  #count({ lane, size }: OutgoingMessage, sign: 1 | -1): void {
    const room = this.#of(lane)
    room.messages += sign
    room.bytes += sign * size
  }

  #of(lane: Lane): { messages: number; bytes: number } {
    return lane === 'critical' ? this.#critical : this.#others
  }
}

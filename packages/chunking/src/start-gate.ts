import type { Lane } from '@gridmesh/interfaces'
import type { OutgoingMessage } from './outgoing-message.ts'

/** Keeps the messages of several frames that are under way within what the receiver takes. */
export class StartGate {
  readonly #maxMessages: number
  readonly #maxBytes: number
  #messages = 0
  #bytes = 0
  #criticalBytes = 0

  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages
    this.#maxBytes = maxBytes
  }

  /** Lets a message through once there is room. Critical ones have as many bytes for themselves. */
  tryEnter(message: OutgoingMessage): boolean {
    if (message.isAdmitted) return true
    if (this.#messages >= this.#maxMessages) return false
    const bytes = message.lane === 'critical' ? this.#criticalBytes : this.#bytes
    if (bytes > 0 && bytes + message.size > this.#maxBytes) return false
    message.isAdmitted = true
    this.#messages += 1
    this.#count(message.lane, message.size)
    return true
  }

  leave(message: OutgoingMessage): void {
    if (!message.isAdmitted) return
    message.isAdmitted = false
    this.#messages -= 1
    this.#count(message.lane, -message.size)
  }

  #count(lane: Lane, bytes: number): void {
    if (lane === 'critical') this.#criticalBytes += bytes
    else this.#bytes += bytes
  }
}

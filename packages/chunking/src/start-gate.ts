import type { OutgoingMessage } from './outgoing-message.ts'

/** Keeps the messages of several frames that are under way within what the receiver takes. */
export class StartGate {
  readonly #maxMessages: number
  readonly #maxBytes: number
  #messages = 0
  #bytes = 0

  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages
    this.#maxBytes = maxBytes
  }

  /** Lets a message through once there is room. Critical ones need no room in bytes. */
  tryEnter(message: OutgoingMessage): boolean {
    if (message.isAdmitted) return true
    if (this.#messages >= this.#maxMessages) return false
    const hasRoom = this.#bytes === 0 || this.#bytes + message.size <= this.#maxBytes
    if (!hasRoom && message.lane !== 'critical') return false
    message.isAdmitted = true
    this.#messages += 1
    this.#bytes += message.size
    return true
  }

  leave(message: OutgoingMessage): void {
    if (!message.isAdmitted) return
    message.isAdmitted = false
    this.#messages -= 1
    this.#bytes -= message.size
  }
}

import type { Messages } from '@gridmesh/interfaces'
import { KINDS } from './kinds.ts'

/** What the handlers of a node were given, by the text of the message. */
export class Inbox {
  readonly #counts = new Map<string, number>()
  readonly #from = new Map<string, string>()

  /** Takes every kind that there is. */
  listen(messages: Messages): void {
    for (const kind of Object.values(KINDS)) {
      messages.on(kind, (bytes, { sender }) => {
        const text = labelOf(bytes)
        this.#counts.set(text, this.count(text) + 1)
        this.#from.set(text, sender.toString())
      })
    }
  }

  /** How often a message came. */
  count(text: string): number {
    return this.#counts.get(text) ?? 0
  }

  /** Who wrote a message. */
  author(text: string): string | undefined {
    return this.#from.get(text)
  }

  /** The messages that begin with these words. */
  texts(prefix = ''): string[] {
    return [...this.#counts.keys()].filter((text) => text.startsWith(prefix))
  }

  /** The messages that came more than once. */
  repeated(): string[] {
    return [...this.#counts].filter(([, count]) => count > 1).map(([text]) => text)
  }
}

/** A message of `bytes` bytes that is told from others by its text. */
export function labelled(text: string, bytes = 0): Uint8Array {
  const label = new TextEncoder().encode(`${text}\n`)
  const message = new Uint8Array(Math.max(bytes, label.length))
  message.set(label)
  return message
}

/** The text of a message made by `labelled`. */
export function labelOf(message: Uint8Array): string {
  const end = message.indexOf(10)
  return new TextDecoder().decode(message.subarray(0, end === -1 ? message.length : end))
}

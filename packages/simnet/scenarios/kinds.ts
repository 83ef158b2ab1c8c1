import type { Codec, MessageKind } from '@gridmesh/interfaces'

/** A message of a scenario: who wrote it and the how manieth it is, padded to a size. */
export interface Note {
  readonly id: string
  readonly bytes: number
}

/** Ids end with this, since it is in none. */
const END = '\n'

const codec: Codec<Note> = {
  encode: ({ id, bytes }) => {
    const text = new TextEncoder().encode(id + END)
    const encoded = new Uint8Array(Math.max(bytes, text.length))
    encoded.set(text)
    return encoded
  },
  decode: (encoded) => {
    const [id, rest] = new TextDecoder().decode(encoded).split(END)
    if (id === undefined || rest === undefined) throw new TypeError('A note begins with its id and a line break')
    return { id, bytes: encoded.length }
  },
}

/** The kinds of message that nodes send each other: one urgent, one in batches, one that gives way. */
export const KINDS = {
  critical: { kind: 'sim-alarm', codec, lane: 'critical', maxBytes: 65_536 },
  normal: { kind: 'sim-order', codec, lane: 'normal', maxBytes: 65_536 },
  bulk: { kind: 'sim-archive', codec, lane: 'bulk', maxBytes: 1_048_576 },
} as const satisfies Record<string, MessageKind<Note>>

/** Name of a kind. */
export type KindName = keyof typeof KINDS

/** What a note by this author always contains, so that one who censors can find it. */
export function markOf(author: number): string {
  return `note-${author}-`
}

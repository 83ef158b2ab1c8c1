import type { ChainTip } from '@gridmesh/interfaces'
import { MAX_HEIGHT } from './constants.ts'
import type { HeadersAnswer } from './messages.ts'
import type { ChainReader, HeaderFacts, Offence } from './ports.ts'

/** What an answer is held against. */
interface Asked {
  limit: number
  /** One of these is the parent of the first header; or, asked by height, the place before it, whose hash may be any. */
  after: readonly ChainTip[] | number
}

/** What is false about an answer. */
export interface Lie {
  offence: Offence
  message: string
}

/** Headers that ascend, each the parent of the next. */
export interface LinkedHeaders {
  facts: HeaderFacts[]
  /** The place of a locator that they come after; `undefined` where there are none, or they were asked by height. */
  ancestor: ChainTip | undefined
}

/** Reads the headers of an answer, whatever is in it. */
export function checkHeaders(
  answer: Extract<HeadersAnswer, { status: 'found' }>,
  { limit, after }: Asked,
  reader: ChainReader,
): { lie: Lie; linked?: never } | { lie?: never; linked: LinkedHeaders } {
  const { headers } = answer
  if (headers.length > limit) {
    return lie('too-many-headers', `${headers.length} headers, where ${limit} were asked for`)
  }
  const facts: HeaderFacts[] = []
  for (const bytes of headers) {
    const header = readHeader(reader, bytes)
    if (header === undefined) return lie('malformed-header', `header ${facts.length} of an answer is none`)
    const before = facts.at(-1)
    if (before !== undefined && (header.height !== before.height + 1 || header.parent !== before.hash)) {
      return lie('unlinked-headers', `header ${describe(header)} does not follow ${describe(before)}`)
    }
    facts.push(header)
  }
  const [first] = facts
  if (first === undefined) return { linked: { facts, ancestor: undefined } }
  if (typeof after === 'number') {
    if (first.height === after + 1) return { linked: { facts, ancestor: undefined } }
    return lie('wrong-header', `header ${describe(first)}, where height ${after + 1} was asked for`)
  }
  const ancestor = after.find(({ height, hash }) => height + 1 === first.height && hash === first.parent)
  if (ancestor !== undefined) return { linked: { facts, ancestor } }
  return lie('unlinked-headers', `header ${describe(first)} follows no place that was asked about`)
}

/** A header's facts, if the bytes are one and the facts make sense. */
export function readHeader(reader: ChainReader, bytes: Uint8Array): HeaderFacts | undefined {
  try {
    const facts = reader.header(bytes)
    const { height } = facts
    return Number.isSafeInteger(height) && height >= 0 && height <= MAX_HEIGHT ? facts : undefined
  } catch {
    return undefined
  }
}

function lie(offence: Offence, message: string): { lie: Lie } {
  return { lie: { offence, message } }
}

function describe({ height, hash }: ChainTip): string {
  return `${height} (${hash.slice(0, 16)})`
}

import { isIP } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { peerIdFromString } from '@libp2p/peer-id'
import { z } from 'zod'

/** Longest time a timer can wait, in ms; one that is set for longer fires at once. */
const MAX_TIMER_MS = 2_147_483_647

export const port = z.int().min(0).max(65_535)
export const positive = z.number().positive()
export const count = z.int().positive()
/** A time that a timer waits, in ms. */
export const timerMs = z.int().min(1).max(MAX_TIMER_MS)
/** The same, or 0 for no time at all. */
export const timerMsOrNone = z.int().min(0).max(MAX_TIMER_MS)
export const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'expected lower-case letters, digits and dashes, 32 at most')

/** An address of a network interface. libp2p listens on no names, and on no IPv6 address with a zone. */
export const ipAddress = z
  .string()
  .refine((text) => isIP(text) !== 0 && !text.includes('%'), 'expected an IPv4 or IPv6 address')

/** A multiaddr that names its peer, given with the id in the form by which peers are compared. */
export const peerAddress = z
  .string()
  .refine((text) => withPlainId(text) !== undefined, 'expected a multiaddr that ends in /p2p/ and a peer id')
  .overwrite((text) => withPlainId(text) ?? text)

function withPlainId(text: string): string | undefined {
  try {
    const last = multiaddr(text).getComponents().at(-1)
    if (last?.name !== 'p2p' || last.value === undefined) return undefined
    return text.replaceAll(last.value, peerIdFromString(last.value).toString())
  } catch {
    return undefined
  }
}

type Numbers<K extends string> = Partial<Record<K, number | undefined>>

/** What `refine` of a section with these settings takes. */
type Rule<K extends string> = [
  holds: (section: Numbers<K>) => boolean,
  told: { path: K[]; error: ReturnType<typeof beside> },
]

/** A rule for `refine`: the setting `high` is not below the setting `low` of its section, where both are set. */
export function notBelow<H extends string, L extends string>(high: H, low: L): Rule<L | H> {
  return [inOrder(low, high), { path: [high], error: beside(low, 'or more') }]
}

/** The same rule, told of `low`, for where that is the one without a default. */
export function notAbove<L extends string, H extends string>(low: L, high: H): Rule<L | H> {
  return [inOrder(low, high), { path: [low], error: beside(high, 'or less') }]
}

/** Words of a rule over a section that hold a setting against another one: `expected maxDelayMs, which is 300, or less`. */
export function beside(other: string, rule: string) {
  return ({ input }: { input?: unknown }): string =>
    `expected ${other}, which is ${String(Reflect.get(Object(input), other))}, ${rule}`
}

function inOrder<L extends string, H extends string>(low: L, high: H) {
  return (section: Numbers<L | H>): boolean => {
    const [least, most] = [section[low], section[high]]
    return least === undefined || most === undefined || most >= least
  }
}

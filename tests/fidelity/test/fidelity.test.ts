import { beforeAll, describe, expect, it } from 'vitest'
import { type Arrival, CRASH, LINK_MS, MESSAGES, authorOf, distances, real, simulated } from '../src/index.ts'

/** How far the two levels may differ in one delay, in virtual ms: identify and multistream are real in one alone. */
const LEVEL_TOLERANCE_MS = 1
/** Clocks of processes of one machine agree to less than this, in ms. */
const CLOCK_TOLERANCE_MS = 1

const LEVELS = ['host', 'stack', 'real'] as const
const played = {} as Record<(typeof LEVELS)[number], Arrival[]>

beforeAll(async () => {
  played.host = await simulated('host')
  played.stack = await simulated('stack')
  played.real = await real()
}, 180_000)

/** What each node is to get, in the words of `seen`. */
const expected = Array.from({ length: MESSAGES }, (_, message) =>
  [...distances(message).keys()].filter((node) => node !== authorOf(message)).map((node) => `${message} at ${node}`),
).flat()

const seen = (arrivals: readonly Arrival[]): string[] => arrivals.map(({ message, node }) => `${message} at ${node}`)
const byName = (arrivals: readonly Arrival[]): Map<string, number> =>
  new Map(arrivals.map(({ message, node, delayMs }) => [`${message} at ${node}`, delayMs]))

describe.each(LEVELS)('20 nodes, level %s', (level) => {
  it('get every message once, and the one that has died gets none of those after its death', () => {
    expect(seen(played[level]).toSorted()).toEqual(expected.toSorted())
    const late = played[level].filter(({ node, message }) => node === CRASH.node && message >= CRASH.beforeMessage)
    expect(late).toEqual([])
  })

  it('get no message sooner than the links between author and node allow', () => {
    for (const { message, node, delayMs } of played[level]) {
      const links = distances(message).get(node) ?? Number.POSITIVE_INFINITY
      expect(delayMs).toBeGreaterThanOrEqual(links * LINK_MS - CLOCK_TOLERANCE_MS)
    }
  })
})

it('has the same delay at both levels of the simulator, delivery by delivery', () => {
  const stack = byName(played.stack)
  const apart = [...byName(played.host)].filter(
    ([name, delayMs]) => !(Math.abs(delayMs - (stack.get(name) ?? Number.NaN)) <= LEVEL_TOLERANCE_MS),
  )
  expect(apart).toEqual([])
})

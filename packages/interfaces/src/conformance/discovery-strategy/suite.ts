import assert from 'node:assert/strict'
import type { Candidate, DiscoveryNeed, DiscoveryStrategy } from '../../links.ts'
import { type ConformanceCase, lawIn } from '../case.ts'
import { held, Patience } from '../patience.ts'
import type { DiscoveryStrategyHarness, DiscoveryStrategyWorld } from './harness.ts'

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
const ANY: readonly DiscoveryNeed[] = [{ count: 8 }]
/** What a strategy may be asked for, fitting or not. */
const NEEDS: readonly (readonly DiscoveryNeed[])[] = [
  [],
  [{ count: 0 }],
  [{ count: 1, role: 'no such role', region: 'no such region', capabilities: ['none'], minHeight: 1 }],
  [{ count: 2, role: 'authority' }, { count: 3 }],
]

/** What a `DiscoveryStrategy` must hold, as cases for any runner. @throws {RangeError} when `patienceMs` is not above 0 */
export function discoveryStrategyConformance(harness: DiscoveryStrategyHarness): ConformanceCase[] {
  const { expected = 1, expectedAgain = expected, addresses = true } = harness
  const patience = new Patience(harness.patienceMs)
  const law = (name: string, check: (world: DiscoveryStrategyWorld) => Promise<void>): ConformanceCase =>
    lawIn(patience, async () => harness.create(), name, check)
  const take = async (strategy: DiscoveryStrategy, count: number): Promise<Candidate[]> =>
    patience.within(`run of ${strategy.name}`, takeFirst(strategy, count))

  return [
    law('has a stable name in kebab-case', async ({ strategy }) => {
      assert.match(strategy.name, NAME)
      const { name } = strategy
      await take(strategy, expected)
      assert.equal(strategy.name, name)
    }),
    law('finds peers, each with an id and addresses to dial', async ({ strategy }) => {
      const found = await take(strategy, expected)
      assert.ok(found.length >= expected, `found ${found.length} of ${expected} peers`)
      for (const candidate of found) assertCandidate(candidate, addresses)
    }),
    law('may be run again', async ({ strategy }) => {
      await take(strategy, expected)
      const again = await take(strategy, expectedAgain)
      assert.ok(again.length >= expectedAgain, `found ${again.length} of ${expectedAgain} peers`)
    }),
    law('may be run twice at once', async ({ strategy }) => {
      const runs = await Promise.all([take(strategy, expectedAgain), take(strategy, expectedAgain)])
      const found = runs.reduce((sum, run) => sum + run.length, 0)
      assert.ok(found >= expectedAgain, `two runs found ${found} peers, and one finds ${expectedAgain}`)
    }),
    law('ends without an error when the signal aborts', async ({ strategy }) => {
      const controller = new AbortController()
      const run = drain(strategy, controller.signal)
      controller.abort()
      await patience.within('end of the run after its signal aborted', run)
    }),
    law('ends without an error under a signal that is aborted, and another run goes on', async ({ strategy }) => {
      const other = held(take(strategy, expected))
      await patience.within('end of the run under an aborted signal', drain(strategy, AbortSignal.abort()))
      const found = await other
      assert.ok(found.length >= expected, `found ${found.length} of ${expected} peers`)
    }),
    law('may be left after any candidate, and run again', async ({ strategy }) => {
      await take(strategy, Math.min(1, expected))
      for (const candidate of await take(strategy, expectedAgain)) assertCandidate(candidate, addresses)
    }),
    law('takes any needs', async ({ strategy }) => {
      for (const need of NEEDS) {
        const controller = new AbortController()
        const run = drain(strategy, controller.signal, need)
        controller.abort()
        await patience.within(`end of the run for ${JSON.stringify(need)}`, run)
      }
    }),
  ]
}

/** Runs until it has `count` peers or the strategy knows no more, and aborts the signal then. */
async function takeFirst(strategy: DiscoveryStrategy, count: number): Promise<Candidate[]> {
  const controller = new AbortController()
  const found: Candidate[] = []
  try {
    if (count === 0) return found
    for await (const candidate of strategy.discover({ need: ANY, signal: controller.signal })) {
      found.push(candidate)
      if (found.length >= count) break
    }
    return found
  } finally {
    controller.abort()
  }
}

async function drain(
  strategy: DiscoveryStrategy,
  signal: AbortSignal,
  need: readonly DiscoveryNeed[] = ANY,
): Promise<void> {
  for await (const candidate of strategy.discover({ need, signal })) assert.ok(candidate.id)
}

function assertCandidate({ id, addresses, role, region }: Candidate, needsAddress: boolean): void {
  assert.ok(id.equals(id) && id.toString() !== '' && id.toMultihash().bytes.length > 0, 'a candidate has no peer id')
  assert.ok(Array.isArray(addresses), `the addresses of ${id.toString()} are no list`)
  if (needsAddress) assert.notEqual(addresses.length, 0, `${id.toString()} comes without an address`)
  for (const address of addresses) {
    assert.match(address.toString(), /^\/./)
    assert.ok(address.getComponents().length > 0, `${address.toString()} is no multiaddr`)
  }
  for (const word of [role, region]) assert.ok(word === undefined || typeof word === 'string')
}

import { type PoaForkChoice, poaRules, type PoaStanding, type RatedTip } from '@gridmesh/consensus'
import { type ForkChoice, longest, type ReputationTip, timestampReputation } from '@gridmesh/ledger'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { decodeRecord, encodeRecord } from '../../src/chain/block-record.ts'
import type { EnergyChain } from '../../src/chain/energy-chain.ts'
import { buildOn, genesisOf, GENESIS_MS, grow, opened, RULES, whoseTurn } from './chains.ts'

const SIZE = 3
const genesis = genesisOf(SIZE)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  return () => vi.useRealTimers()
})

const chainBy = async (forkChoice: PoaForkChoice): Promise<EnergyChain> =>
  opened({ genesis, consensus: { ...RULES, forkChoice } })

/** Who has a rank at the height after the head. */
const ranked = ({ head }: EnergyChain, rank: number): number => whoseTurn(head.height + 1 + rank, SIZE)

/** What chains that hear of two blocks in one order and in the other come to: `a`, `b`, or several where they differ. */
async function resolve(forkChoice: PoaForkChoice, branch: Uint8Array[], [a, b]: [Uint8Array, Uint8Array]) {
  const heads = new Set<string>()
  for (const pair of [
    [a, b],
    [b, a],
  ]) {
    const chain = await chainBy(forkChoice)
    for (const bytes of [...branch, ...pair]) expect((await chain.importBlock(bytes)).status).toBe('imported')
    heads.add(chain.head.hash === chain.headers.decode(chain.headers.ofBlock(a)).hash ? 'a' : 'b')
  }
  return [...heads].join()
}

describe('of two blocks of one height', () => {
  it('the earlier stays by timestampReputation, and the one in turn by authority, in whatever order they come', async () => {
    for (let earlier = 900; earlier < 906; earlier++) {
      const chain = await chainBy('authority')
      const { bytes: a } = await buildOn(chain, ranked(chain, 1), earlier)
      const { bytes: b } = await buildOn(chain, ranked(chain, 0), earlier + 1)
      expect(await resolve('timestampReputation', [], [a, b])).toBe('a')
      expect(await resolve('authority', [], [a, b])).toBe('b')
    }
  })

  it.each([
    [2, 'a'],
    [3, 'b'],
  ])(
    'and of one time, the one whose maker took its turn at height %i stays by timestampReputation',
    async (kept, best) => {
      for (let afterMs = 1_500; afterMs < 1_506; afterMs++) {
        const chain = await chainBy('authority')
        const branch: Uint8Array[] = []
        for (const height of [1, 2, 3]) {
          // So late that it does not count as in turn, or at once.
          const delayMs = height === kept ? RULES.minIntervalMs : RULES.maxIntervalMs + RULES.fallbackMs
          branch.push((await grow(chain, ranked(chain, 0), delayMs)).bytes)
        }
        // Whose last turns were at heights 2 and 3.
        const { bytes: a } = await buildOn(chain, ranked(chain, 1), afterMs)
        const { bytes: b } = await buildOn(chain, ranked(chain, 2), afterMs)
        expect(await resolve('timestampReputation', branch, [a, b])).toBe(best)
      }
    },
  )
})

it('goes to the longer branch by timestampReputation and by longest, though it is later', async () => {
  for (const forkChoice of ['timestampReputation', 'longest'] as const) {
    const [short, long] = [await chainBy(forkChoice), await chainBy(forkChoice)]
    await grow(short, ranked(short, 1), 900)
    const first = await grow(long, ranked(long, 2), 1_500)
    const second = await grow(long, ranked(long, 2), 1_500)
    for (const { bytes } of [first, second]) await short.importBlock(bytes)
    expect(short.head).toEqual(long.head)
  }
})

const standing: PoaStanding = { weight: 0, certified: 0, final: 0, filled: 0, reputation: 0, set: '', votes: [] }

/** Tips of one certified block, with few values each so that ties are common. */
const tipOf = (heights: number): fc.Arbitrary<RatedTip<PoaStanding>> =>
  fc
    .record({
      hash: fc.constantFrom('0a', '0b', '0c', 'ff'),
      height: fc.nat(heights),
      timeMs: fc.nat(2),
      weight: fc.nat(2),
      reputation: fc.nat(1),
    })
    .map(({ hash, height, timeMs, weight, reputation }) => {
      const isFinalisedBranch = true
      return { hash, height, timeMs, isFinalisedBranch, standing: { ...standing, weight, reputation } }
    })

const ledgerTip = (tip: RatedTip<PoaStanding>): ReputationTip & { height: number } => ({
  hash: Buffer.from(tip.hash, 'hex'),
  height: tip.height,
  timeMs: tip.timeMs,
  reputation: tip.standing.reputation,
})

it.each<[PoaForkChoice, ForkChoice<ReturnType<typeof ledgerTip>>, number]>([
  // Of one height: between others the ledger's choice has nothing to say.
  ['timestampReputation', timestampReputation, 0],
  ['longest', longest, 2],
])('%s keeps the law of the ledger', (forkChoice, law, heights) => {
  const rules = poaRules({ forkChoice })
  fc.assert(
    fc.property(tipOf(heights), tipOf(heights), (a, b) => {
      expect(rules.better(a, b)).toBe(law.better(ledgerTip(a), ledgerTip(b)))
    }),
    { numRuns: 500 },
  )
})

it('takes a stored block that says nothing of a reputation for one without', () => {
  const header = Uint8Array.of(1, 2, 3)
  const record = encodeRecord({ header, standing: { ...standing, reputation: 1 }, changedAt: 0 })
  expect(decodeRecord(1, record).standing.reputation).toBe(1)
  const before = Buffer.from(Buffer.from(record).toString('latin1').replace('"reputation":1,', ''), 'latin1')
  expect(before.byteLength).toBeLessThan(record.byteLength)
  expect(decodeRecord(1, before)).toMatchObject({ standing, changedAt: 0 })
})

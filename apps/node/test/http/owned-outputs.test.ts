import { memoryStore } from '@gridmesh/block-store'
import { type OutputId, type Output, outputs, toHex, type Transaction, transfer } from '@gridmesh/ledger'
import fc from 'fast-check'
import { beforeEach, expect, it, vi } from 'vitest'
import type { EnergyChain } from '../../src/chain/energy-chain.ts'
import { balanceOf } from '../../src/http/chain/balance.ts'
import { OutputScan } from '../../src/http/chain/output-scan.ts'
import { OwnedOutputs } from '../../src/http/chain/owned-outputs.ts'
import {
  addressOfPerson,
  at,
  DAN,
  entriesOf,
  ERIN,
  genesisOf,
  GENESIS_MS,
  grow,
  offer,
  opened,
  payment,
  signed,
} from '../chain/chains.ts'
import { chainOf, take } from '../chain/states.ts'
import { startedApi } from './chain-api.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 100_000_000 })
  return () => vi.useRealTimers()
})

const PEOPLE = [0, 1, DAN, ERIN]
const genesis = genesisOf(2)
type Query = Parameters<typeof balanceOf>[3]

/** Holds the answers by the index of a chain against those by a pass over all outputs. */
async function expectSame(chain: EnergyChain, query: Query = { limit: 1_000, offset: 0 }): Promise<void> {
  expect(chain.outputsOf).toBeDefined()
  const scan = new OutputScan(chain.state)
  const [byIndex, byPass] = [new OwnedOutputs(chain, scan), new OwnedOutputs({ outputsOf: undefined }, scan)]
  for (const who of PEOPLE) {
    const address = toHex(addressOfPerson(who))
    expect(await balanceOf(chain, byIndex, address, query)).toEqual(await balanceOf(chain, byPass, address, query))
  }
}

interface Payment {
  from: number
  to: number
  /** Which of what `from` holds is spent, and how it is split. */
  pick: number
  share: number
}

/** A payment of something that its sender has, or none where it has nothing. */
async function paid(chain: EnergyChain, { from, to, pick, share }: Payment): Promise<Transaction[]> {
  const owner = addressOfPerson(at(PEOPLE, from))
  const held: [OutputId, Output][] = (await entriesOf(chain))
    .filter(([key, value]) => outputs.owns(key) && toHex(outputs.parse(value).owner) === toHex(owner))
    .map(([key, value]) => [key.subarray(1), outputs.parse(value)])
  const spent = held[pick % Math.max(1, held.length)]
  if (spent === undefined) return []
  const [id, { asset, amount, zone }] = spent
  const first = Math.min(amount, share)
  const made = [
    { asset, amount: first, owner: addressOfPerson(at(PEOPLE, to)), zone },
    { asset, amount: amount - first, owner, zone },
  ].filter((each) => each.amount > 0)
  return [signed(chain, at(PEOPLE, from), transfer, { inputs: [id], outputs: made })]
}

const payments = fc.record({
  from: fc.nat(PEOPLE.length - 1),
  to: fc.nat(PEOPLE.length - 1),
  pick: fc.nat(50),
  share: fc.integer({ min: 1, max: 120 }),
})
const step = fc.oneof(
  // A block with up to three payments upon the end of one of two branches, so that the chain goes from one to the other.
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('block' as const),
      branch: fc.nat(1),
      all: fc.array(payments, { maxLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('offer' as const), one: payments }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), ownerIndex: fc.boolean() }) },
)
const query: fc.Arbitrary<Query> = fc.record({
  limit: fc.integer({ min: 1, max: 60 }),
  offset: fc.nat(20),
  asset: fc.constantFrom(undefined, 'thb' as const, 'rec' as const),
})

/** Each branch passes the other by a block in turn: six switches at least, whatever chance brings. */
const OVERTAKING = [0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0].map((branch) => {
  return { kind: 'block' as const, branch, all: [{ from: 0, to: 1, pick: 0, share: 1 }] }
})

it('answers by the index as by a pass over all outputs, after any payments, switches of branches and restarts', async () => {
  let switches = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), query, async (steps, asked) => {
      const branches = [await opened({ genesis }), await opened({ genesis })]
      for (const branch of branches) await branch.start()
      const store = memoryStore()
      const open = async (ownerIndex: boolean): Promise<EnergyChain> => {
        const chain = await opened({ genesis, store, ownerIndex })
        await chain.start()
        chain.addEventListener('chain:reorg', () => (switches += 1))
        return chain
      }
      let chain = await open(true)
      for (const each of steps) {
        if (each.kind === 'block') {
          const branch = at(branches, each.branch)
          for (const one of each.all) await offer(branch, ...(await paid(branch, one)))
          await chain.importBlock((await grow(branch, each.branch)).bytes)
        } else if (each.kind === 'offer') {
          await offer(chain, ...(await paid(chain, each.one)))
        } else {
          await chain.stop()
          chain = await open(each.ownerIndex)
        }
        if (chain.outputsOf !== undefined) await expectSame(chain, asked)
      }
      await chain.stop()
      chain = await open(true)
      await expectSame(chain, asked)
      for (const each of [chain, ...branches]) await each.stop()
    }),
    { numRuns: 40, examples: [[OVERTAKING, { limit: 60, offset: 0, asset: undefined }]] },
  )
  expect(switches).toBeGreaterThan(5)
}, 60_000)

it('reads nothing but what the address holds where the chain has the index, and finds what a state brought', async () => {
  const full = await chainOf(7)
  const { chain, api } = await startedApi({ ownerIndex: true, checkpoints: { pieces: 4 } })
  await take(chain, full)
  await expectSame(chain)
  await grow(chain, 0, 1_000)
  await expectSame(chain)
  const entries = vi.spyOn(chain.state, 'entries')
  const { data } = await api.get(`/state/balances/${toHex(addressOfPerson(ERIN))}`)
  expect(data['balances']).toMatchObject({ thb: { amount: 500, outputs: 5 } })
  expect(entries).not.toHaveBeenCalled()
})

it('leaves out what came into the mempool while the index was read', async () => {
  const { chain } = await startedApi({ ownerIndex: true })
  const { outputsOf } = chain
  const late = new OwnedOutputs(
    {
      outputsOf: async function* (owner, options) {
        if (outputsOf !== undefined) yield* outputsOf(owner, options)
        await offer(chain, payment(chain, 1))
      },
    },
    new OutputScan(chain.state),
  )
  const dan = toHex(addressOfPerson(DAN))
  const { balances } = await balanceOf(chain, late, dan, { limit: 100, offset: 0 })
  expect(balances).toMatchObject({ thb: { amount: 4_000, spendable: 3_900, outputs: 39 } })
})

it('refuses the 65th address while others are read, and goes on after one that failed', async () => {
  const { chain } = await startedApi({ ownerIndex: true })
  const gate = Promise.withResolvers<never>()
  const outputsOf: EnergyChain['outputsOf'] = async function* () {
    yield await gate.promise
  }
  const owned = new OwnedOutputs({ outputsOf }, new OutputScan(chain.state))
  const asked = Array.from({ length: 64 }, async () => owned.visit(addressOfPerson(DAN), () => {}))
  const busy = { statusCode: 503, code: 'busy' }
  await expect(owned.visit(addressOfPerson(DAN), () => {})).rejects.toMatchObject(busy)
  gate.reject(new TypeError('the disk is gone'))
  for (const each of asked) await expect(each).rejects.toThrow('the disk is gone')
  await expect(owned.visit(addressOfPerson(DAN), () => {})).rejects.toThrow('the disk is gone')
})

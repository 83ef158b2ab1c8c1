import {
  decodeBlock,
  FetchedState,
  gridStateUpdate,
  meterReading,
  outputId,
  type OutputId,
  Overlay,
  proposal,
  tender,
  toHex,
  type Transaction,
  transfer,
  verifySignature,
} from '@gridmesh/ledger'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import type { EnergyChain } from '../../src/chain/energy-chain.ts'
import {
  addressOfPerson,
  at,
  DAN,
  ERIN,
  GENESIS_MS,
  grow,
  issue,
  offer,
  opened,
  payment,
  reading,
  signed,
} from './chains.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  return () => vi.useRealTimers()
})

/** Pays an output of money on to Dan. */
function pay(chain: EnergyChain, who: number, input: OutputId, amount: number): Transaction {
  const made = { asset: 'thb', amount, owner: addressOfPerson(DAN), zone: 1 } as const
  return signed(chain, who, transfer, { inputs: [input], outputs: [made] })
}

async function started(): Promise<EnergyChain> {
  const chain = await opened()
  await chain.start()
  return chain
}

it('takes payments of what other transactions of the mempool make, of their owners alone, into one block', async () => {
  const chain = await started()
  const [first, issued] = [payment(chain, 0), issue(chain, 0, 7)]
  expect(await offer(chain, first, issued)).toEqual(['added', 'added'])
  expect(await offer(chain, pay(chain, DAN, outputId(first.id, 0), 100))).toEqual(['not-owner'])
  expect(await offer(chain, pay(chain, ERIN, outputId(first.id, 0), 99))).toEqual(['not-conserved'])
  const onward = [pay(chain, ERIN, outputId(first.id, 0), 100), pay(chain, ERIN, outputId(issued.id, 0), 7)]
  expect(await offer(chain, ...onward)).toEqual(['added', 'added'])
  await grow(chain)
  expect(chain.mempool.stats()).toMatchObject({ transactions: 0, removed: { included: 4 } })
})

it('works out of what others make no more than what is spent of it, and reads no more', async () => {
  const chain = await started()
  const made = Array.from(
    { length: 100 },
    () => ({ asset: 'thb', amount: 1, owner: addressOfPerson(DAN), zone: 1 }) as const,
  )
  const parents = Array.from({ length: 5 }, (_, i) =>
    signed(chain, DAN, transfer, { inputs: [outputId(new Uint8Array(32), i)], outputs: made }),
  )
  expect(await offer(chain, ...parents)).toEqual(parents.map(() => 'added'))
  const [create, fetch] = [vi.spyOn(Overlay.prototype, 'create'), vi.spyOn(FetchedState, 'of')]
  onTestFinished(() => void vi.restoreAllMocks())
  const children = [5, 6, 5].map((amount, place) => {
    const inputs = parents.map(({ id }) => outputId(id, place))
    return signed(chain, DAN, transfer, {
      inputs,
      outputs: [{ asset: 'thb', amount, owner: addressOfPerson(DAN), zone: 1 }],
    })
  })
  expect(await offer(chain, ...children)).toEqual(['added', 'not-conserved', 'added'])
  expect(create).toHaveBeenCalledTimes(children.length * parents.length)
  const keys = fetch.mock.calls.map(([wanted]) => [...wanted].length)
  // Of each the outputs and one zone.
  expect(keys).toEqual([children.length * (parents.length + 1)])
})

it('lets others have a turn of the event loop while it looks at many that name many', async () => {
  const chain = await started()
  let turns = 0
  let next = setImmediate(function count() {
    turns += 1
    next = setImmediate(count)
  })
  onTestFinished(() => clearImmediate(next))
  const fetched: { keys: number; turns: number }[] = []
  const fetchOf = FetchedState.of.bind(FetchedState)
  vi.spyOn(FetchedState, 'of').mockImplementation(async (wanted) => {
    const keys = [...wanted]
    fetched.push({ keys: keys.length, turns })
    return fetchOf(keys, async (asked) => Promise.resolve(asked.map(() => undefined)))
  })
  onTestFinished(() => void vi.restoreAllMocks())
  const many = Array.from({ length: 20 }, (_, i) => {
    const inputs = Array.from({ length: 256 }, (__, place) => outputId(new Uint8Array(32).fill(i + 1), place))
    return signed(chain, DAN, transfer, {
      inputs,
      outputs: [{ asset: 'thb', amount: 1, owner: addressOfPerson(DAN), zone: 1 }],
    })
  })
  expect(await offer(chain, ...many)).toEqual(many.map(() => 'waiting'))
  // Eight of 257 rows each are the first to name 2,048.
  expect(fetched.map(({ keys }) => keys)).toEqual([8 * 257, 8 * 257, 4 * 257])
  expect(new Set(fetched.map((one) => one.turns)).size).toBe(3)
})

it('has what was made before what it was made of wait, whichever comes first', async () => {
  const chain = await started()
  const first = payment(chain, 0)
  const second = pay(chain, ERIN, outputId(first.id, 0), 100)
  expect(await offer(chain, second)).toEqual(['waiting'])
  expect(await offer(chain, first)).toEqual(['added'])
  expect(chain.mempool.stats().transactions).toBe(2)
})

it('takes what waited for the change of a reading once a block has that', async () => {
  const [chain, other] = [await started(), await started()]
  const body = { meter: 'roof', zone: 1, timeMs: GENESIS_MS }
  const first = reading(chain, 1, 100)
  const inputs = [outputId(first.id, 0)]
  const burning = { ...body, sequence: 2, producedWh: 0, consumedWh: 40, inputs }
  const second = signed(chain, 0, meterReading, burning)
  const made = { asset: 'energy', amount: 60, owner: addressOfPerson(DAN), zone: 1 } as const
  const spender = signed(chain, ERIN, transfer, { inputs: [outputId(second.id, 1)], outputs: [made] })
  const both = async (one: Transaction): Promise<void> => {
    expect(await offer(chain, one)).toEqual(['added'])
    await other.importBlock((await grow(chain)).bytes)
  }
  await both(first)
  expect(await offer(other, spender)).toEqual(['waiting'])
  await both(second)
  await other.mempool.whenIdle()
  expect(other.mempool.stats()).toMatchObject({ transactions: 1, waiting: 0 })
})

it('refuses what only authorities may send, of anybody else, before its signature is looked at', async () => {
  const verify = vi.fn<typeof verifySignature>(verifySignature)
  const chain = await opened({ verify: async (claims) => Promise.resolve(claims.map(verify)) })
  await chain.start()
  expect(await offer(chain, reading(chain, 1, 500, DAN), issue(chain, 0, 7, DAN))).toEqual([
    'not-authority',
    'not-authority',
  ])
  expect(verify).not.toHaveBeenCalled()
})

it('holds one that spends an output, be it to pay or to redeem it, and one reading of a meter', async () => {
  const chain = await started()
  const made = { amount: 9, zone: 1, owner: addressOfPerson(0) }
  const issued = signed(chain, 0, tender, { action: 'issue', outputs: [made] }, 0)
  expect(await offer(chain, issued)).toEqual(['added'])
  await grow(chain)
  const input = outputId(issued.id, 0)
  const redeem = signed(chain, 0, tender, { action: 'redeem', inputs: [input] }, 1)
  expect(await offer(chain, redeem)).toEqual(['added'])
  expect(await offer(chain, pay(chain, 0, input, 9))).toEqual(['conflict'])
  expect(await offer(chain, reading(chain, 2))).toEqual(['added'])
  expect(await offer(chain, reading(chain, 3))).toEqual(['conflict'])
  await grow(chain)
  expect(await offer(chain, reading(chain, 1))).toEqual(['spent-input'])
  expect(await offer(chain, issue(chain, 0), issue(chain, 3))).toEqual(['stale-nonce', 'waiting'])
})

it('puts the newest of the grid states that wait into a block, and then holds none of the others', async () => {
  const [chain, follower] = [await started(), await started()]
  const states = [7, 5, 6].map((sequence) =>
    signed(chain, 0, gridStateUpdate, { sequence, timeMs: GENESIS_MS, payload: new Uint8Array() }),
  )
  for (const each of [chain, follower]) expect(await offer(each, ...states)).toEqual(['added', 'added', 'added'])
  const { bytes } = await grow(chain)
  await follower.importBlock(bytes)
  expect(decodeBlock(bytes, chain.registry).transactions.map(({ id }) => toHex(id))).toEqual([toHex(at(states, 0).id)])
  expect([chain, follower].map(({ mempool }) => mempool.stats().transactions)).toEqual([0, 0])
})

it('has energy in every second block, however many decisions of one authority wait', async () => {
  const chain = await started()
  const paid = payment(chain, 0)
  expect(await offer(chain, paid)).toEqual(['added'])
  const body = { text: 't'.repeat(1_000), action: { kindCode: 0, bytes: new Uint8Array(1_000) }, closesAtHeight: 9 }
  // A block has room for less than 500 of them.
  const many = Array.from({ length: 1_500 }, (_, nonce) => signed(chain, 0, proposal, body, nonce))
  expect(new Set(await offer(chain, ...many))).toEqual(new Set(['added']))
  await grow(chain)
  expect(chain.mempool.has(toHex(paid.id))).toBe(true)
  expect(chain.mempool.stats().transactions).toBeGreaterThan(1_001)
  await grow(chain)
  expect(chain.mempool.has(toHex(paid.id))).toBe(false)
})

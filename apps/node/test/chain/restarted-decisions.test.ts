import { memoryStore } from '@gridmesh/block-store'
import { authorityRevoke, outputId, proposal, revokeAction, toHex, transfer, vote } from '@gridmesh/ledger'
import type { MempoolLog } from '@gridmesh/mempool'
import { beforeEach, expect, it, vi } from 'vitest'
import type { EnergyChain } from '../../src/chain/energy-chain.ts'
import { addressOfPerson, at, ERIN, GENESIS_MS, genesisOf, grow, issue, offer, opened, signed } from './chains.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  return () => vi.useRealTimers()
})

const genesis = genesisOf(2)
const held = (chain: EnergyChain): string[] => Array.from(chain.mempool.transactions(), ({ id }) => id)

function logInMemory(): MempoolLog {
  const records: Uint8Array[] = []
  return {
    read: () => [...records],
    append: (more) => void records.push(...more),
    rewrite: (all) => void records.splice(0, records.length, ...all),
  }
}

/** The three steps of a decision of two authorities: that one of them is none any more. */
function decision(chain: EnergyChain) {
  const body = { text: 'one less', action: revokeAction(addressOfPerson(1)), closesAtHeight: 99 }
  const asked = signed(chain, 0, proposal, body, 0)
  const ref = { proposer: addressOfPerson(0), proposal: asked.id }
  const votes = [
    signed(chain, 0, vote, { ...ref, isApproval: true }, 1),
    signed(chain, 1, vote, { ...ref, isApproval: true }, 0),
  ]
  return {
    ref,
    steps: [asked, ...votes, signed(chain, 0, authorityRevoke, { ...ref, revoked: addressOfPerson(1) }, 2)],
  }
}

it('keeps what a reverted branch had decided over a restart, though the state knows nothing of it', async () => {
  const mempoolLog = logInMemory()
  const store = memoryStore()
  const chain = await opened({ genesis, mempoolLog, store })
  await chain.start()
  const { steps } = decision(chain)
  for (const step of steps) {
    expect(await offer(chain, step)).toEqual(['added'])
    await grow(chain, 0)
  }
  const other = await opened({ genesis })
  // So late that they are no votes: the longer branch is the better one.
  for (let i = 0; i < 6; i++) await chain.importBlock((await grow(other, 1)).bytes)
  expect(chain.head).toEqual(other.head)
  const ids = steps.map(({ id }) => toHex(id))
  await vi.waitFor(() => expect(held(chain)).toEqual(ids))

  await chain.stop()
  const next = await opened({ genesis, mempoolLog, store })
  await next.start()
  expect(held(next)).toEqual(ids)
  await grow(next, 1)
  expect(held(next)).toEqual([])
  expect(next.consensus.head().authorities).toEqual([toHex(addressOfPerson(0))])
})

it.each([1, 256])(
  'keeps a decision over a restart that came before its votes, with %i to a batch',
  async (batchSize) => {
    const mempoolLog = logInMemory()
    const store = memoryStore()
    const init = { genesis, mempoolLog, store, mempool: { batchSize, concurrency: 1 } }
    const chain = await opened(init)
    await chain.start()
    const { steps } = decision(chain)
    for (const step of steps) expect(await offer(chain, step)).toEqual(['added'])
    // One vote goes, and what it decided stays; it comes again, and then after that.
    const late = at(steps, 2)
    expect(chain.mempool.reject(toHex(late.id), { code: 'expired', message: 'gone' })).toBe(true)
    expect(await offer(chain, late)).toEqual(['added'])
    // What its sender does next builds on it by its number.
    expect(await offer(chain, issue(chain, 3))).toEqual(['added'])
    const ids = held(chain).toSorted()
    expect(ids).toHaveLength(5)

    await chain.stop()
    const next = await opened(init)
    await next.start()
    expect(held(next).toSorted()).toEqual(ids)
    for (let blocks = 0; blocks < 2; blocks++) await grow(next, 0)
    expect(held(next)).toEqual([])
  },
)

it('keeps a vote whose proposal an earlier payment of its sender holds back, and what builds on it', async () => {
  const chain = await opened({ genesis })
  await chain.start()
  const body = { text: 'what do you think?', action: { kindCode: 0, bytes: new Uint8Array() }, closesAtHeight: 99 }
  const asked = signed(chain, 0, proposal, body, 1)
  const ref = { proposer: addressOfPerson(0), proposal: asked.id }
  const cast = signed(chain, 1, vote, { ...ref, isApproval: true }, 0)
  // What its sender does after it waits with it, and what is paid out of that.
  const next = issue(chain, 1, 7, 1)
  const made = { asset: 'thb', amount: 7, owner: addressOfPerson(0), zone: 1 } as const
  const spent = signed(chain, ERIN, transfer, { inputs: [outputId(next.id, 0)], outputs: [made] })
  const all = [issue(chain, 0), asked, cast, next, spent]
  for (const one of all) expect(await offer(chain, one)).toEqual(['added'])
  expect(held(chain)[0]).toBe(toHex(cast.id))
  for (let blocks = 0; blocks < 3; blocks++) await grow(chain, 0)
  expect(chain.mempool.stats().removed).toEqual({ included: 5 })
})

it('refuses a vote on a proposal that does not wait with the one it names', async () => {
  const chain = await opened({ genesis })
  await chain.start()
  const { ref, steps } = decision(chain)
  const astray = signed(chain, 1, vote, { ...ref, proposer: addressOfPerson(1), isApproval: true }, 0)
  expect(await offer(chain, ...steps.slice(0, 1), astray)).toEqual(['added', 'unknown-proposal'])
})

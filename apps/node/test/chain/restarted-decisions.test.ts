import { memoryStore } from '@gridmesh/block-store'
import { authorityRevoke, proposal, revokeAction, toHex, vote } from '@gridmesh/ledger'
import type { MempoolLog } from '@gridmesh/mempool'
import { beforeEach, expect, it, vi } from 'vitest'
import type { EnergyChain } from '../../src/chain/energy-chain.ts'
import { addressOfPerson, GENESIS_MS, genesisOf, grow, issue, offer, opened, signed } from './chains.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  return () => vi.useRealTimers()
})

const genesis = genesisOf(2)
const held = (chain: EnergyChain): string[] => Array.from(chain.mempool.transactions(), ({ id }) => id)

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
  const records: Uint8Array[] = []
  const mempoolLog: MempoolLog = {
    read: () => [...records],
    append: (more) => void records.push(...more),
    rewrite: (all) => void records.splice(0, records.length, ...all),
  }
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

it('keeps a vote whose proposal an earlier payment of its sender holds back, until that is in a block', async () => {
  const chain = await opened({ genesis })
  await chain.start()
  const body = { text: 'what do you think?', action: { kindCode: 0, bytes: new Uint8Array() }, closesAtHeight: 99 }
  const asked = signed(chain, 0, proposal, body, 1)
  const ref = { proposer: addressOfPerson(0), proposal: asked.id }
  const cast = signed(chain, 1, vote, { ...ref, isApproval: true }, 0)
  for (const one of [issue(chain, 0), asked, cast]) expect(await offer(chain, one)).toEqual(['added'])
  expect(held(chain)[0]).toBe(toHex(cast.id))
  await grow(chain, 0)
  expect(held(chain)).toEqual([toHex(cast.id)])
  await grow(chain, 0)
  expect(chain.mempool.stats()).toMatchObject({ transactions: 0, removed: { included: 3 } })
})

it('refuses a vote on a proposal that does not wait with the one it names', async () => {
  const chain = await opened({ genesis })
  await chain.start()
  const { ref, steps } = decision(chain)
  const astray = signed(chain, 1, vote, { ...ref, proposer: addressOfPerson(1), isApproval: true }, 0)
  expect(await offer(chain, ...steps.slice(0, 1), astray)).toEqual(['added', 'unknown-proposal'])
})

import {
  authorityRegister,
  authorityRevoke,
  defaultKinds,
  gridStateUpdate,
  proposal,
  registerAction,
  revokeAction,
  toHex,
  type Transaction,
  vote,
} from '@gridmesh/ledger'
import { beforeEach, expect, it, vi } from 'vitest'
import {
  addressOfPerson,
  at,
  GENESIS_MS,
  grow,
  issue,
  offer,
  opened,
  payment,
  people,
  reading,
  signed,
  stateOf,
  whoseTurn,
} from './chains.ts'

const NEWCOMER = 1

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  return () => vi.useRealTimers()
})

it('makes blocks of every kind of transaction, and goes on after each', async () => {
  const chain = await opened()
  await chain.start()
  const kinds = new Set<string>()
  let authorities = 1
  const next = async (): Promise<void> => void (await grow(chain, whoseTurn(chain.head.height + 1, authorities), 1_000))
  const put = async (transaction: Transaction): Promise<void> => {
    expect(await offer(chain, transaction)).toEqual(['added'])
    await next()
    expect(chain.mempool.has(toHex(transaction.id))).toBe(false)
    // One without any is what comes where nobody wants anything.
    await next()
    kinds.add(transaction.kind)
  }
  await put(payment(chain, 0))
  await put(reading(chain, 1))
  await put(issue(chain, 0))
  await put(signed(chain, 0, gridStateUpdate, { sequence: 3, timeMs: GENESIS_MS, payload: Buffer.from('lines') }))

  const authority = { publicKey: at(people, NEWCOMER).publicKey, zones: [] }
  const asking = { text: 'one more', action: registerAction(authority), closesAtHeight: 99 }
  const more = signed(chain, 0, proposal, asking, 1)
  const ofMore = { proposer: more.address, proposal: more.id }
  await put(more)
  await put(signed(chain, 0, vote, { ...ofMore, isApproval: true }, 2))
  await put(signed(chain, 0, authorityRegister, { ...ofMore, authority }, 3))
  authorities = 2
  const less = signed(chain, 0, proposal, { ...asking, action: revokeAction(addressOfPerson(NEWCOMER)) }, 4)
  const ofLess = { proposer: less.address, proposal: less.id }
  await put(less)
  await put(signed(chain, 0, vote, { ...ofLess, isApproval: true }, 5))
  await put(signed(chain, NEWCOMER, vote, { ...ofLess, isApproval: true }, 0))
  await put(signed(chain, 0, authorityRevoke, { ...ofLess, revoked: addressOfPerson(NEWCOMER) }, 6))
  expect([...kinds].toSorted()).toEqual(defaultKinds.map(({ name }) => name).toSorted())
  expect(await stateOf(chain)).toMatchObject({ isExact: true })
})

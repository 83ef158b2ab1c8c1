import { memoryStore } from '@gridmesh/block-store'
import { type BuiltBlock, poaRules } from '@gridmesh/consensus'
import {
  authorityRegister,
  authorityRevoke,
  decodeBlock,
  defaultRegistry,
  proposal,
  registerAction,
  revokeAction,
  toHex,
  type Transaction,
  vote,
} from '@gridmesh/ledger'
import { beforeEach, expect, it, vi } from 'vitest'
import { checkChanges } from '../../src/chain/authorities.ts'
import { factsOf } from '../../src/chain/chain-block.ts'
import type { EnergyChain } from '../../src/chain/energy-chain.ts'
import {
  addressOfPerson,
  at,
  buildOn,
  GENESIS_MS,
  grow,
  offer,
  opened,
  payment,
  people,
  refilled,
  RULES,
  signed,
  whoseTurn,
  wordOf,
} from './chains.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  return () => vi.useRealTimers()
})

const newcomer = { publicKey: at(people, 1).publicKey, zones: [] }
const [first, second] = [0, 1].map((who) => toHex(addressOfPerson(who)))

/** A chain of these blocks. */
async function onTopOf(blocks: readonly BuiltBlock[]): Promise<EnergyChain> {
  const chain = await opened()
  for (const { bytes } of blocks) expect(wordOf(await chain.importBlock(bytes))).toBe('imported')
  return chain
}

/** One block for each step of making the second person an authority. */
async function register(chain: EnergyChain): Promise<BuiltBlock[]> {
  const asked = signed(
    chain,
    0,
    proposal,
    { text: 'one more', action: registerAction(newcomer), closesAtHeight: 99 },
    0,
  )
  const ref = { proposer: addressOfPerson(0), proposal: asked.id }
  const steps: Transaction[] = [
    asked,
    signed(chain, 0, vote, { ...ref, isApproval: true }, 1),
    signed(chain, 0, authorityRegister, { ...ref, authority: newcomer }, 2),
  ]
  const blocks: BuiltBlock[] = []
  for (const step of steps) {
    expect(await offer(chain, step)).toEqual(['added'])
    blocks.push(await grow(chain))
  }
  return blocks
}

it('lets a new authority make blocks after the one that registers it, and not before', async () => {
  const chain = await opened()
  await chain.start()
  expect(wordOf(await chain.importBlock((await buildOn(chain, 1)).bytes))).toBe('not-authority')
  await register(chain)
  expect(chain.consensus.head().authorities.toSorted()).toEqual([first, second].toSorted())
  await grow(chain, 1)
})

it('follows the authorities of each branch over a switch, a way back and a restart, on blocks that were not executed', async () => {
  const a = await opened()
  await a.start()
  const registering = await register(a)
  const byBoth = [...registering, await grow(a, 1), await grow(a, 0)]
  const other = await opened()
  const plain: BuiltBlock[] = []
  for (let i = 0; i < 4; i++) plain.push(await grow(other, 0, 20_000))

  const store = memoryStore()
  const chain = await opened({ store })
  for (const { bytes } of registering) expect(wordOf(await chain.importBlock(bytes))).toBe('imported')
  await chain.stop()
  const again = await opened({ store })
  // Blocks on those before and after the change, of which it knows by what is stored alone.
  const before = await onTopOf(registering.slice(0, 2))
  expect(wordOf(await again.importBlock((await buildOn(before, 1, 30_000)).bytes))).toBe('not-authority')
  for (const { bytes } of plain) expect(wordOf(await again.importBlock(bytes))).toBe('imported')
  expect(again.head).toEqual(other.head)
  expect(again.consensus.head().authorities).toEqual([first])
  const apart = await onTopOf(plain.slice(0, 3))
  expect(wordOf(await again.importBlock((await buildOn(apart, 1, 30_000)).bytes))).toBe('not-authority')
  for (const { bytes } of byBoth.slice(3)) expect(wordOf(await again.importBlock(bytes))).toBe('imported')
  expect(again.head).toEqual(a.head)
  expect(again.consensus.head().authorities).toEqual(a.consensus.head().authorities)
  const after = await onTopOf(registering)
  expect(wordOf(await again.importBlock((await buildOn(after, 1, 30_000)).bytes))).toBe('imported')
  expect(wordOf(await again.importBlock((await buildOn(before, 1, 40_000)).bytes))).toBe('not-authority')
})

it('takes a change at the height that is final, and one at most in a block', async () => {
  const chain = await opened()
  const asked = signed(chain, 0, proposal, { text: '', action: registerAction(newcomer), closesAtHeight: 9 }, 0)
  const ref = { proposer: addressOfPerson(0), proposal: asked.id }
  const change = signed(chain, 0, authorityRegister, { ...ref, authority: newcomer }, 1)
  const { header } = decodeBlock((await buildOn(chain)).bytes, defaultRegistry)
  const rules = poaRules(RULES)
  const parent = { header, facts: factsOf(header), authorities: [], standing: rules.begin({ height: 7, hash: '' }) }
  const codeAt = (changedAt: number, ...transactions: Transaction[]): string | undefined =>
    checkChanges({ header, transactions }, { ...parent, changedAt }, rules)?.code
  expect([codeAt(7, change), codeAt(8, change), codeAt(8), codeAt(7, change, change)]).toEqual([
    undefined,
    'authority-change-pending',
    undefined,
    'authority-change-pending',
  ])
})

it('takes no second change of the authorities before the first is final, and then takes it', async () => {
  const chain = await opened()
  await chain.start()
  await register(chain)
  const asked = signed(
    chain,
    1,
    proposal,
    { text: 'one less', action: revokeAction(addressOfPerson(0)), closesAtHeight: 99 },
    0,
  )
  const ref = { proposer: addressOfPerson(1), proposal: asked.id }
  const votes = [0, 1].map((who) => signed(chain, who, vote, { ...ref, isApproval: true }, who === 0 ? 3 : 1))
  const revoke = signed(chain, 1, authorityRevoke, { ...ref, revoked: addressOfPerson(0) }, 2)
  for (const step of [[asked], votes, [revoke]]) {
    expect(await offer(chain, ...step)).toEqual(step.map(() => 'added'))
    if (step[0] !== revoke) await grow(chain, 1)
  }
  expect(chain.finalised.height).toBeLessThan(3)
  // It waits in the mempool, and who puts it into a block all the same is refused.
  const without = await buildOn(chain, 1)
  const by = refilled(without.bytes, [revoke], 'governance', 1)
  expect(wordOf(await chain.importBlock(by.bytes))).toBe('authority-change-pending')
  expect(chain.mempool.stats().transactions).toBe(1)
  const two = refilled(without.bytes, [revoke, revoke], 'governance', 1)
  expect(wordOf(await chain.importBlock(two.bytes))).toBe('authority-change-pending')
  while (chain.finalised.height < 3) await grow(chain, whoseTurn(chain.head.height + 1, 2), 1_000)
  expect(chain.mempool.stats().transactions).toBe(1)
  await grow(chain, whoseTurn(chain.head.height + 1, 2), 1_000)
  expect(chain.mempool.stats().transactions).toBe(0)
  expect(chain.consensus.head().authorities).toEqual([second])
})

it('puts energy into every other block at least, whatever there is to decide', async () => {
  const chain = await opened()
  await chain.start()
  const ask = (nonce: number): Transaction =>
    signed(chain, 0, proposal, { text: `${nonce}`, action: registerAction(newcomer), closesAtHeight: 99 }, nonce)
  expect(await offer(chain, ask(0), payment(chain, 0))).toEqual(['added', 'added'])
  const kinds: number[] = []
  chain.addEventListener('chain:block', ({ detail }) => kinds.push(detail.header.kind === 'energy' ? 1 : 0))
  await grow(chain)
  await offer(chain, ask(1))
  await grow(chain)
  await grow(chain)
  expect(kinds).toEqual([0, 1, 0])
  expect(chain.mempool.stats().transactions).toBe(0)
})

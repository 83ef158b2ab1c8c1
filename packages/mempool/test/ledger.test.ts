import {
  addressOf,
  type Block,
  buildBlock,
  buildGenesis,
  defaultRegistry,
  type LedgerSigner,
  MemoryState,
  meterReading,
  outputId,
  parseGenesis,
  registerAction,
  signerOf,
  signTransaction,
  tender,
  toHex,
  type Transaction,
  transfer,
  proposal,
  undoBlock,
  validateBlock,
} from '@gridmesh/ledger'
import { expect, it, onTestFinished } from 'vitest'
import { Mempool } from '../src/index.ts'
import { describe, LedgerChain, type LedgerPoolTransaction } from './ledger-chain.ts'
import { ids } from './model-chain.ts'

const signer = (seed: number): LedgerSigner => signerOf(new Uint8Array(32).fill(seed))
const [authority, alice, bob] = [signer(1), signer(2), signer(3)]
const [aliceAt, bobAt] = [addressOf(alice.publicKey), addressOf(bob.publicKey)]

/** The energy chain in memory, with a pool beside it. */
async function setUp() {
  const genesis = buildGenesis(
    parseGenesis(`
name: pooled
time: 2026-01-01T00:00:00Z
zones: [{ zone: 1, name: bangkok }]
authorities: [{ publicKey: ${toHex(authority.publicKey)} }]
meters: [{ name: roof, zone: 1, owner: ${toHex(aliceAt)} }]
tender: [{ amount: 100, zone: 1, owner: ${toHex(aliceAt)} }]
`),
  )
  const view = new MemoryState()
  view.apply(genesis.changes)
  const state = { view, tree: genesis.tree }
  let parent = genesis.block.header
  const chain = new LedgerChain(view, genesis.chainId, () => parent.height)
  const pool = new Mempool<LedgerPoolTransaction>({ chain })
  onTestFinished(() => pool.stop())
  await pool.start()
  const undo: (() => void)[] = []
  const rules = { registry: defaultRegistry }
  return {
    pool,
    chainId: genesis.chainId,
    /** Builds a block of what the pool has, and applies it. */
    addBlock: (): { block: Block; leftOut: number } => {
      const offered = pool.take(900_000, 1_000, { accepts: ({ transaction: { kind } }) => kind !== 'proposal' })
      const candidates = offered.map(({ transaction }) => transaction)
      const init = { ...rules, signer: authority, timeMs: parent.timeMs + 1_000, verified: true } as const
      const { block, leftOut } = buildBlock(state, parent, candidates, init)
      const verdict = validateBlock(state, parent, block, rules)
      if (verdict.status === 'refused') throw new RangeError(verdict.message)
      const before = parent
      view.apply(verdict.changes)
      verdict.update.commit()
      parent = block.header
      undo.push(() => {
        const back = undoBlock(state.tree, verdict.changes)
        view.apply(back.changes)
        back.update.commit()
        parent = before
        pool.onRevert(block.transactions.map(describe))
      })
      pool.onBlock(block.transactions.map(describe))
      return { block, leftOut: leftOut.length }
    },
    revert: (): void => undo.pop()?.(),
    add: async (transaction: Transaction): Promise<string> => {
      const result = await pool.add(transaction.bytes)
      await pool.whenIdle()
      return result.status === 'refused' ? result.code : result.status
    },
  }
}

const pay = (
  chainId: Uint8Array,
  from: LedgerSigner,
  input: Uint8Array,
  owner: Uint8Array,
  amount = 100,
): Transaction =>
  signTransaction(
    transfer,
    { inputs: [input], outputs: [{ asset: 'thb', amount, owner, zone: 1 }] },
    { chainId, signer: from },
  )

it('runs the energy chain: payments on payments, numbered ones in line, blocks in which all apply, and back', async () => {
  const { pool, chainId, addBlock, revert, add } = await setUp()
  const first = pay(chainId, alice, outputId(new Uint8Array(32), 0), bobAt)
  const second = pay(chainId, bob, outputId(first.id, 0), aliceAt)
  const issue = (nonce: number): Transaction => {
    const body = { action: 'issue', outputs: [{ amount: 5 + nonce, zone: 1, owner: bobAt }] } as const
    return signTransaction(tender, body, { chainId, signer: authority, nonce })
  }
  expect([await add(second), await add(issue(1)), await add(first), await add(issue(0))]).toEqual([
    'waiting',
    'waiting',
    'added',
    'added',
  ])
  expect(pool.stats().transactions).toBe(4)
  const { block, leftOut } = addBlock()
  expect([block.transactions.length, leftOut, pool.stats().transactions]).toEqual([4, 0, 0])
  expect(await add(first)).toBe('already-applied')
  revert()
  expect(ids(pool.transactions())).toEqual(block.transactions.map(({ id }) => toHex(id)))
  expect(addBlock().block.transactions.length).toBe(4)
})

it('holds no payment of the money of another, so that nobody can stand in the way of its owner', async () => {
  const { chainId, add } = await setUp()
  const input = outputId(new Uint8Array(32), 0)
  expect(await add(pay(chainId, bob, input, bobAt))).toBe('not-owner')
  expect(await add(pay(chainId, alice, input, bobAt, 101))).toBe('not-conserved')
  const first = pay(chainId, alice, input, bobAt)
  expect(await add(first)).toBe('added')
  // What it builds on is in the pool alone, and still its owner is known.
  expect(await add(pay(chainId, alice, outputId(first.id, 0), aliceAt))).toBe('not-owner')
  expect(await add(pay(chainId, alice, input, aliceAt))).toBe('conflict')
  expect(await add(pay(new Uint8Array(32), bob, outputId(first.id, 0), aliceAt))).toBe('invalid-signature')
  expect(await add(pay(chainId, bob, outputId(first.id, 0), aliceAt))).toBe('added')
})

it('holds one reading of a meter at a time, and a proposal until a block takes its family', async () => {
  const { pool, chainId, addBlock, add } = await setUp()
  const reading = (sequence: number): Transaction => {
    const body = { meter: 'roof', zone: 1, sequence, timeMs: 1, producedWh: 7, consumedWh: 0, inputs: [] }
    return signTransaction(meterReading, body, { chainId, signer: authority })
  }
  const action = registerAction({ publicKey: bob.publicKey, zones: [] })
  const body = { text: 'let bob in', action, closesAtHeight: 9 }
  const proposed = signTransaction(proposal, body, { chainId, signer: authority, nonce: 0 })
  expect([await add(reading(2)), await add(reading(1)), await add(proposed)]).toEqual(['added', 'conflict', 'added'])
  expect(addBlock()).toMatchObject({ leftOut: 0 })
  expect([await add(reading(1)), await add(reading(3))]).toEqual(['spent-input', 'added'])
  expect(Array.from(pool.transactions(), ({ lane }) => lane)).toEqual(['high', 'normal'])
})

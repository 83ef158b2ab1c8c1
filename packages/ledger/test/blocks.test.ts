import { expect, it, vi } from 'vitest'
import {
  authority,
  type AuthorityTip,
  type Block,
  blockBytes,
  checkSuccession,
  decodeBlock,
  defaultRegistry,
  encodeBlock,
  gridStateUpdate,
  type HeaderFields,
  MAX_BLOCK_BYTES,
  MAX_GRID_STATE_BYTES,
  proposal,
  signatureOf,
  signHeader,
  toHex,
  type Transaction,
  transfer,
  undoBlock,
  type Verify,
  validateBlock,
  verifySignature,
} from '../src/index.ts'
import {
  addresses,
  ALICE,
  at,
  broken,
  BOB,
  DAN,
  ERIN,
  genesisOutput,
  people,
  RULES,
  TestChain,
  VAL,
} from './helpers.ts'

const zeros = new Uint8Array(32)

function payment(chain: TestChain): Transaction {
  return chain.sign(DAN, transfer, {
    inputs: [genesisOutput(0)],
    outputs: [{ asset: 'thb', amount: 1_000, owner: at(addresses, ERIN), zone: 1 }],
  })
}

/** Grid states of nearly 32 KiB: about thirty fill a block. */
function large(chain: TestChain, sequence: number, bytes = MAX_GRID_STATE_BYTES): Transaction {
  return chain.sign(ALICE, gridStateUpdate, { sequence, timeMs: 1, payload: new Uint8Array(bytes) })
}

it('takes over what it built, through its encoding, and undoes it', () => {
  const chain = new TestChain()
  const root = toHex(chain.tree.root)
  const { block, changes } = chain.build([payment(chain)])
  expect(encodeBlock(block).byteLength).toBe(blockBytes(block.transactions))
  const again = decodeBlock(encodeBlock(block), defaultRegistry)
  expect(chain.import(again)).toBe('valid')
  expect(toHex(chain.tree.root)).toBe(toHex(block.header.stateRoot))
  const step = undoBlock(chain.tree, changes)
  expect(toHex(step.root)).toBe(root)
  expect(toHex(chain.tree.root)).toBe(toHex(block.header.stateRoot))
})

it('takes blocks of authorities and validators, in time order, empty ones too', () => {
  const chain = new TestChain()
  expect(chain.import(chain.build([], { signer: at(people, BOB) }).block)).toBe('valid')
  const { block } = chain.build([], { signer: at(people, VAL), timeMs: 0 })
  expect(block.header.timeMs).toBe(chain.tip.timeMs + 1)
  expect(chain.import(block)).toBe('valid')
  expect(chain.import(chain.build([], { signer: at(people, DAN) }).block)).toBe('not-proposer')
})

it.each<[string, Partial<HeaderFields>]>([
  ['wrong-chain', { chainId: zeros }],
  ['wrong-block-kind', { kind: 'genesis' }],
  ['wrong-height', { height: 2 }],
  ['wrong-parent', { parent: zeros }],
  ['wrong-time', { timeMs: Date.parse('2026-01-01T00:00:00Z') }],
  ['wrong-tx-root', { txRoot: zeros }],
  ['wrong-state-root', { stateRoot: zeros }],
  ['wrong-grid-sequence', { gridSequence: 1 }],
  ['wrong-family', { kind: 'governance' }],
  ['invalid-block-signature', { proposer: at(people, BOB).publicKey }],
])('refuses a block with %s', (code, fields) => {
  const chain = new TestChain()
  expect(chain.import(chain.forge([payment(chain)], fields))).toBe(code)
})

it.each([0, 2])('refuses a block that says grid sequence %i, where its transactions lead to 1', (gridSequence) => {
  const chain = new TestChain()
  expect(chain.import(chain.forge([large(chain, 1, 1)], { gridSequence }))).toBe('wrong-grid-sequence')
})

it('refuses a block with a transaction that does not apply, and says which', () => {
  const chain = new TestChain()
  const block = chain.forge([large(chain, 1, 1), broken(payment(chain))])
  expect(validateBlock(chain.state, chain.tip, block, RULES)).toMatchObject({
    status: 'refused',
    index: 1,
    code: 'invalid-signature',
  })
})

it('fills a block up to 1 MB, leaves out what is too much, and refuses what is larger', () => {
  const chain = new TestChain()
  const all = Array.from({ length: 31 }, (_, i) => large(chain, i + 1))
  const room = MAX_BLOCK_BYTES - blockBytes(all.slice(0, 30))
  const rest = room - (blockBytes([large(chain, 31, 0)]) - blockBytes([]))
  const [exact, over] = [large(chain, 31, rest), large(chain, 31, rest + 1)]
  const { block, leftOut } = chain.build([...all.slice(0, 1), ...all.slice(0, 30), over, exact])
  // What does not apply takes no room.
  expect(leftOut.map(({ refusal }) => refusal.code)).toEqual(['stale-sequence', 'block-full'])
  expect(encodeBlock(block).byteLength).toBe(MAX_BLOCK_BYTES)
  const tooLarge: Block = { ...block, transactions: [...block.transactions.slice(0, 30), over] }
  expect(chain.import(tooLarge)).toBe('block-too-large')
  expect(() => decodeBlock(encodeBlock(tooLarge), defaultRegistry)).toThrow(
    expect.objectContaining({ code: 'oversize' }),
  )
  expect(chain.import(block)).toBe('valid')
})

it('keeps transactions of energy and of governance in blocks of their own', () => {
  const chain = new TestChain()
  const opinion = chain.sign(ALICE, proposal, { text: 'x', action: { kindCode: 0, bytes: zeros }, closesAtHeight: 9 })
  const [first, second] = [chain.build([opinion, payment(chain)]), chain.build([payment(chain), opinion])]
  expect(first.block.header.kind).toBe('governance')
  expect(second.block.header.kind).toBe('energy')
  for (const { leftOut, block } of [first, second]) {
    expect(leftOut.map(({ refusal }) => refusal.code)).toEqual(['wrong-family'])
    expect(block.transactions.length).toBe(1)
  }
})

it('checks no signature that was checked before, and each of the others once', () => {
  const chain = new TestChain()
  const [one, two] = [payment(chain), large(chain, 1, 1)]
  const { block } = chain.build([one, two])
  const verify = vi.fn<Verify>(verifySignature)
  const judge = (verified: true | Set<string>): string =>
    validateBlock(chain.state, chain.tip, block, { ...RULES, verified, verify }).status
  expect(judge(new Set([toHex(one.id)]))).toBe('valid')
  // The other transaction's and the proposer's.
  expect(verify).toHaveBeenCalledTimes(2)
  expect(verify).toHaveBeenCalledWith(signatureOf(two, chain.chainId))
  expect(judge(true)).toBe('valid')
  expect(verify).toHaveBeenCalledTimes(3)
})

it('refuses a transaction of another chain', () => {
  const chain = new TestChain()
  const other = new TestChain(`name: other\ntime: 2026-01-01T00:00:00Z\nzones: [{ zone: 1, name: a }]
authorities: [{ publicKey: ${toHex(at(people, ALICE).publicKey)} }]`)
  expect(toHex(other.chainId)).not.toBe(toHex(chain.chainId))
  expect(chain.add(payment(other))).toEqual(['invalid-signature'])
  expect(chain.import(other.build([]).block)).toBe('wrong-chain')
})

it('checks that headers follow each other without any state', () => {
  const chain = new TestChain()
  const [genesis, first] = [chain.tip, chain.build([]).block.header]
  chain.import({ header: first, transactions: [] })
  const second = chain.build([]).block.header
  expect(checkSuccession(genesis, first)).toBeUndefined()
  expect(checkSuccession(first, second)).toBeUndefined()
  expect(checkSuccession(genesis, second)?.code).toBe('wrong-height')
  const forged = signHeader({ ...second, parent: zeros }, at(people, ALICE))
  expect(checkSuccession(first, forged)?.code).toBe('wrong-parent')
})

it('gives fork choice what it goes by', () => {
  const chain = new TestChain()
  const { header } = chain.build([]).block
  const tip: AuthorityTip = { ...header, isFinalisedBranch: true, endorsedWeight: 1 }
  expect(authority.better({ ...tip, height: 2 }, tip)).toBe(true)
})

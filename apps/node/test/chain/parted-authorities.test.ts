// A partition of four authorities that leaves a change of their own on either side, each of which had passed before it.
import { memoryStore } from '@gridmesh/block-store'
import {
  addressOf,
  authorityRegister,
  type Block,
  buildBlock,
  buildGenesis,
  defaultRegistry,
  encodeBlock,
  type LedgerSigner,
  MemoryState,
  parseGenesis,
  proposal,
  registerAction,
  signerOf,
  signTransaction,
  toHex,
  type Transaction,
  vote,
} from '@gridmesh/ledger'
import { expect, it } from 'vitest'
import { EnergyChain } from '../../src/chain/energy-chain.ts'

const signerNumbered = (n: number): LedgerSigner => signerOf(new Uint8Array(32).fill(n))
const [A, B, C, D, X, Y] = [
  signerNumbered(1),
  signerNumbered(2),
  signerNumbered(3),
  signerNumbered(4),
  signerNumbered(5),
  signerNumbered(6),
] as const
const BOARD = [A, B, C, D]
const hexOf = ({ publicKey }: LedgerSigner): string => toHex(addressOf(publicKey))
const genesis = parseGenesis(`
name: parted
time: 2024-01-01T00:00:00Z
zones: [{ zone: 1, name: a }]
authorities: [${BOARD.map(({ publicKey }) => `{ publicKey: ${toHex(publicKey)} }`).join(', ')}]
`)
const { chainId } = buildGenesis(genesis)
const MIN_INTERVAL_MS = 300
const FALLBACK_MS = 1_000

/** Blocks of one side, as early as those who are there may make them. */
class Side {
  readonly blocks: Block[] = []
  readonly #view = new MemoryState()
  readonly #begin = buildGenesis(genesis)
  #authorities: readonly LedgerSigner[] = BOARD

  constructor() {
    this.#view.apply(this.#begin.changes)
  }

  make(alive: readonly LedgerSigner[], transactions: Transaction[] = []): void {
    const head = this.blocks.at(-1)?.header ?? this.#begin.block.header
    const order = this.#authorities.toSorted((a, b) => (hexOf(a) < hexOf(b) ? -1 : 1))
    const turn = (rank: number): LedgerSigner | undefined => order[(head.height + 1 + rank) % order.length]
    const rank = order.findIndex((_, at) => alive.some((each) => each === turn(at)))
    const signer = turn(rank)
    if (signer === undefined) throw new TypeError('nobody is there')
    const built = buildBlock({ view: this.#view, tree: this.#begin.tree }, head, transactions, {
      registry: defaultRegistry,
      signer,
      timeMs: head.timeMs + MIN_INTERVAL_MS + rank * FALLBACK_MS,
      kind: transactions.length > 0 ? 'governance' : 'energy',
    })
    expect(built.leftOut).toEqual([])
    this.#view.apply(built.changes)
    built.update.commit()
    this.blocks.push(built.block)
  }

  /** The block that makes somebody an authority. */
  register(
    [signer = A, ...others]: readonly LedgerSigner[],
    nonce: number,
    asked: Transaction,
    authority: LedgerSigner,
  ): void {
    const body = {
      proposer: asked.address,
      proposal: asked.id,
      authority: { publicKey: authority.publicKey, zones: [] },
    }
    this.make([signer, ...others], [signTransaction(authorityRegister, body, { chainId, signer, nonce })])
    this.#authorities = [...this.#authorities, authority]
  }
}

/** A proposal of `signer` to make somebody an authority. */
function asking(signer: LedgerSigner, { publicKey }: LedgerSigner): Transaction {
  const action = registerAction({ publicKey, zones: [] })
  const body = { text: 'one more', action, closesAtHeight: 1_000 }
  return signTransaction(proposal, body, { chainId, signer, nonce: 0 })
}

it('makes neither of two branches final that each have a change of authorities of their own', async () => {
  const [askedX, askedY] = [asking(A, X), asking(B, Y)]
  const votes = [A, B, C].flatMap((signer, i) =>
    [askedX, askedY].map(({ address, id }, one) => {
      const nonce = (i < 2 ? 1 : 0) + one
      return signTransaction(vote, { proposer: address, proposal: id, isApproval: true }, { chainId, signer, nonce })
    }),
  )
  const sides = [new Side(), new Side()] as const
  for (const side of sides) {
    side.make(BOARD, [askedX, askedY])
    side.make(BOARD, votes)
    while (side.blocks.length < 8) side.make(BOARD)
  }
  const [one, two] = sides
  one.register([A, B], 3, askedX, X)
  two.register([C, D], 2, askedY, Y)
  // Of five, X and two others are a majority. Nobody votes on both sides.
  while (one.blocks.length < 40) one.make([A, B, X])
  while (two.blocks.length < 40) two.make([C, D, Y])

  for (const { blocks } of sides) {
    const chain = await EnergyChain.open({ store: memoryStore(), genesis })
    for (const block of blocks)
      expect(await chain.importBlock(encodeBlock(block))).toMatchObject({ status: 'imported' })
    expect(chain.finalised.height).toBeLessThan(9)
    await chain.stop()
  }
})

it('makes a change final, and what comes after it, with a quorum of those before it', async () => {
  const asked = asking(A, X)
  const votes = [A, B, C].map((signer, i) =>
    signTransaction(
      vote,
      { proposer: asked.address, proposal: asked.id, isApproval: true },
      { chainId, signer, nonce: i === 0 ? 1 : 0 },
    ),
  )
  const side = new Side()
  side.make(BOARD, [asked])
  side.make(BOARD, votes)
  side.register([C, D], 1, asked, X)
  while (side.blocks.length < 40) side.make([A, B, C, X])
  const chain = await EnergyChain.open({ store: memoryStore(), genesis })
  const store = memoryStore()
  for (const block of side.blocks) {
    // Who were authorities before has to outlast the process.
    const other = await EnergyChain.open({ store, genesis })
    for (const each of [chain, other]) {
      expect(await each.importBlock(encodeBlock(block))).toMatchObject({ status: 'imported' })
    }
    expect(other.finalised).toEqual(chain.finalised)
    await other.stop()
  }
  expect(chain.finalised.height).toBeGreaterThan(30)
  await chain.stop()
})

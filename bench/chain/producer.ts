import {
  buildBlock,
  buildGenesis,
  defaultRegistry,
  encodeBlock,
  type Header,
  MemoryState,
  type Output,
  type OutputId,
  outputId,
  signTransaction,
  type StateTree,
  type Transaction,
  transfer,
} from '@gridmesh/ledger'
import { addresses, authority, BLOCK_MS, genesis, users } from './world.ts'

/** Outputs that one transaction of a block that splits makes, and how many of those fit into a block of 1 MB. */
const SPLIT = 256
const SPLITS_PER_BLOCK = 88

/** An output that may be spent. */
interface Coin {
  id: OutputId
  amount: number
  /** Number of its owner. */
  who: number
}

/** Makes the blocks of a chain that others are to import. What it spends is chosen by chance, with a seed. */
export class Producer {
  readonly #view = new MemoryState()
  readonly #tree: StateTree
  readonly #chainId: Uint8Array
  readonly #coins: Coin[]
  #parent: Header
  #seed = 1

  constructor() {
    const { block, chainId, changes, tree } = buildGenesis(genesis)
    this.#view.apply(changes)
    this.#tree = tree
    this.#chainId = chainId
    this.#parent = block.header
    const perUser = genesis.tender.length / users.length
    this.#coins = genesis.tender.map(({ amount }, i) => ({
      id: outputId(new Uint8Array(32), i),
      amount,
      who: Math.floor(i / perUser),
    }))
  }

  get outputs(): number {
    return this.#coins.length
  }

  get height(): number {
    return this.#parent.height
  }

  /** A block that splits coins, the oldest first, until there are `outputs` or it is full. */
  split(outputs: number): Uint8Array {
    const count = Math.min(SPLITS_PER_BLOCK, Math.ceil((outputs - this.outputs) / (SPLIT - 1)))
    const made: Coin[] = []
    const transactions = this.#coins.splice(0, count).map((coin) => {
      const amount = Math.floor(coin.amount / SPLIT)
      const rest = coin.amount - amount * (SPLIT - 1)
      const parts = Array.from({ length: SPLIT }, (_, i) => ({
        amount: i === 0 ? rest : amount,
        who: i % users.length,
      }))
      return this.#pay(coin, parts, made)
    })
    this.#coins.push(...made)
    return this.#block(transactions)
  }

  /** A block of so many payments of one coin each, with change. */
  payments(count: number): Uint8Array {
    const made: Coin[] = []
    const transactions = Array.from({ length: count }, () => {
      const coin = this.#take()
      const amount = Math.ceil(coin.amount / 2)
      const parts = [{ amount, who: (coin.who + 1) % users.length }]
      if (coin.amount > amount) parts.push({ amount: coin.amount - amount, who: coin.who })
      return this.#pay(coin, parts, made)
    })
    this.#coins.push(...made)
    return this.#block(transactions)
  }

  /** One by chance, which the last one takes the place of. */
  #take(): Coin {
    this.#seed = (Math.imul(this.#seed, 1_103_515_245) + 12_345) & 0x7f_ff_ff_ff
    const at = Math.floor((this.#seed / 2 ** 31) * this.#coins.length)
    const last = this.#coins.pop()
    const coin = this.#coins[at] ?? last
    if (coin === undefined || last === undefined) throw new RangeError('there is nothing left to be spent')
    if (at < this.#coins.length) this.#coins[at] = last
    return coin
  }

  #pay({ id, who }: Coin, parts: readonly { amount: number; who: number }[], made: Coin[]): Transaction {
    const signer = users[who]
    if (signer === undefined) throw new RangeError(`no user ${who}`)
    const outputs = parts.map((part): Output => {
      return { asset: 'thb', amount: part.amount, zone: 1, owner: addresses[part.who] ?? new Uint8Array(32) }
    })
    const paid = signTransaction(transfer, { inputs: [id], outputs }, { chainId: this.#chainId, signer })
    for (const [i, part] of parts.entries()) made.push({ id: outputId(paid.id, i), ...part })
    return paid
  }

  #block(transactions: readonly Transaction[]): Uint8Array {
    const state = { view: this.#view, tree: this.#tree }
    const timeMs = this.#parent.timeMs + BLOCK_MS
    const init = { registry: defaultRegistry, signer: authority, timeMs, verified: true, kind: 'energy' } as const
    const { block, leftOut, changes, update } = buildBlock(state, this.#parent, transactions, init)
    const [first] = leftOut
    if (first !== undefined) throw new RangeError(first.refusal.message)
    this.#view.apply(changes)
    update.commit()
    this.#parent = block.header
    return encodeBlock(block)
  }
}

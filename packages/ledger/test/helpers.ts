import {
  addressOf,
  type Asset,
  type Block,
  buildBlock,
  buildGenesis,
  type BuildBlockInit,
  bucketOf,
  decodeTransaction,
  defaultRegistry,
  type Entry,
  type EntryReader,
  type Header,
  type HeaderFields,
  invert,
  type Kind,
  type LedgerState,
  MalformedError,
  MemoryState,
  nextNonce,
  outputId,
  outputs,
  type OutputId,
  parseGenesis,
  type Rules,
  signerOf,
  signHeader,
  signTransaction,
  StateTree,
  type StateStep,
  type StateView,
  toHex,
  type Transaction,
  txRoot,
  validateBlock,
} from '../src/index.ts'

/** Keys by seed, so that every run and every golden byte is the same. */
export const people = Array.from({ length: 8 }, (_, i) => signerOf(new Uint8Array(32).fill(i + 1)))
export const addresses = people.map(({ publicKey }) => addressOf(publicKey))
export const RULES: Rules = { registry: defaultRegistry }

/** The first three are authorities; the second certifies zone 1 only. 3 to 6 are users, 7 validates. */
export const [ALICE, BOB, CAROL, DAN, ERIN, FRANK, VAL] = [0, 1, 2, 3, 4, 5, 7] as const

export function at<T>(items: readonly T[], index: number): T {
  const item = items[index]
  if (item === undefined) throw new RangeError(`no item ${index} of ${items.length}`)
  return item
}

const key = (who: number): string => toHex(at(people, who).publicKey)
const address = (who: number): string => toHex(at(addresses, who))

export const GENESIS = `
name: test
time: 2026-01-01T00:00:00Z
zones:
  - { zone: 1, name: bangkok }
  - { zone: 2, name: chiang mai }
authorities:
  - { publicKey: ${key(ALICE)} }
  - { publicKey: ${key(BOB)}, zones: [1] }
  - { publicKey: ${key(CAROL)} }
validators:
  - { publicKey: ${key(VAL)}, stake: 10 }
meters:
  - { name: home-1, zone: 1, owner: ${address(DAN)} }
  - { name: home-2, zone: 2, owner: ${address(ERIN)} }
tender:
  - { amount: 1000, zone: 1, owner: ${address(DAN)} }
  - { amount: 500, zone: 1, owner: ${address(ERIN)} }
  - { amount: 300, zone: 2, owner: ${address(FRANK)} }
`

/** An output of the genesis above, by its place. */
export const genesisOutput = (index: number): OutputId => outputId(new Uint8Array(32), index)

/** A chain held in memory. */
export class TestChain {
  readonly view = new MemoryState()
  readonly tree: StateTree
  readonly chainId: Uint8Array
  readonly blocks: { header: Header; step: StateStep }[] = []
  tip: Header

  constructor(genesis = GENESIS) {
    const { block, chainId, changes, tree } = buildGenesis(parseGenesis(genesis))
    this.view.apply(changes)
    this.tree = tree
    this.chainId = chainId
    this.tip = block.header
  }

  get state(): LedgerState {
    return { view: this.view, tree: this.tree }
  }

  sign<Body>(who: number, kind: Kind<Body>, body: Body, nonce?: number): Transaction<Body> {
    const signer = at(people, who)
    const due = kind.isNumbered ? (nonce ?? nextNonce(this.view, at(addresses, who))) : undefined
    return signTransaction(kind, body, { chainId: this.chainId, signer, ...(due === undefined ? {} : { nonce: due }) })
  }

  build(candidates: Iterable<Transaction>, init: Partial<BuildBlockInit> = {}): ReturnType<typeof buildBlock> {
    const timeMs = this.tip.timeMs + 1_000
    return buildBlock(this.state, this.tip, candidates, { ...RULES, signer: at(people, ALICE), timeMs, ...init })
  }

  /** Judges a block and, where it is valid, takes it over. */
  import(block: Block, rules = RULES): string {
    const verdict = validateBlock(this.state, this.tip, block, rules)
    if (verdict.status === 'refused') return verdict.code
    this.#take(verdict)
    this.blocks.push({ header: this.tip, step: verdict })
    this.tip = block.header
    return 'valid'
  }

  /** Builds and takes over a block of `transactions`, and gives back the codes of those that did not apply. */
  add(...transactions: Transaction[]): string[] {
    const { block, leftOut } = this.build(transactions)
    const code = this.import(block)
    if (code !== 'valid') throw new RangeError(`a built block was refused: ${code}`)
    return leftOut.map(({ refusal }) => refusal.code)
  }

  undo(): void {
    const last = this.blocks.pop()
    if (last === undefined) throw new RangeError('nothing to undo')
    const changes = invert(last.step.changes)
    this.#take({ changes, update: this.tree.prepare(changes) })
    this.tip = last.header
  }

  /** A block of these transactions with true roots where they apply, however wrong the rest. */
  forge(transactions: readonly Transaction[], fields: Partial<HeaderFields> = {}, signer = at(people, ALICE)): Block {
    const { block } = this.build(transactions, { signer, verified: true })
    return {
      header: signHeader({ ...block.header, txRoot: txRoot(transactions.map(({ id }) => id)), ...fields }, signer),
      transactions,
    }
  }

  /** The unspent outputs of `who`, in a stable order. */
  owned(who: number, asset: Asset): { id: OutputId; amount: number }[] {
    return unspent(this.view).filter((row) => row.asset === asset && toHex(row.owner) === address(who))
  }

  entries(): Map<string, string> {
    return new Map(Array.from(this.view.entries(), ([k, v]) => [toHex(k), toHex(v)]))
  }

  #take({ changes, update }: Pick<StateStep, 'changes' | 'update'>): void {
    update.commit()
    this.view.apply(changes)
  }
}

export function unspent(view: MemoryState): { id: OutputId; asset: Asset; amount: number; owner: Uint8Array }[] {
  return [...view.entries()]
    .filter(([k]) => outputs.owns(k))
    .map(([k, v]) => Object.assign(outputs.parse(v), { id: k.subarray(1) }))
    .toSorted((a, b) => Buffer.compare(a.id, b.id))
}

/** Holds only some keys of another, and throws for every other. */
export class DeclaredView implements StateView {
  readonly #rows: Map<string, Uint8Array | undefined>

  constructor(view: StateView, keys: readonly Uint8Array[]) {
    this.#rows = new Map(keys.map((k) => [toHex(k), view.get(k)]))
  }

  get(k: Uint8Array): Uint8Array | undefined {
    if (!this.#rows.has(toHex(k))) throw new RangeError(`key ${toHex(k)} was not declared`)
    return this.#rows.get(toHex(k))
  }
}

export function readerOf(entries: readonly Entry[]): EntryReader {
  return (first, count) => entries.filter(([k]) => bucketOf(k) >= first && bucketOf(k) < first + count)
}

/** What `call` reads, or nothing where it refuses the bytes. Any other error is a fault. */
export function readOrRefuse<T>(call: () => T): T | undefined {
  try {
    return call()
  } catch (err) {
    if (err instanceof MalformedError) return undefined
    throw err
  }
}

/** The same transaction with a signature that does not hold. */
export function broken(transaction: Transaction): Transaction {
  const bytes = Buffer.from(transaction.bytes)
  const place = bytes.byteLength - 40
  bytes[place] = (bytes[place] ?? 0) ^ 1
  return decodeTransaction(bytes, defaultRegistry)
}

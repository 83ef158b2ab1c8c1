import { createHash } from 'node:crypto'
import type { Lane } from '@gridmesh/interfaces'
import type {
  Candidate,
  KeyState,
  Mempool,
  MempoolChain,
  PoolTransaction,
  SeriesPlace,
  StateFacts,
} from '../src/index.ts'

/** What a transaction of the model says; all of it but the signature may be left out. */
export interface ModelBody {
  sender?: string | undefined
  nonce?: number | undefined
  spends?: readonly string[]
  /** How many keys it makes. */
  makes?: number
  /** How many keys more it may make. The chain does where its id begins with a digit that is even. */
  mayMake?: number
  series?: SeriesPlace | undefined
  lane?: Lane | undefined
  /** Who may spend what it makes; anyone where nobody is named. */
  owner?: string | undefined
  /** Bytes that only make it longer, or another. */
  padding?: string
  isSigned?: boolean
}

export interface ModelTransaction extends PoolTransaction {
  readonly isSigned: boolean
  readonly owner: string | undefined
}

const FIELDS = [
  'sender',
  'nonce',
  'spends',
  'makes',
  'lane',
  'owner',
  'padding',
  'isSigned',
  'mayMake',
  'series',
] as const

export function encode(body: ModelBody): Uint8Array {
  return Buffer.from(JSON.stringify(FIELDS.map((field) => body[field] ?? null)))
}

export function decode(bytes: Uint8Array): ModelTransaction {
  const row = JSON.parse(Buffer.from(bytes).toString()) as unknown[]
  if (!Array.isArray(row) || row.length !== FIELDS.length) throw new SyntaxError('not a transaction of the model')
  const body = Object.fromEntries(FIELDS.map((field, i) => [field, row[i] ?? undefined])) as ModelBody
  const id = createHash('sha256').update(bytes).digest('hex').slice(0, 12)
  return {
    id,
    sender: body.sender ?? 'nobody',
    bytes,
    size: bytes.byteLength,
    lane: body.lane ?? 'normal',
    spends: body.spends ?? [],
    makes: Array.from({ length: body.makes ?? 0 }, (_, i) => `${id}:${i}`),
    mayMake: Array.from({ length: body.mayMake ?? 0 }, (_, i) => `${id}?${i}`),
    nonce: body.nonce,
    series: body.series,
    isSigned: body.isSigned ?? true,
    owner: body.owner,
  }
}

export const transaction = (body: ModelBody): ModelTransaction => decode(encode(body))

/** A chain of keys and nonces in memory, strict about what applies to it. */
export class ModelChain implements MempoolChain<ModelTransaction> {
  readonly owners = new Map<string, string | undefined>()
  readonly nonces = new Map<string, number>()
  readonly series = new Map<string, number>()
  readonly applied = new Set<string>()
  readonly blocks: ModelTransaction[][] = []
  /** Sizes of the batches that were verified. */
  readonly batches: number[] = []
  /** Turns of the event loop's microtasks that an answer takes. */
  delay = 0

  readonly #genesis: readonly string[]

  constructor(...keys: string[]) {
    this.#genesis = keys
    for (const key of keys) this.owners.set(key, undefined)
  }

  decode(bytes: Uint8Array): ModelTransaction {
    return decode(bytes)
  }

  async verify(transactions: readonly ModelTransaction[]): Promise<boolean[]> {
    this.batches.push(transactions.length)
    await this.#pass()
    return transactions.map(({ isSigned }) => isSigned)
  }

  async look(candidates: readonly Candidate<ModelTransaction>[]): Promise<StateFacts[]> {
    const facts = candidates.map((candidate) => this.factsOf(candidate))
    await this.#pass()
    return facts
  }

  factsOf({ transaction: { spends, sender, series }, parents }: Candidate<ModelTransaction>): StateFacts {
    const keys = spends.map((key): KeyState => (this.owners.has(key) ? 'unspent' : 'unknown'))
    const foreign = spends.find((key) => {
      const parent = parents.find(({ makes }) => makes.includes(key))
      const owner = parent === undefined ? this.owners.get(key) : parent.owner
      return owner !== undefined && owner !== sender
    })
    const isOver = series !== undefined && series.number <= (this.series.get(series.name) ?? -1)
    const over = isOver ? { code: 'series-over', message: `${series.name} is past ${series.number}` } : undefined
    const refusal = foreign === undefined ? over : { code: 'not-owner', message: `${foreign} is not of ${sender}` }
    return { keys, nextNonce: this.next(sender), refusal }
  }

  next(sender: string): number {
    return this.nonces.get(sender) ?? 0
  }

  /** Why a transaction does not apply to the state as it is. */
  fault({ id, spends, sender, nonce, series }: ModelTransaction): string | undefined {
    if (this.applied.has(id)) return `${id} is applied`
    const missing = spends.find((key) => !this.owners.has(key))
    if (missing !== undefined) return `${missing} is not there`
    const foreign = spends.find((key) => ![undefined, sender].includes(this.owners.get(key)))
    if (foreign !== undefined) return `${foreign} is of another`
    if (series !== undefined && series.number <= (this.series.get(series.name) ?? -1))
      return `${series.name} is past it`
    return nonce === undefined || nonce === this.next(sender) ? undefined : `nonce ${nonce}, not ${this.next(sender)}`
  }

  /** Applies a block. @throws {RangeError} where a transaction does not apply */
  apply(block: readonly ModelTransaction[]): void {
    for (const one of block) {
      const fault = this.fault(one)
      if (fault !== undefined) throw new RangeError(fault)
      for (const key of one.spends) this.owners.delete(key)
      for (const key of madeBy(one)) this.owners.set(key, one.owner)
      if (one.series !== undefined) this.series.set(one.series.name, one.series.number)
      if (one.nonce !== undefined) this.nonces.set(one.sender, one.nonce + 1)
      this.applied.add(one.id)
    }
    this.blocks.push([...block])
  }

  /** Takes off the newest block and gives it back. */
  revert(): ModelTransaction[] {
    const block = this.blocks.pop()
    if (block === undefined) throw new RangeError('nothing to revert')
    const rest = this.blocks.splice(0)
    this.owners.clear()
    for (const key of this.#genesis) this.owners.set(key, undefined)
    this.nonces.clear()
    this.series.clear()
    this.applied.clear()
    for (const one of rest) this.apply(one)
    return block
  }

  /** The same chain at the same state, apart from this one. */
  fork(): ModelChain {
    const other = new ModelChain(...this.#genesis)
    for (const block of this.blocks) other.apply(block)
    return other
  }

  async #pass(): Promise<void> {
    for (let turn = 0; turn < this.delay; turn++) await Promise.resolve()
  }
}

/** What a transaction makes where it is applied. */
export function madeBy({ id, makes, mayMake = [] }: ModelTransaction): readonly string[] {
  return '02468ace'.includes(id.slice(0, 1)) ? [...makes, ...mayMake] : makes
}

/** Applies a block to a chain and tells a pool of it. */
export function addBlock(chain: ModelChain, pool: Mempool<ModelTransaction>, block: readonly ModelTransaction[]): void {
  chain.apply(block)
  pool.onBlock(block)
}

export const ids = (transactions: Iterable<{ id: string }>): string[] => Array.from(transactions, ({ id }) => id)

/** All of the pool in its order. */
export const all = (pool: Mempool<ModelTransaction>): ModelTransaction[] => pool.take(1e9, 1e6)

/** Counts how often somebody looks at what transactions spend, of those that the chain decodes from now on. */
export function countSpends(chain: ModelChain): { looks: number } {
  const counted = { looks: 0 }
  const decodeOne = chain.decode.bind(chain)
  Object.assign(chain, {
    decode(bytes: Uint8Array): ModelTransaction {
      const one = decodeOne(bytes)
      const { spends } = one
      return Object.defineProperty(one, 'spends', { get: () => (counted.looks++, spends) })
    },
  })
  return counted
}

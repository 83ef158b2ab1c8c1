import type { AppliedTransaction, PoolTransaction } from './chain.ts'
import { comparePlaces, type Entry } from './entry.ts'
import { OrderedSet } from './ordered-set.ts'
import { Series } from './series.ts'

/** What one sender has in the pool. */
interface Sender<T extends PoolTransaction> {
  readonly order: OrderedSet<Entry<T>>
  readonly byNonce: Map<number, Entry<T>>
  bytes: number
}

/**
 * The pool's entries in every way in which they are looked for. Who builds on whom is not kept: it follows from who
 * makes a key, who spends it, and who has the nonce before.
 */
export class PoolIndex<T extends PoolTransaction> {
  readonly order = new OrderedSet<Entry<T>>(comparePlaces)
  readonly series = new Series<T>()
  /** In the order in which they were placed. */
  readonly #byId = new Map<string, Entry<T>>()
  readonly #spenders = new Map<string, Entry<T>>()
  readonly #makers = new Map<string, Entry<T>>()
  readonly #senders = new Map<string, Sender<T>>()
  #bytes = 0

  get count(): number {
    return this.#byId.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get senders(): number {
    return this.#senders.size
  }

  get(id: string): Entry<T> | undefined {
    return this.#byId.get(id)
  }

  /** In the order in which they were placed. What is deleted meanwhile is left out. */
  oldestFirst(): Iterable<Entry<T>> {
    return this.#byId.values()
  }

  sender(name: string): Readonly<Sender<T>> | undefined {
    return this.#senders.get(name)
  }

  makerOf(key: string): Entry<T> | undefined {
    return this.#makers.get(key)
  }

  spenderOf(key: string): Entry<T> | undefined {
    return this.#spenders.get(key)
  }

  numbered(sender: string, nonce: number): Entry<T> | undefined {
    return this.#senders.get(sender)?.byNonce.get(nonce)
  }

  /** Those whose keys a transaction spends, each once. */
  makersFor({ spends }: Pick<AppliedTransaction, 'spends'>): Entry<T>[] {
    return distinct(spends.map((key) => this.#makers.get(key)))
  }

  /** Those that come before a transaction: which it builds on, and the one before it in its series. */
  parentsOf(transaction: AppliedTransaction): Entry<T>[] {
    const { sender, nonce, series } = transaction
    const makers = this.makersFor(transaction)
    if (nonce === undefined && series === undefined) return makers
    const numbered = nonce === undefined ? undefined : this.numbered(sender, nonce - 1)
    return distinct([...makers, numbered, this.series.before(transaction)])
  }

  /** Those that spend the keys that a transaction makes, each once. */
  spendersFor({ makes }: Pick<AppliedTransaction, 'makes'>): Entry<T>[] {
    return distinct(makes.map((key) => this.#spenders.get(key)))
  }

  /** The one that has the nonce after that of a transaction. */
  nextOf({ sender, nonce }: Pick<AppliedTransaction, 'sender' | 'nonce'>): Entry<T> | undefined {
    return nonce === undefined ? undefined : this.numbered(sender, nonce + 1)
  }

  /** Those that build on a transaction: they can only be applied after it. */
  childrenOf(transaction: AppliedTransaction): Entry<T>[] {
    return distinct([...this.spendersFor(transaction), this.nextOf(transaction)])
  }

  /** Those that come after a transaction: which build on it, and the one after it in its series. */
  followersOf(transaction: AppliedTransaction): Entry<T>[] {
    return distinct([...this.childrenOf(transaction), this.series.after(transaction)])
  }

  insert(entry: Entry<T>): void {
    const { id, sender: name, spends, makes, nonce, size } = entry.transaction
    this.#byId.set(id, entry)
    for (const key of spends) this.#spenders.set(key, entry)
    for (const key of makes) this.#makers.set(key, entry)
    this.series.insert(entry)
    const sender = this.#senders.get(name) ?? newSender<T>()
    this.#senders.set(name, sender)
    if (nonce !== undefined) sender.byNonce.set(nonce, entry)
    sender.bytes += size
    this.#bytes += size
    this.#order(entry, sender)
  }

  delete(entry: Entry<T>): void {
    const { id, sender: name, spends, makes, nonce, size } = entry.transaction
    this.#byId.delete(id)
    for (const key of spends) this.#spenders.delete(key)
    for (const key of makes) this.#makers.delete(key)
    this.series.delete(entry)
    this.order.delete(entry)
    this.#bytes -= size
    const sender = this.#senders.get(name)
    if (sender === undefined) return
    if (nonce !== undefined) sender.byNonce.delete(nonce)
    sender.order.delete(entry)
    sender.bytes -= size
    if (sender.order.size === 0) this.#senders.delete(name)
  }

  /** Gives an entry another place in the order. */
  move(entry: Entry<T>, rank: number, order: number): void {
    const sender = this.#senders.get(entry.transaction.sender)
    if (sender === undefined) return
    this.order.delete(entry)
    sender.order.delete(entry)
    entry.rank = rank
    entry.order = order
    this.#order(entry, sender)
  }

  #order(entry: Entry<T>, sender: Sender<T>): void {
    this.order.add(entry)
    sender.order.add(entry)
  }
}

function newSender<T extends PoolTransaction>(): Sender<T> {
  return { order: new OrderedSet<Entry<T>>(comparePlaces), byNonce: new Map(), bytes: 0 }
}

function distinct<V>(items: readonly (V | undefined)[]): V[] {
  const found = items.filter((item) => item !== undefined)
  return found.length < 2 ? found : [...new Set(found)]
}

/** One message as the feed shows it. */
export interface FeedItem {
  /** Counts up from 1 in this node's run. */
  number: number
  /** Name of the kind, such as `energy-order`. */
  kind: string
  /** Peer id of the author. */
  sender: string
  zones: readonly string[]
  /** The author's clock, ms since the epoch. */
  timeMs: number
  /** Our clock, ms since the epoch. */
  receivedAtMs: number
  value: unknown
}

/** Which items are wanted. */
export interface FeedQuery {
  kind?: string | undefined
  zone?: string | undefined
  /** @default 100 */
  limit?: number | undefined
}

/** The newest messages, held in a ring: the oldest gives way. */
export class Feed {
  /** Tells the items of this run of the node from those of others. */
  readonly #run = String(Date.now())
  readonly #ring: FeedItem[] = []
  readonly #capacity: number
  readonly #listeners = new Set<(item: FeedItem) => void>()
  #next = 0
  #added = 0

  /** @throws {RangeError} when `capacity` is below 1 */
  constructor(capacity: number) {
    if (!(capacity >= 1)) throw new RangeError(`capacity must be 1 or more, was ${capacity}`)
    this.#capacity = capacity
  }

  /** Takes a message and tells the subscribers. A subscriber must not throw. */
  add(message: Omit<FeedItem, 'number'>): FeedItem {
    const item = { number: ++this.#added, ...message }
    this.#ring[this.#next] = item
    this.#next = (this.#next + 1) % this.#capacity
    for (const listener of this.#listeners) listener(item)
    return item
  }

  /** Newest first. */
  list({ kind, zone, limit = 100 }: FeedQuery = {}): FeedItem[] {
    const found: FeedItem[] = []
    for (let back = 1; back <= this.#ring.length && found.length < limit; back++) {
      const item = this.#ring[(this.#next - back + this.#capacity) % this.#capacity]
      if (item === undefined) break
      if ((kind === undefined || item.kind === kind) && (zone === undefined || item.zones.includes(zone))) {
        found.push(item)
      }
    }
    return found
  }

  /** Names an item among those of all runs of the node: `<when the run began, ms since the epoch>-<number>`. */
  idOf({ number }: FeedItem): string {
    return `${this.#run}-${number}`
  }

  /** What came after the item with an id, oldest first: the newest `limit`. After one of another run all has come. */
  after(id: string, limit: number): FeedItem[] {
    const [run, number] = id.split('-')
    const seen = run === this.#run ? Number(number) : 0
    return this.list({ limit })
      .filter((item) => item.number > seen)
      .toReversed()
  }

  /** Calls `listener` for each new item. Returns the call that ends it. */
  subscribe(listener: (item: FeedItem) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

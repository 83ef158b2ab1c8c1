import { setTimeout as delay } from 'node:timers/promises'
import { quantile } from '../report.ts'
import { NodeApi } from './node-api.ts'
import { Purse, type Ready } from './transfers.ts'

/** Time that all that was sent has to get into blocks, in ms. */
const SETTLE_MS = 30_000
/** Time between two handfuls of transfers, in ms. */
const STEP_MS = 20

/** The devnet that is to carry transfers. */
export interface LoadInit {
  nodes: readonly { url: string; config: string }[]
}

/** What came of sending at a rate. */
export interface LoadResult {
  sent: number
  /** Answers other than 202. */
  refused: number
  included: number
  /** From the first transfer sent to the last one in a block, in ms. */
  tookMs: number
  /** How late the last transfer was sent, in ms: what the maker of the load was behind. */
  lateMs: number
  p50Ms: number
  p99Ms: number
}

/** Transfers that are signed beforehand, sent to all nodes by turns, and looked for in the blocks of the last one. */
export class Load {
  readonly #apis: readonly NodeApi[]
  readonly #purses: readonly Purse[]
  readonly #seen = new Map<string, number>()
  readonly #unread: { hash: string; atMs: number }[] = []
  readonly #end = new AbortController()
  #ready: Ready[] = []

  private constructor(apis: readonly NodeApi[], purses: readonly Purse[]) {
    this.#apis = apis
    this.#purses = purses
  }

  static async start({ nodes }: LoadInit): Promise<Load> {
    const apis = nodes.map(({ url }) => new NodeApi(url))
    const { chain_id: chainId } = (await apis[0]?.get<{ chain_id: string }>('/chain/info')) ?? { chain_id: '' }
    const purses = await Promise.all(nodes.map(({ config }, index) => Purse.of(config, chainId, index)))
    const load = new Load(apis, purses)
    await apis.at(-1)?.blocks((block) => load.#unread.push(block), load.#end.signal)
    return load
  }

  /** Signs so many transfers, each of an output of its own. */
  async prepare(count: number): Promise<void> {
    const each = Math.ceil(count / this.#purses.length)
    while (this.#purses.some(({ coins }) => coins < each)) {
      const splits = this.#purses.flatMap((purse, index) => purse.split(each).map((ready) => ({ ready, index })))
      for (const { ready, index } of splits) await this.#apis[index]?.post(ready.body)
      await this.#whenSeen(splits.map(({ ready }) => ready.id))
    }
    this.#ready = Array.from({ length: each }, () => this.#purses.map((purse) => purse.payment())).flat()
  }

  /** Sends what is prepared, so many a second. */
  async run(perSecond: number, seconds: number): Promise<LoadResult> {
    const transfers = this.#ready.splice(0, perSecond * seconds)
    const sentAt = new Map<string, number>()
    const answers: Promise<number>[] = []
    const startMs = performance.now()
    while (answers.length < transfers.length) {
      const due = Math.ceil(((performance.now() - startMs) * perSecond) / 1_000)
      for (const { id, body } of transfers.slice(answers.length, due)) {
        sentAt.set(id, performance.now())
        // By turns, so that no node has more to do than the others.
        answers.push(this.#apis[answers.length % this.#apis.length]?.post(body).catch(() => 0) ?? Promise.resolve(0))
      }
      await delay(STEP_MS)
    }
    const lateMs = Math.max(0, performance.now() - startMs - seconds * 1_000)
    const refused = (await Promise.all(answers)).filter((status) => status !== 202).length
    await this.#whenSeen([...sentAt.keys()])
    const delays = [...sentAt].flatMap(([id, atMs]) => (this.#seen.get(id) ?? Infinity) - atMs)
    const included = delays.filter((ms) => ms !== Infinity)
    const lastMs = Math.max(startMs, ...[...sentAt.keys()].map((id) => this.#seen.get(id) ?? 0))
    return {
      sent: sentAt.size,
      refused,
      included: included.length,
      tookMs: lastMs - startMs,
      lateMs,
      // Of all: what is in no block counts as for ever.
      p50Ms: quantile(delays, 0.5),
      p99Ms: quantile(delays, 0.99),
    }
  }

  /** The head of each node, as soon as all have the same one or time is over. */
  async heads(): Promise<string[]> {
    for (let left = SETTLE_MS; ; left -= 100) {
      const heads = await Promise.all(
        this.#apis.map(async (api, index) => {
          // While it changes its branch a node may not find its own head.
          const head = await api.get<{ hash: string; state_root: string }>('/block/latest').catch(() => undefined)
          return head === undefined ? `none at node ${index}` : `${head.hash} ${head.state_root}`
        }),
      )
      if (new Set(heads).size === 1 || left <= 0) return heads
      await delay(100)
    }
  }

  stop(): void {
    this.#end.abort()
    for (const api of this.#apis) api.close()
  }

  /** Waits for all to be in blocks, or not much longer. */
  async #whenSeen(ids: readonly string[]): Promise<void> {
    const endMs = performance.now() + SETTLE_MS
    while (performance.now() < endMs) {
      await this.#readBlocks()
      if (ids.every((id) => this.#seen.has(id))) return
      await delay(200)
    }
  }

  /** Only after the load, so that it takes nothing from the nodes while they are measured. */
  async #readBlocks(): Promise<void> {
    for (const { hash, atMs } of this.#unread.splice(0)) {
      // One that lost its place is of no use to anybody, and may be gone.
      const block = await this.#apis
        .at(-1)
        ?.get<{ main: boolean; transactions: { id: string }[] }>(`/block/${hash}`)
        .catch(() => undefined)
      if (block?.main !== true) continue
      for (const { id } of block.transactions) if (!this.#seen.has(id)) this.#seen.set(id, atMs)
    }
  }
}

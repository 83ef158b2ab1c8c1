import { setTimeout as sleep } from 'node:timers/promises'
import PQueue from 'p-queue'
import { NodeClient } from '../cli/client.ts'
import { publishedMessage } from '../http/schemas.ts'
import type { DayAudit } from './day/audit.ts'
import { ChainDay } from './day/chain-day.ts'
import type { PreparedNode } from './files.ts'
import { type ReplayOrder, ZoneMarket, orderOf, zonePriceSatang } from './market-model.ts'
import { ZONES } from './plan.ts'
import { INTERVAL_MS, type Reading } from './sample-day.ts'

/** Requests under way at once. */
const CONCURRENCY = 8

/** How a day is replayed. */
export interface ReplayInit {
  day: readonly (readonly Reading[])[]
  nodes: readonly PreparedNode[]
  /** How much faster than the clock; 900 makes a quarter of an hour one second. */
  speed: number
  /** Directory of the devnet. */
  data: string
  /** Whether its nodes keep a chain, on which the day is settled. */
  hasChain: boolean
  signal: AbortSignal
  onInterval(done: number, summary: Readonly<ReplaySummary>): void
}

/** How a replay went. */
export interface ReplaySummary {
  readings: number
  orders: number
  marketData: number
  /** Transfers and certified readings, where there is a chain. */
  transactions: number
  /** Messages and transactions that a node did not take. */
  refused: number
  /** Of the chain, at the end of the day. */
  audit?: DayAudit
}

/**
 * Feeds a day to the nodes: each meter's surplus or need as an order, at the same node every time, and after each
 * interval the market data of each zone, by an authority. On a chain the day is settled as well, by transfers of energy
 * and money and by certified readings. Ends early when the signal aborts.
 */
export async function replay({ day, nodes, speed, signal, ...init }: ReplayInit): Promise<ReplaySummary> {
  const summary: ReplaySummary = { readings: 0, orders: 0, marketData: 0, transactions: 0, refused: 0 }
  const chain = init.hasChain ? await ChainDay.open(nodes, init.data) : undefined
  const authorities = clients(nodes.filter(({ role }) => role === 'authority'))
  const traders = clients(nodes.filter(({ role }) => role !== 'authority'))
  const gates = traders.length > 0 ? traders : authorities
  const markets = ZONES.map((zone) => ({ zone, market: new ZoneMarket(zone) }))
  const queue = new PQueue({ concurrency: CONCURRENCY })
  const post = (
    client: NodeClient | undefined,
    path: string,
    body: unknown,
    counter: 'orders' | 'marketData',
  ): void => {
    if (client === undefined) return
    queue
      .add(() => client.post(path, body, publishedMessage))
      .then(() => summary[counter]++)
      .catch(() => summary.refused++)
  }

  await chain?.begin(day[0] ?? [], signal)
  const start = performance.now()
  for (const [interval, readings] of day.entries()) {
    if (signal.aborted) break
    for (const { zone, market } of markets) {
      const local = readings.filter((reading) => reading.zone === zone)
      const price = zonePriceSatang(local)
      for (const reading of local) {
        const order: ReplayOrder | undefined = orderOf(reading, price)
        if (order !== undefined) post(gates[hash(reading.meter) % gates.length], '/orders', order, 'orders')
      }
      post(authorities[interval % authorities.length], '/market-data', market.next(local), 'marketData')
    }
    summary.readings += readings.length
    await Promise.all([queue.onIdle(), chain?.play(readings, day[interval + 1] ?? [], signal)])
    summary.transactions = chain?.sent ?? 0
    init.onInterval(interval + 1, summary)
    const due = start + ((interval + 1) * INTERVAL_MS) / speed
    await sleep(Math.max(0, due - performance.now()), undefined, { signal }).catch(() => {})
  }
  if (chain === undefined || signal.aborted) return summary
  return { ...summary, refused: summary.refused + chain.refused, audit: await chain.audit(signal) }
}

function clients(nodes: readonly PreparedNode[]): NodeClient[] {
  return nodes.map(({ url }) => new NodeClient(url))
}

/** Spreads names over nodes, the same way every time. */
function hash(text: string): number {
  let sum = 0
  for (const char of text) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 1_000_003
  return sum
}

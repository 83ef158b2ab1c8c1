import { setTimeout as delay } from 'node:timers/promises'
import type { Transaction } from '@gridmesh/ledger'
import PQueue from 'p-queue'
import type { z } from 'zod'
import { NodeClient } from '../../cli/client.ts'
import { readWallet } from '../../cli/wallet.ts'
import { NotSettledError } from '../../errors.ts'
import { balanceView, chainInfo, meterView, sentTransaction } from '../../http/chain/schemas.ts'
import { identityPath } from '../../identity.ts'
import type { PreparedNode } from '../files.ts'
import { ZONES } from '../plan.ts'
import type { Reading } from '../sample-day.ts'
import { auditNodes, type DayAudit } from './audit.ts'
import { type KeyedMember, loadMembers } from './members.ts'
import { Settlement } from './settlement.ts'
import { TRADED, Trader } from './trader.ts'
import { unlessMoving } from './unless-moving.ts'

/** Requests under way at once. */
const CONCURRENCY = 16
/** Time between two looks at the nodes, in ms. */
const POLL_MS = 50
/** Time that what was sent may take to be in a block everywhere, in ms. */
const SETTLE_DEADLINE_MS = 60_000

/** The day of a devnet's members on its chain: what they produce, use, buy and pay. */
export class ChainDay {
  readonly #nodes: readonly PreparedNode[]
  readonly #clients: readonly NodeClient[]
  readonly #settlement: Settlement
  readonly #queue = new PQueue({ concurrency: CONCURRENCY })
  #sent = 0
  #refused = 0

  private constructor(nodes: readonly PreparedNode[], settlement: Settlement) {
    this.#nodes = nodes
    this.#clients = nodes.map(({ url }) => new NodeClient(url))
    this.#settlement = settlement
  }

  /**
   * Reads what the members own by now: a day may follow on another.
   * @throws {UnusableFileError} @throws {NodeUnreachableError} @throws {NodeRefusedError}
   */
  static async open(nodes: readonly PreparedNode[], data: string): Promise<ChainDay | undefined> {
    const authority = nodes.find(({ role }) => role === 'authority')
    if (authority === undefined) return undefined
    const client = new NodeClient(authority.url)
    const { chain_id: chainId } = await client.get('/chain/info', chainInfo)
    const { signer } = await readWallet(identityPath(authority.directory))
    const queue = new PQueue({ concurrency: CONCURRENCY })
    const members = await loadMembers(data)
    const traders = await queue.addAll(members.map((member) => async () => loadTrader(client, member)))
    const settlement = new Settlement({
      traders: new Map(traders.map((trader) => [trader.name, trader])),
      authority: signer,
      chainId: Buffer.from(chainId, 'hex'),
      nowMs: Date.now,
    })
    return new ChainDay(nodes, settlement)
  }

  /** Transactions that nodes took. */
  get sent(): number {
    return this.#sent
  }

  /** Transactions that a node refused. */
  get refused(): number {
    return this.#refused
  }

  /** Has the grid feed in what the first interval lacks. */
  async begin(first: readonly Reading[], signal: AbortSignal): Promise<void> {
    await this.#send(this.#settlement.certify([], first), signal)
  }

  /** Lets the members trade for an interval, and certifies what they measured. */
  async play(readings: readonly Reading[], next: readonly Reading[], signal: AbortSignal): Promise<void> {
    await this.#send(this.#settlement.trade(readings), signal)
    await this.#send(this.#settlement.certify(readings, next), signal)
  }

  /** Compares the chains of all nodes. */
  async audit(signal: AbortSignal): Promise<DayAudit> {
    return auditNodes(this.#nodes, { signal })
  }

  /** Sends each transaction by one of the nodes, and waits until all nodes have them in blocks. */
  async #send(transactions: readonly Transaction[], signal: AbortSignal): Promise<void> {
    for (const [index, { bytes }] of transactions.entries()) {
      const client = this.#clients[index % this.#clients.length]
      void this.#queue
        .add(async () =>
          client?.post('/transaction', { bytes: Buffer.from(bytes).toString('base64') }, sentTransaction),
        )
        .then(
          () => this.#sent++,
          () => this.#refused++,
        )
    }
    await this.#queue.onIdle()
    await this.#settled(signal)
  }

  /** Resolves when all nodes have one head and nothing waits for a block, or on an abort. @throws {NotSettledError} */
  async #settled(signal: AbortSignal): Promise<void> {
    const endMs = performance.now() + SETTLE_DEADLINE_MS
    while (!signal.aborted) {
      const chains = await this.#look()
      const isIdle = chains.every(({ mempool }) => mempool.transactions + mempool.waiting === 0)
      const isOne = new Set(chains.map(({ hash }) => hash)).size === 1
      if (isIdle && isOne && chains.length === this.#clients.length) return
      if (performance.now() > endMs) {
        const state = chains.map(({ height, mempool }) => `height ${height}, ${mempool.transactions} wait`).join('; ')
        throw new NotSettledError(state, SETTLE_DEADLINE_MS)
      }
      await delay(POLL_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Where the chains are; without those of nodes that cannot say it now. */
  async #look(): Promise<z.infer<typeof chainInfo>[]> {
    const looks = this.#clients.map(async (client) => unlessMoving(client.get('/chain/info', chainInfo)))
    return (await Promise.all(looks)).filter((chain) => chain !== undefined)
  }
}

async function loadTrader(client: NodeClient, member: KeyedMember): Promise<Trader> {
  const trader = new Trader(member, ZONES.indexOf(member.zone))
  const address = Buffer.from(member.address).toString('hex')
  for (const asset of TRADED) {
    const { outputs } = await client.get(`/state/balances/${address}?asset=${asset}&limit=1000`, balanceView)
    for (const { id, amount, zone } of outputs) trader[asset].put({ id: Buffer.from(id, 'hex'), amount, zone })
  }
  const { sequence } = await client.get(`/state/meters/${member.name}`, meterView)
  trader.sequence = sequence
  return trader
}

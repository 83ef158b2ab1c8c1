import type { BlockSyncEvents, SyncStatus } from '@gridmesh/block-sync'
import type { PeerManagerEvents } from '@gridmesh/interfaces'
import type { AddResult } from '@gridmesh/mempool'
import { TypedEventEmitter } from 'main-event'
import { onTestFinished } from 'vitest'
import type { NodeChain } from '../../src/chain-network/node-chain.ts'
import type { EnergyChain } from '../../src/chain/energy-chain.ts'
import type { EnergyChainInit } from '../../src/chain/init.ts'
import { loadNodeConfig } from '../../src/config/load.ts'
import { Feed } from '../../src/energy/feed.ts'
import { chainRoutes } from '../../src/http/routes/chain.ts'
import { eventRoutes } from '../../src/http/routes/events.ts'
import { stateRoutes } from '../../src/http/routes/state.ts'
import { transactionRoutes } from '../../src/http/routes/transactions.ts'
import { type Api, apiServer } from '../../src/http/server.ts'
import { createLog } from '../../src/logging.ts'
import { opened } from '../chain/chains.ts'

const IDLE: SyncStatus = {
  phase: 'idle',
  progress: undefined,
  peers: [],
  bufferedBytes: 0,
  headersAhead: 0,
  last: undefined,
}

/** A chain that runs, and the API over it. */
export async function startedApi(
  init: Partial<EnergyChainInit> = {},
  flags: Record<string, unknown> = {},
): Promise<{ chain: EnergyChain; node: LoneChain; api: ChainApi }> {
  const chain = await opened(init)
  await chain.start()
  const node = new LoneChain(chain)
  return { chain, node, api: new ChainApi(node, flags) }
}

/** A chain as a node has it, without a network: what is submitted goes into the mempool. */
export class LoneChain implements NodeChain {
  readonly name = 'test'
  readonly zones = ['central', 'bangkok']
  readonly chain: EnergyChain
  readonly sync = Object.assign(new TypedEventEmitter<BlockSyncEvents>(), { status: (): SyncStatus => this.syncStatus })
  syncStatus = IDLE
  failure: Error | undefined
  /** What `submit` answers in the place of the mempool. */
  answer: AddResult | undefined

  constructor(chain: EnergyChain) {
    this.chain = chain
  }

  async submit(bytes: Uint8Array): Promise<AddResult> {
    return this.answer ?? (await this.chain.mempool.add(bytes))
  }
}

export interface Answer {
  status: number
  success: boolean
  code: string
  error: string
  data: Record<string, unknown>
}

/** The routes of the chain, of a node that is nothing else. */
export class ChainApi {
  readonly app: Api
  readonly peerManager = new TypedEventEmitter<PeerManagerEvents>()
  readonly feed = new Feed(10)
  #url: Promise<string> | undefined

  constructor(chain: NodeChain | undefined, flags: Record<string, unknown> = {}) {
    const { config } = loadNodeConfig({ flags })
    const log = createLog({ ...config.logs, level: 'silent' })
    const { peerManager, feed } = this
    const node = { chain, config, log, feed, libp2p: { services: { peerManager } } }
    this.app = apiServer(node, (api) => {
      chainRoutes(api, node)
      transactionRoutes(api, node)
      stateRoutes(api, node)
      eventRoutes(api, node)
    })
    onTestFinished(async () => this.app.close())
  }

  async get(path: string): Promise<Answer> {
    return this.#call('GET', path)
  }

  async post(path: string, body: object, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#call('POST', path, body, headers)
  }

  /** Listens on a free port of this machine, once. */
  async listen(): Promise<string> {
    this.#url ??= this.app.listen({ host: '127.0.0.1', port: 0 })
    return this.#url
  }

  async #call(
    method: 'GET' | 'POST',
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const url = `/api/v1${path}`
    const host = { host: '127.0.0.1' }
    const payload = body === undefined ? {} : { payload: body }
    const response = await this.app.inject({ method, url, headers: { ...host, ...headers }, ...payload })
    return { status: response.statusCode, ...response.json<Omit<Answer, 'status'>>() }
  }
}

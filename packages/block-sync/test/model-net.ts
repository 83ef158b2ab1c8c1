import {
  type BlocksAnswer,
  blocksCodec,
  BlockServer,
  type BlockServerComponents,
  type GetBlocks,
  getBlocksCodec,
  type GetHeaders,
  getHeadersCodec,
  type GetStatePiece,
  getStatePieceCodec,
  type HeadersAnswer,
  headersCodec,
  type Offence,
  type StatePieceAnswer,
  statePieceCodec,
  type SyncPeer,
  type SyncPeers,
  type SyncRequests,
} from '../src/index.ts'
import type { ChainBackend, ChainTip } from '@gridmesh/interfaces'
import type { ChainReader } from '../src/index.ts'
import { reader as modelReader } from './model-chain.ts'

/** How a peer answers: its server by default. */
export interface Behaviour {
  /** Time that an answer takes, in ms; `Infinity` never comes. */
  delayMs?: number | (() => number)
  headers?(request: GetHeaders, honest: HeadersAnswer): HeadersAnswer | Promise<HeadersAnswer>
  blocks?(request: GetBlocks, honest: BlocksAnswer): BlocksAnswer | Promise<BlocksAnswer>
  statePiece?(request: GetStatePiece, honest: StatePieceAnswer): StatePieceAnswer
  /** What it claims to have. */
  tip?: ((honest: ChainTip) => ChainTip) | undefined
}

export interface ModelPeer<C extends ChainBackend = ChainBackend> {
  id: string
  chain: C
  server: BlockServer
  behaviour: Behaviour
  isReady: boolean
  /** Requests for blocks under way. */
  running: number
}

/** Peers in memory. All that is asked and answered goes through the codecs. */
export class ModelNet implements SyncPeers, SyncRequests {
  readonly all: ModelPeer[] = []
  readonly reports: { peer: string; offence: Offence; message: string }[] = []
  readonly asked: { peer: string; kind: 'headers' | 'blocks' | 'piece' }[] = []
  /** Most requests for blocks that were under way at once, and most to one peer. */
  most = { running: 0, toOne: 0, peers: 0 }
  listeners = new Set<() => void>()
  readonly #reader: ChainReader

  constructor(reader: ChainReader = modelReader) {
    this.#reader = reader
  }

  join<C extends ChainBackend>(
    id: string,
    chain: C,
    behaviour: Behaviour = {},
    state?: BlockServerComponents['state'],
  ): ModelPeer<C> {
    const server = new BlockServer({ chain, reader: this.#reader, ...(state === undefined ? {} : { state }) })
    const peer = { id, chain, server, behaviour, isReady: true, running: 0 }
    this.all.push(peer)
    this.changed()
    return peer
  }

  changed(): void {
    for (const listener of this.listeners) listener()
  }

  peers(): SyncPeer[] {
    return this.all.map(({ id, server, isReady, behaviour }) => {
      const status = server.status()
      return { id, isReady, ...status, tip: behaviour.tip?.(status.tip) ?? status.tip }
    })
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  report(peer: string, offence: Offence, message: string): void {
    this.reports.push({ peer, offence, message })
  }

  async headers(id: string, request: GetHeaders, { signal }: { signal: AbortSignal }): Promise<HeadersAnswer> {
    const peer = await this.#reach(id, 'headers', signal)
    const asked = getHeadersCodec.decode(getHeadersCodec.encode(request))
    const honest = await peer.server.headers(asked, { signal })
    const answer = (await until(signal, peer.behaviour.headers?.(asked, honest))) ?? honest
    return headersCodec.decode(headersCodec.encode(answer))
  }

  async blocks(id: string, request: GetBlocks, { signal }: { signal: AbortSignal }): Promise<BlocksAnswer> {
    const running = this.all.find((peer) => peer.id === id)
    if (running !== undefined) running.running++
    this.#count()
    try {
      const peer = await this.#reach(id, 'blocks', signal)
      const asked = getBlocksCodec.decode(getBlocksCodec.encode(request))
      const honest = await peer.server.blocks(asked, { signal })
      const answer = (await until(signal, peer.behaviour.blocks?.(asked, honest))) ?? honest
      return blocksCodec.decode(blocksCodec.encode(answer))
    } finally {
      if (running !== undefined) running.running--
    }
  }

  async statePiece(id: string, request: GetStatePiece, { signal }: { signal: AbortSignal }): Promise<StatePieceAnswer> {
    const peer = await this.#reach(id, 'piece', signal)
    const asked = getStatePieceCodec.decode(getStatePieceCodec.encode(request))
    const honest = await peer.server.statePiece(asked, { signal })
    const answer = peer.behaviour.statePiece?.(asked, honest) ?? honest
    return statePieceCodec.decode(statePieceCodec.encode(answer))
  }

  #count(): void {
    const running = this.all.map((peer) => peer.running)
    this.most = {
      running: Math.max(
        this.most.running,
        running.reduce((a, b) => a + b, 0),
      ),
      toOne: Math.max(this.most.toOne, ...running),
      peers: Math.max(this.most.peers, running.filter((count) => count > 0).length),
    }
  }

  async #reach(id: string, kind: 'headers' | 'blocks' | 'piece', signal: AbortSignal): Promise<ModelPeer> {
    this.asked.push({ peer: id, kind })
    const peer = this.all.find((one) => one.id === id)
    const { delayMs = 1 } = peer?.behaviour ?? {}
    const ms = typeof delayMs === 'number' ? delayMs : delayMs()
    await new Promise<void>((resolve, reject) => {
      const timer = ms === Infinity ? undefined : setTimeout(resolve, ms)
      const onAbort = (): void => {
        clearTimeout(timer)
        reject(new TypeError('aborted'))
      }
      if (signal.aborted) onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
    })
    if (peer?.isReady !== true) throw new TypeError('nobody is there')
    return peer
  }
}

/** What comes, unless it is not waited for any more. */
function until<T>(signal: AbortSignal, answer: T | Promise<T>): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new TypeError('aborted')), { once: true })
  })
  return Promise.race([answer, aborted])
}

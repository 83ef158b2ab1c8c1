import {
  blocksCodec,
  BlockServer,
  BlockSync,
  type BlockSyncInit,
  type ChainReader,
  getBlocksCodec,
  getHeadersCodec,
  getStatePieceCodec,
  headersCodec,
  statePieceCodec,
  type SyncPeer,
  type SyncPeers,
  type SyncRequests,
} from '@gridmesh/block-sync'
import { type EnergyChain, ledgerReader } from '@gridmesh/node'
import type { ChainAt } from './chain-at.ts'

/** Peers in this process, all of which give the same chain; what is asked and answered goes through the codecs. */
export class ProcessNet implements SyncPeers, SyncRequests {
  readonly #servers: readonly BlockServer[]
  readonly #listeners = new Set<() => void>()

  constructor(chain: EnergyChain, peers: number, reader: ChainReader) {
    const { backend, stateReader } = chain
    this.#servers = Array.from({ length: peers }, () => new BlockServer({ chain: backend, reader, state: stateReader }))
    chain.addEventListener('chain:head', () => {
      for (const listener of this.#listeners) listener()
    })
  }

  peers(): SyncPeer[] {
    return this.#servers.map((server, i) => ({ id: String(i), isReady: true, ...server.status() }))
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  report(peer: string, offence: string, message: string): void {
    throw new TypeError(`peer ${peer} was reported: ${offence}: ${message}`)
  }

  headers: SyncRequests['headers'] = async (id, request, options) => {
    const asked = getHeadersCodec.decode(getHeadersCodec.encode(request))
    return headersCodec.decode(headersCodec.encode(await this.#server(id).headers(asked, options)))
  }

  blocks: SyncRequests['blocks'] = async (id, request, options) => {
    const asked = getBlocksCodec.decode(getBlocksCodec.encode(request))
    return blocksCodec.decode(blocksCodec.encode(await this.#server(id).blocks(asked, options)))
  }

  statePiece: SyncRequests['statePiece'] = async (id, request, options) => {
    const asked = getStatePieceCodec.decode(getStatePieceCodec.encode(request))
    return statePieceCodec.decode(statePieceCodec.encode(await this.#server(id).statePiece(asked, options)))
  }

  #server(id: string): BlockServer {
    const server = this.#servers[Number(id)]
    if (server === undefined) throw new RangeError(`no peer ${id}`)
    return server
  }
}

/** Lets a chain catch up with another one, and gives the time that it took, in ms. */
export async function catchUp(at: ChainAt, from: ChainAt, peers: number, init: BlockSyncInit = {}): Promise<number> {
  return catchUpBy(at, new ProcessNet(from.chain, peers, readerOf(at)), init)
}

/** The same, by whatever peers there are. */
export async function catchUpBy(at: ChainAt, net: SyncPeers & SyncRequests, init: BlockSyncInit): Promise<number> {
  const sync = syncOf(at, net, { behind: 2 ** 40, ...init })
  const begin = performance.now()
  sync.start()
  const result = await sync.sync()
  const ms = performance.now() - begin
  await sync.stop()
  if (result.status !== 'synced') throw new TypeError(`not synced: ${result.message}`)
  return ms
}

/** A sync of a chain, with checkpoints where `checkpointBehind` is given. */
export function syncOf(at: ChainAt, net: SyncPeers & SyncRequests, init: BlockSyncInit): BlockSync {
  const { chain } = at
  const prepare = (block: Uint8Array): void => chain.prepareBlock(block)
  const components = { chain: chain.backend, reader: readerOf(at), peers: net, requests: net, prepare }
  const more = init.checkpointBehind === undefined ? {} : { state: chain.stateTarget }
  return new BlockSync({ ...components, ...more }, init)
}

function readerOf({ chain, verifier }: ChainAt): ChainReader {
  return ledgerReader(async (claims, options) => verifier.verify(claims, options), chain.registry)
}

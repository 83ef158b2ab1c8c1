import {
  blocksCodec,
  BlockServer,
  BlockSync,
  type BlockSyncInit,
  getBlocksCodec,
  getHeadersCodec,
  getStatePieceCodec,
  headersCodec,
  type Offence,
  statePieceCodec,
  type StatePieceAnswer,
  type SyncPeer,
  type SyncPeers,
  type SyncRequests,
  type SyncResult,
} from '@gridmesh/block-sync'
import { defaultRegistry } from '@gridmesh/ledger'
import { expect, vi } from 'vitest'
import { ledgerReader } from '../../src/chain-network/reader.ts'
import type { EnergyChain } from '../../src/chain/energy-chain.ts'
import { verifyHere } from '../../src/chain/verifier.ts'
import { at } from './chains.ts'

type Lie = (answer: StatePieceAnswer, piece: number) => StatePieceAnswer

type Server = Pick<BlockServer, 'status' | 'headers' | 'blocks' | 'statePiece'>

interface Peer {
  id: string
  server: Server
  lie: Lie
}

const READER = ledgerReader(verifyHere, defaultRegistry)

/** Chains that a sync asks, in memory; all that is asked and answered goes through the codecs. */
export class SyncNet implements SyncPeers, SyncRequests {
  readonly #peers: Peer[] = []
  readonly reports: { peer: string; offence: Offence }[] = []
  /** Pieces that were asked for, in order. */
  readonly pieces: { peer: string; piece: number }[] = []

  join(id: string, chain: EnergyChain, lie: Lie = (answer) => answer): void {
    const server = new BlockServer({ chain: chain.backend, reader: READER, state: chain.stateReader })
    this.#peers.push({ id, server, lie })
  }

  /** Lets somebody join that answers as it likes. */
  joinAs(id: string, server: Server): void {
    this.#peers.push({ id, server, lie: (answer) => answer })
  }

  peers(): SyncPeer[] {
    return this.#peers.map(({ id, server }) => ({ id, isReady: true, ...server.status() }))
  }

  subscribe(): () => void {
    return () => undefined
  }

  report(peer: string, offence: Offence): void {
    this.reports.push({ peer, offence })
  }

  headers: SyncRequests['headers'] = async (id, request, options) => {
    const asked = getHeadersCodec.decode(getHeadersCodec.encode(request))
    return headersCodec.decode(headersCodec.encode(await this.#serverOf(id).headers(asked, options)))
  }

  blocks: SyncRequests['blocks'] = async (id, request, options) => {
    const asked = getBlocksCodec.decode(getBlocksCodec.encode(request))
    return blocksCodec.decode(blocksCodec.encode(await this.#serverOf(id).blocks(asked, options)))
  }

  statePiece: SyncRequests['statePiece'] = async (id, request, options) => {
    const asked = getStatePieceCodec.decode(getStatePieceCodec.encode(request))
    this.pieces.push({ peer: id, piece: asked.piece })
    const answer = await this.#serverOf(id).statePiece(asked, options)
    const told = at(
      this.#peers.filter((peer) => peer.id === id),
      0,
    ).lie(answer, asked.piece)
    return statePieceCodec.decode(statePieceCodec.encode(told))
  }

  #serverOf(id: string): Server {
    return at(
      this.#peers.filter((peer) => peer.id === id),
      0,
    ).server
  }
}

/** A sync of a chain from the peers of a net, which takes checkpoints. */
export function syncOf(chain: EnergyChain, net: SyncNet, init: BlockSyncInit = {}): BlockSync {
  const { backend, stateTarget, history } = chain
  return new BlockSync(
    { chain: backend, reader: READER, peers: net, requests: net, state: stateTarget, history },
    { behind: 1_000_000, checkpointBehind: 3, ...init },
  )
}

/** Catches up once. With `isWhole`, the history as well. */
export async function syncOnce(chain: EnergyChain, net: SyncNet, isWhole = false): Promise<SyncResult> {
  const sync = syncOf(chain, net)
  sync.start()
  const result = await sync.sync()
  if (isWhole) await vi.waitFor(() => expect(chain.history.lowest()).toBeUndefined(), { timeout: 30_000, interval: 5 })
  await sync.stop()
  return result
}

import type { BlockServer, BlockSync } from '@gridmesh/block-sync'
import type { MessageContext, MessageKind, Messages, Verdict } from '@gridmesh/interfaces'
import type { Logger } from '@libp2p/interface'
import type { EnergyChain } from '../chain/energy-chain.ts'
import type { ChainPeers } from './chain-peers.ts'
import {
  engineKind,
  FEW_BLOCKS,
  FEW_BLOCKS_BYTES,
  getBlocksKind,
  getFewBlocksKind,
  getHeadersKind,
  getStatePieceKind,
  statusKind,
  transactionKind,
} from './kinds.ts'
import { isProof, transactionsVerdict } from './verdicts.ts'

/** What the messages of a chain are judged by, and where they go. */
export interface ChainMessagesParts {
  messages: Messages
  chain: Pick<EnergyChain, 'engine' | 'mempool' | 'headers'>
  sync: Pick<BlockSync, 'unknownParent'>
  server: Pick<BlockServer, 'headers' | 'blocks' | 'statePiece'>
  peers: Pick<ChainPeers, 'take'>
  /** A block, or evidence, was refused for good. */
  onRefused: (code: string) => void
  log: Logger
}

/**
 * Carries what a chain says and hears. Blocks, transactions and evidence are judged before they are passed on, so that
 * whoever brings what is false is the one who pays.
 */
export class ChainMessages {
  readonly #parts: ChainMessagesParts
  readonly #engineKinds: ReadonlyMap<string, MessageKind<Uint8Array>>
  #ends: (() => void)[] = []

  constructor(parts: ChainMessagesParts) {
    this.#parts = parts
    this.#engineKinds = new Map(parts.chain.engine.messages.map((message) => [message.kind, engineKind(message)]))
  }

  /** Takes what comes. */
  start(): void {
    if (this.#ends.length > 0) return
    const { messages, peers, server } = this.#parts
    this.#ends = [
      ...[...this.#engineKinds.values()].map((kind) =>
        messages.on(kind, takeNothing, { validate: async (bytes, context) => this.#judge(kind.kind, bytes, context) }),
      ),
      messages.on(transactionKind, takeNothing, {
        validate: async (bytes, { signal }) => this.#judgeTransactions([bytes], signal),
        validateBatch: async (list, { signal }) => this.#judgeTransactions(list, signal),
      }),
      messages.on(statusKind, (status, { sender }) => (status === undefined ? undefined : peers.take(sender, status)), {
        validate: (_, { via }) => (via === 'unicast' ? 'accept' : 'reject'),
      }),
      messages.respond(getHeadersKind, async (request, { signal }) => server.headers(request, { signal })),
      messages.respond(getFewBlocksKind, async ({ hashes, maxBytes }, { signal }) => {
        const few = { hashes: hashes.slice(0, FEW_BLOCKS), maxBytes: Math.min(maxBytes, FEW_BLOCKS_BYTES) }
        return server.blocks(few, { signal })
      }),
      messages.respond(getBlocksKind, async (request, { signal }) => server.blocks(request, { signal })),
      messages.respond(getStatePieceKind, async (request, { signal }) => server.statePiece(request, { signal })),
    ]
  }

  /** Takes nothing any more. */
  stop(): void {
    for (const end of this.#ends) end()
    this.#ends = []
  }

  /** Tells everybody what the engine has to say. @throws {RangeError} for a kind that is not the engine's */
  async publish(kind: string, bytes: Uint8Array): Promise<void> {
    const message = this.#engineKinds.get(kind)
    if (message === undefined) throw new RangeError(`the engine has no messages of kind ${kind}`)
    await this.#parts.messages.broadcast(message, bytes)
  }

  /** Tells everybody of a transaction that the mempool has taken. */
  async publishTransaction(bytes: Uint8Array): Promise<void> {
    await this.#parts.messages.broadcast(transactionKind, bytes)
  }

  async #judge(kind: string, bytes: Uint8Array, { from }: MessageContext): Promise<Verdict> {
    const { chain, sync, onRefused, log } = this.#parts
    try {
      const { verdict, code = 'invalid', message, unknownParent } = await chain.engine.receive(kind, bytes)
      if (unknownParent !== undefined) {
        sync.unknownParent(from.toString(), chain.headers.decode(chain.headers.ofBlock(bytes)))
      }
      if (verdict !== 'reject') return verdict
      onRefused(code)
      log('%s from %p is refused: %s: %s', kind, from, code, message)
      return isProof(code) ? 'reject' : 'ignore'
    } catch (err) {
      // It says nothing of the message: the chain has no room, no time, or has failed.
      log.trace('%s from %p is not judged: %e', kind, from, err)
      return 'ignore'
    }
  }

  async #judgeTransactions(list: readonly Uint8Array[], signal: AbortSignal): Promise<Verdict> {
    try {
      return transactionsVerdict(await this.#parts.chain.mempool.addAll(list, { signal }))
    } catch (err) {
      this.#parts.log.trace('%d transactions are not judged: %e', list.length, err)
      return 'ignore'
    }
  }
}

/** All of the work is in the judging, whose verdict says whether to pass a message on. */
function takeNothing(): void {}

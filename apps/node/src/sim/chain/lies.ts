import { setTimeout as delay } from 'node:timers/promises'
import {
  type BlocksAnswer,
  blocksCodec,
  type GetBlocks,
  getBlocksCodec,
  type GetHeaders,
  getHeadersCodec,
  type GetStatePiece,
  getStatePieceCodec,
  type HeadersAnswer,
  headersCodec,
  statePieceCodec,
  type StatePieceAnswer,
  type Status,
  statusCodec,
} from '@gridmesh/block-sync'
import type { Messages } from '@gridmesh/interfaces'
import {
  buildGenesis,
  decodeBlock,
  decodePiece,
  defaultRegistry,
  encodeBlock,
  encodePiece,
  type Genesis,
  type LedgerSigner,
  signHeader,
  toHex,
  txRoot,
} from '@gridmesh/ledger'
import {
  getBlocksKind,
  getFewBlocksKind,
  getHeadersKind,
  getStatePieceKind,
  statusKind,
} from '../../chain-network/kinds.ts'
import { ForgedCheckpoint, ForgedState } from './forged-checkpoint.ts'
import type { LieName } from './scenario.ts'

/** Blocks that a liar claims to have beyond the others. */
const CLAIMED = 40
const ENDLESS = 1_000_000
/** Time that an answer of forged headers takes, in ms: each has to be signed. */
const HEADERS_MS = 200
/** The same where somebody is to wait for it: less than a peer is given up after. */
const SLOW_MS = 4_500
const HASH_BYTES = 32
const BLOCK_INTERVAL_MS = 1_000
/** The message that carries a block. */
const BLOCK = 'block'

/** What a node says in the place of the truth. */
interface Lie {
  status?(honest: Status): Status
  headers?(request: GetHeaders, honest: HeadersAnswer): HeadersAnswer
  /** Time that this takes, in ms. @default `HEADERS_MS` */
  headersMs?: number
  blocks?(honest: BlocksAnswer): BlocksAnswer
  /** Where few are asked for. */
  fewBlocks?(request: GetBlocks, honest: BlocksAnswer): BlocksAnswer
  piece?(honest: StatePieceAnswer, request: GetStatePiece): StatePieceAnswer
  /** In the place of a block of its own. */
  block?(bytes: Uint8Array): Uint8Array
}

/** What a liar needs. */
export interface LiarInit {
  readonly genesis: Genesis
  /** Signs what is made up. */
  readonly signer: LedgerSigner
  /** Whether it lies now. */
  isLying(): boolean
  /** It has lied. */
  onLie?(): void
}

/** Messages by which a node lies, over those by which it tells the truth. */
export function lyingMessages(messages: Messages, name: LieName, init: LiarInit): Messages {
  const lie = lieOf(name, init)
  const told = <T>(value: T): T => {
    init.onLie?.()
    return value
  }
  return {
    on: (kind, handler, options) => messages.on(kind, handler, options),
    request: async (peer, kind, value, options) => messages.request(peer, kind, value, options),
    respond: (kind, handler, options) =>
      messages.respond(
        kind,
        async (value, context) => {
          const honest = await handler(value, context)
          if (!init.isLying()) return honest
          // Through the codecs, so that each is of the type that it should be.
          const truth = kind.reply.encode(honest)
          if (kind.kind === getHeadersKind.kind && lie.headers !== undefined) {
            await delay(lie.headersMs ?? HEADERS_MS)
            const request = getHeadersCodec.decode(kind.codec.encode(value))
            return kind.reply.decode(headersCodec.encode(told(lie.headers(request, headersCodec.decode(truth)))))
          }
          if (kind.kind === getBlocksKind.kind && lie.blocks !== undefined) {
            return kind.reply.decode(blocksCodec.encode(told(lie.blocks(blocksCodec.decode(truth)))))
          }
          if (kind.kind === getFewBlocksKind.kind && lie.fewBlocks !== undefined) {
            const request = getBlocksCodec.decode(kind.codec.encode(value))
            return kind.reply.decode(blocksCodec.encode(told(lie.fewBlocks(request, blocksCodec.decode(truth)))))
          }
          if (kind.kind === getStatePieceKind.kind && lie.piece !== undefined) {
            const request = getStatePieceCodec.decode(kind.codec.encode(value))
            return kind.reply.decode(statePieceCodec.encode(told(lie.piece(statePieceCodec.decode(truth), request))))
          }
          return honest
        },
        options,
      ),
    async send(peer, kind, value, options) {
      if (kind.kind !== statusKind.kind || lie.status === undefined || !init.isLying())
        return messages.send(peer, kind, value, options)
      const status = told(lie.status(statusCodec.decode(kind.codec.encode(value))))
      return messages.send(peer, statusKind, status, options)
    },
    async broadcast(kind, value, options) {
      if (kind.kind !== BLOCK || lie.block === undefined || !init.isLying())
        return messages.broadcast(kind, value, options)
      return messages.broadcast(kind, kind.codec.decode(told(lie.block(kind.codec.encode(value)))), options)
    },
  }
}

function claim({ tip, finalised }: Status, ahead: number): Status {
  return { finalised, tip: { height: tip.height + ahead, hash: toHex(new Uint8Array(HASH_BYTES).fill(0xfe)) } }
}

function withhold({ blocks }: BlocksAnswer): BlocksAnswer {
  return { blocks: blocks.map(() => undefined) }
}

/** A piece with something else in its first entry: of an output, another owner. */
function falsify({ piece }: StatePieceAnswer): StatePieceAnswer {
  if (piece === undefined) return { piece }
  const { entries, ...proved } = decodePiece(piece)
  const [[key, value] = [new Uint8Array(1), new Uint8Array(1)], ...others] = entries
  const other = value.map((byte, at) => (at === value.byteLength - 1 ? byte ^ 1 : byte))
  return { piece: encodePiece({ ...proved, entries: [[key, other], ...others] }) }
}

function lieOf(name: LieName, init: LiarInit): Lie {
  const forger = new Forger(init)
  const forged = new ForgedCheckpoint(new ForgedState(init.genesis, init.signer))
  const lies: Readonly<Record<LieName, Lie>> = {
    'false-block': { block: (bytes) => forger.withFalseState(bytes) },
    'false-checkpoint': {
      status: (status) => forged.status(status),
      headers: (request, honest) => forged.headers(request, honest),
      fewBlocks: (request, honest) => forged.blocks(request, honest),
      piece: (honest, request) => forged.piece(request, honest),
    },
    'false-piece': { piece: falsify },
    'withheld-piece': { piece: () => ({ piece: undefined }), blocks: withhold },
    'old-tip': {
      status: ({ finalised }) => ({ finalised, tip: { height: ENDLESS, hash: finalised.hash } }),
      headers: (_, honest) => honest,
      headersMs: SLOW_MS,
    },
    'false-height': { status: (status) => claim(status, ENDLESS) },
    'withheld-body': {
      status: (status) => claim(status, CLAIMED),
      headers: (request, honest) => forger.upon(request, honest, CLAIMED),
      blocks: withhold,
    },
    'endless-headers': {
      status: (status) => claim(status, ENDLESS),
      headers: (request, honest) => forger.upon(request, honest, Infinity),
      blocks: withhold,
    },
  }
  return lies[name]
}

/** Makes what looks true, and is signed by whoever makes it. */
class Forger {
  readonly #chainId: Uint8Array
  readonly #signer: LedgerSigner
  /** Headers by parent, so that whoever asks is given the same ones. */
  readonly #made = new Map<string, { hash: string; bytes: Uint8Array }>()
  readonly #tops = new Map<string, number>()

  constructor({ genesis, signer }: LiarInit) {
    this.#chainId = buildGenesis(genesis).chainId
    this.#signer = signer
  }

  /** The same block with another state after it. */
  withFalseState(bytes: Uint8Array): Uint8Array {
    const { header, transactions } = decodeBlock(bytes, defaultRegistry)
    const stateRoot = Uint8Array.from(header.stateRoot, (byte) => byte ^ 0xff)
    return encodeBlock({ header: signHeader({ ...header, stateRoot }, this.#signer), transactions })
  }

  /** Headers upon the first place that is asked about, up to so many of them in all. Asked by height it is honest. */
  upon({ locator, limit }: GetHeaders, honest: HeadersAnswer, most: number): HeadersAnswer {
    const [from] = locator ?? []
    if (from === undefined) return honest
    const top = this.#tops.get(from.hash) ?? from.height + most
    const headers: Uint8Array[] = []
    let at = from
    while (headers.length < limit && at.height < top) {
      const next = this.#next(at)
      headers.push(next.bytes)
      at = { height: at.height + 1, hash: next.hash }
    }
    this.#tops.set(at.hash, top)
    return { status: 'found', headers }
  }

  #next(parent: { height: number; hash: string }): { hash: string; bytes: Uint8Array } {
    const known = this.#made.get(parent.hash)
    if (known !== undefined) return known
    const { hash, bytes } = signHeader(
      {
        chainId: this.#chainId,
        height: parent.height + 1,
        parent: Buffer.from(parent.hash, 'hex'),
        timeMs: Date.now() + (parent.height % CLAIMED) * BLOCK_INTERVAL_MS,
        kind: 'energy',
        proposer: this.#signer.publicKey,
        txRoot: txRoot([]),
        stateRoot: new Uint8Array(HASH_BYTES),
        gridSequence: 0,
      },
      this.#signer,
    )
    const made = { hash: toHex(hash), bytes }
    this.#made.set(parent.hash, made)
    return made
  }
}

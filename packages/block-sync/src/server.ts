import type { ChainBackend, ChainTip } from '@gridmesh/interfaces'
import {
  MAX_BLOCKS_ANSWER_BYTES,
  MAX_HASHES,
  MAX_HEADERS,
  MAX_HEADERS_ANSWER_BYTES,
  MAX_PIECE_BYTES,
} from './constants.ts'
import type {
  BlocksAnswer,
  GetBlocks,
  GetHeaders,
  GetStatePiece,
  HeadersAnswer,
  StatePieceAnswer,
  Status,
} from './messages.ts'
import { whole } from './options.ts'
import type { CallOptions, ChainReader, StateReader } from './ports.ts'

const DEFAULT_MAX_HEADERS = 2_000
const DEFAULT_MAX_BLOCKS = 1_000
const DEFAULT_MAX_BYTES = 4_194_304
/** Blocks read from the chain at once. */
const READ_AT_ONCE = 8
/** What an answer has beside its headers: version, status, count, and a length each. */
const HEADERS_OVERHEAD = 4
const HEADER_OVERHEAD = 2

/** Options of a server. */
export interface BlockServerInit {
  /** Headers of an answer, up to 2_000; who asks for more gets so many. @default 2_000 */
  maxHeaders?: number
  /** Blocks of an answer, up to 1_000; who asks for more gets so many. @default 1_000 */
  maxBlocks?: number
  /** Bytes of the blocks of an answer, up to 16_777_216; a single one may be longer. @default 4_194_304 */
  maxBytes?: number
}

/** What a server is built on. */
export interface BlockServerComponents {
  chain: ChainBackend
  reader: Pick<ChainReader, 'header'>
  /** Gives pieces of a state. @default none are given */
  state?: StateReader & {
    /** The block whose state it has; `undefined` while it has none. */
    checkpoint(): ChainTip | undefined
  }
}

/** Answers what other nodes ask when they catch up, each answer within bounds. Who asks how often is for rate limits. */
export class BlockServer {
  readonly #components: BlockServerComponents
  readonly #maxHeaders: number
  readonly #maxBlocks: number
  readonly #maxBytes: number

  /** @throws {RangeError} when a number is out of its range */
  constructor(components: BlockServerComponents, init: BlockServerInit = {}) {
    this.#components = components
    this.#maxHeaders = whole('maxHeaders', init.maxHeaders ?? DEFAULT_MAX_HEADERS, 1, MAX_HEADERS)
    this.#maxBlocks = whole('maxBlocks', init.maxBlocks ?? DEFAULT_MAX_BLOCKS, 1, MAX_HASHES)
    this.#maxBytes = whole('maxBytes', init.maxBytes ?? DEFAULT_MAX_BYTES, 1, MAX_BLOCKS_ANSWER_BYTES)
  }

  /** What to say of oneself in the handshake, and whenever it changes. */
  status(): Status {
    const { chain, state } = this.#components
    const [tip, finalised, checkpoint] = [chain.tip(), chain.finalised(), state?.checkpoint()]
    const status = { tip, finalised: finalised.height > tip.height ? tip : finalised }
    // A state that is not final could be reverted while somebody fetches it.
    return checkpoint === undefined || checkpoint.height > finalised.height ? status : { ...status, checkpoint }
  }

  /** Headers after the first place of the locator that is in the chain, or from a height on. */
  async headers({ limit, locator, height }: GetHeaders, options: CallOptions): Promise<HeadersAnswer> {
    const from = locator === undefined ? height : await this.#forkHeight(locator, options)
    if (from === undefined) return { status: 'no-common' }
    const found = await this.#components.chain.headers(from, Math.min(limit, this.#maxHeaders), options)
    const headers: Uint8Array[] = []
    let bytes = HEADERS_OVERHEAD
    for (const header of found) {
      bytes += HEADER_OVERHEAD + header.byteLength
      if (bytes > MAX_HEADERS_ANSWER_BYTES) break
      headers.push(header)
    }
    return { status: 'found', headers }
  }

  /** What is held of the first blocks asked for, up to a number and a sum of bytes, but at least one. */
  async blocks({ hashes, maxBytes }: GetBlocks, options: CallOptions): Promise<BlocksAnswer> {
    const most = Math.min(maxBytes, this.#maxBytes)
    const blocks: (Uint8Array | undefined)[] = []
    let bytes = 0
    for (let at = 0; at < Math.min(hashes.length, this.#maxBlocks); at += READ_AT_ONCE) {
      const end = Math.min(at + READ_AT_ONCE, this.#maxBlocks)
      for (const block of await this.#components.chain.blocks(hashes.slice(at, end), options)) {
        bytes += block?.byteLength ?? 0
        if (bytes > most && blocks.length > 0) return { blocks }
        blocks.push(block)
      }
    }
    return { blocks }
  }

  /** A piece of the state; none where that state is not held, or the piece is too long to be sent. */
  async statePiece(request: GetStatePiece, options: CallOptions): Promise<StatePieceAnswer> {
    const piece = await this.#components.state?.piece(request, options)
    return { piece: piece === undefined || piece.byteLength > MAX_PIECE_BYTES ? undefined : piece }
  }

  /** The height after the highest place of a locator that is in the chain. */
  async #forkHeight(locator: readonly ChainTip[], options: CallOptions): Promise<number | undefined> {
    const { chain, reader } = this.#components
    for (const { height, hash } of locator) {
      const [header] = height > chain.tip().height ? [] : await chain.headers(height, 1, options)
      if (header !== undefined && reader.header(header).hash === hash) return height + 1
    }
    return undefined
  }
}

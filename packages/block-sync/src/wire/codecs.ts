import type { ChainTip, Codec } from '@gridmesh/interfaces'
import {
  MAX_BLOCKS_ANSWER_BYTES,
  MAX_HASH_BYTES,
  MAX_HASHES,
  MAX_HEADER_BYTES,
  MAX_HEADERS,
  MAX_HEADERS_ANSWER_BYTES,
  MAX_LOCATOR,
  MAX_PIECE_BYTES,
  MAX_PIECES,
  MAX_REQUEST_BYTES,
} from '../constants.ts'
import type {
  BlocksAnswer,
  GetBlocks,
  GetHeaders,
  GetStatePiece,
  HeadersAnswer,
  StatePieceAnswer,
  Status,
} from '../messages.ts'
import type { ByteReader } from './byte-reader.ts'
import { codecOf } from './codec.ts'
import { readHash, readHeight, readTip, writeHash, writeTip } from './tip.ts'

const BY = ['locator', 'height'] as const
const FOUND = ['found', 'no-common'] as const
const HELD = ['absent', 'held'] as const

/** Message kind `status`. */
export const statusCodec: Codec<Status> = codecOf({
  what: 'status',
  maxBytes: 2 + 3 * (9 + MAX_HASH_BYTES),
  write: ({ tip, finalised, checkpoint }, writer) => {
    writeTip(writer, tip)
    writeTip(writer, finalised)
    writer.choice(checkpoint === undefined ? 'absent' : 'held', HELD)
    if (checkpoint !== undefined) writeTip(writer, checkpoint)
  },
  read: (reader) => {
    const tip = readTip(reader)
    const finalised = readTip(reader)
    reader.within(finalised.height, 0, tip.height, 'finalised height')
    if (reader.choice(HELD, 'presence') === 'absent') return { tip, finalised }
    const checkpoint = readTip(reader)
    reader.within(checkpoint.height, 0, finalised.height, 'checkpoint height')
    return { tip, finalised, checkpoint }
  },
})

/** Request kind `get-headers`. */
export const getHeadersCodec: Codec<GetHeaders> = codecOf<GetHeaders>({
  what: 'get-headers',
  maxBytes: MAX_REQUEST_BYTES,
  write: (request, writer) => {
    writer.u16(request.limit)
    if (request.locator === undefined) {
      writer.choice('height', BY).integer(request.height)
      return
    }
    writer.choice('locator', BY).u8(request.locator.length)
    for (const place of request.locator) writeTip(writer, place)
  },
  read: (reader) => {
    const limit = reader.within(reader.u16(), 1, MAX_HEADERS, 'limit')
    if (reader.choice(BY, 'way to ask') === 'height') return { limit, height: readHeight(reader) }
    const count = reader.within(reader.u8(), 1, MAX_LOCATOR, 'places')
    const locator: ChainTip[] = []
    while (locator.length < count) {
      const place = readTip(reader)
      if (place.height >= (locator.at(-1)?.height ?? Infinity)) {
        reader.fail('not-descending', `height ${place.height} after ${locator.at(-1)?.height}`)
      }
      locator.push(place)
    }
    return { limit, locator }
  },
})

/** The answer to `get-headers`, kind `headers`. */
export const headersCodec: Codec<HeadersAnswer> = codecOf<HeadersAnswer>({
  what: 'headers',
  maxBytes: MAX_HEADERS_ANSWER_BYTES,
  write: (answer, writer) => {
    writer.choice(answer.status, FOUND)
    if (answer.status === 'no-common') return
    writer.u16(answer.headers.length)
    for (const header of answer.headers) writer.u16(header.byteLength).fixed(header)
  },
  read: (reader) => {
    const status = reader.choice(FOUND, 'status')
    if (status === 'no-common') return { status }
    const count = reader.within(reader.u16(), 0, MAX_HEADERS, 'headers')
    const headers: Uint8Array[] = []
    while (headers.length < count) {
      headers.push(reader.fixed(reader.within(reader.u16(), 1, MAX_HEADER_BYTES, 'bytes of a header')))
    }
    return { status, headers }
  },
})

/** Request kind `get-blocks`. */
export const getBlocksCodec: Codec<GetBlocks> = codecOf({
  what: 'get-blocks',
  maxBytes: MAX_REQUEST_BYTES,
  write: ({ hashes, maxBytes }, writer) => {
    writer.u32(maxBytes).u16(hashes.length)
    for (const hash of hashes) writeHash(writer, hash)
  },
  read: (reader) => {
    const maxBytes = reader.within(reader.u32(), 1, MAX_BLOCKS_ANSWER_BYTES, 'bytes')
    const count = reader.within(reader.u16(), 1, MAX_HASHES, 'hashes')
    const hashes = new Set<string>()
    for (let i = 0; i < count; i++) {
      const hash = readHash(reader)
      if (hashes.has(hash)) reader.fail('duplicate', hash)
      hashes.add(hash)
    }
    return { hashes: [...hashes], maxBytes }
  },
})

/** The answer to `get-blocks`, kind `blocks`. */
export const blocksCodec: Codec<BlocksAnswer> = codecOf({
  what: 'blocks',
  maxBytes: MAX_BLOCKS_ANSWER_BYTES + 3 + 4 * MAX_HASHES,
  write: ({ blocks }, writer) => {
    writer.u16(blocks.length)
    for (const block of blocks) {
      if (block?.byteLength === 0) throw new RangeError('a block must have 1 byte or more')
      writer.u32(block?.byteLength ?? 0)
      if (block !== undefined) writer.fixed(block)
    }
  },
  read: (reader) => {
    const count = reader.within(reader.u16(), 1, MAX_HASHES, 'blocks')
    const blocks: (Uint8Array | undefined)[] = []
    while (blocks.length < count) blocks.push(readHeld(reader, reader.u32()))
    return { blocks }
  },
})

/** Request kind `get-state-piece`. */
export const getStatePieceCodec: Codec<GetStatePiece> = codecOf({
  what: 'get-state-piece',
  maxBytes: MAX_REQUEST_BYTES,
  write: ({ block, piece, pieces }, writer) => {
    writeTip(writer, block)
    writer.u32(pieces).u32(piece)
  },
  read: (reader) => {
    const block = readTip(reader)
    const pieces = reader.within(reader.u32(), 1, MAX_PIECES, 'pieces')
    return { block, pieces, piece: reader.within(reader.u32(), 0, pieces - 1, 'piece') }
  },
})

/** The answer to `get-state-piece`, kind `state-piece`. */
export const statePieceCodec: Codec<StatePieceAnswer> = codecOf({
  what: 'state-piece',
  maxBytes: MAX_PIECE_BYTES + 2,
  write: ({ piece }, writer) => {
    writer.choice(piece === undefined ? 'absent' : 'held', HELD)
    if (piece !== undefined) writer.fixed(piece)
  },
  read: (reader) => {
    if (reader.choice(HELD, 'presence') === 'absent') return { piece: undefined }
    return { piece: reader.fixed(reader.within(reader.left, 1, MAX_PIECE_BYTES, 'bytes')) }
  },
})

/** No length is that of what is not there. */
function readHeld(reader: ByteReader, length: number): Uint8Array | undefined {
  return length === 0 ? undefined : reader.fixed(length)
}

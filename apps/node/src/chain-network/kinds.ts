import {
  blocksCodec,
  getBlocksCodec,
  getHeadersCodec,
  getStatePieceCodec,
  headersCodec,
  MalformedMessageError,
  type Status,
  statePieceCodec,
  statusCodec,
} from '@gridmesh/block-sync'
import type { EngineMessage } from '@gridmesh/consensus'
import type { MessageKind } from '@gridmesh/interfaces'
import { MAX_TRANSACTION_BYTES } from '@gridmesh/ledger'
import { bytesCodec, defineMessage, defineRequest } from '@gridmesh/message-router'

/** Longest request: a thousand hashes. */
const MAX_REQUEST_BYTES = 65_600
const MAX_STATUS_BYTES = 256
/** Blocks that are few; of those that are asked for beyond, none is given. */
export const FEW_BLOCKS = 16
/** Bytes of few blocks together; a single one may be longer. */
export const FEW_BLOCKS_BYTES = 1_048_576

/** What a node offers in the handshake that keeps a chain: others send it no status, and ask it for nothing. */
export const CHAIN_CAPABILITY = 'chain'

/** Time between two messages of transactions, in ms: a block is not made sooner than some of them after the last. */
const TRANSACTIONS_PACE_MS = 100

/** A transaction, for everybody. */
export const transactionKind = defineMessage({
  kind: 'transaction',
  codec: bytesCodec,
  lane: 'normal',
  maxBytes: MAX_TRANSACTION_BYTES,
  paceMs: TRANSACTIONS_PACE_MS,
})

/**
 * Where a node stands, for one peer; `undefined` where it is said in a form of another version. A node that is older or
 * newer than this one says it unasked, and is no liar for it.
 */
export const statusKind = defineMessage<Status | undefined>({
  kind: 'chain-status',
  codec: {
    encode(status) {
      if (status === undefined) throw new RangeError('a status of another version is not ours to send')
      return statusCodec.encode(status)
    },
    decode(bytes) {
      try {
        return statusCodec.decode(bytes)
      } catch (err) {
        if (err instanceof MalformedMessageError && err.code === 'unknown-version') return undefined
        throw err
      }
    },
  },
  lane: 'high',
  maxBytes: MAX_STATUS_BYTES,
})

/** What an engine wants carried to everybody: blocks, and evidence. */
export function engineKind({ kind, lane, maxBytes }: EngineMessage): MessageKind<Uint8Array> {
  return defineMessage({ kind, lane, maxBytes, codec: bytesCodec })
}

const requests = { lane: 'bulk', maxBytes: MAX_REQUEST_BYTES } as const

/** In the lane of blocks: a node that misses one has to find its way while all are busy, when `bulk` is refused. */
export const getHeadersKind = defineRequest({
  kind: 'get-headers',
  codec: getHeadersCodec,
  reply: headersCodec,
  lane: 'high',
  maxBytes: MAX_REQUEST_BYTES,
})
/** Blocks as few as whoever missed them needs, in the same lane for the same reason. */
export const getFewBlocksKind = defineRequest({
  kind: 'get-few-blocks',
  codec: getBlocksCodec,
  reply: blocksCodec,
  lane: 'high',
  maxBytes: MAX_REQUEST_BYTES,
})
export const getBlocksKind = defineRequest({
  kind: 'get-blocks',
  codec: getBlocksCodec,
  reply: blocksCodec,
  ...requests,
})
export const getStatePieceKind = defineRequest({
  kind: 'get-state-piece',
  codec: getStatePieceCodec,
  reply: statePieceCodec,
  ...requests,
})

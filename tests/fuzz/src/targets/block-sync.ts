import {
  blocksCodec,
  getBlocksCodec,
  getHeadersCodec,
  getStatePieceCodec,
  headersCodec,
  statePieceCodec,
  statusCodec,
} from '@gridmesh/block-sync'
import type { Codec } from '@gridmesh/interfaces'
import { canonical, type Target } from '../target.ts'

const tip = { height: 300, hash: 'ab'.repeat(32) }
const low = { height: 7, hash: '01' }
const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(7)

function target<T>(name: string, codec: Codec<T>, values: readonly T[]): Target {
  const seeds = values.map((value) => codec.encode(value))
  const decode = (input: Uint8Array): T => codec.decode(input)
  const encode = (value: T): Uint8Array => codec.encode(value)
  return canonical({ name: `sync-${name}`, seeds, decode, encode, refusals: ['MalformedMessageError'] })
}

export const BLOCK_SYNC: readonly Target[] = [
  target('status', statusCodec, [
    { tip, finalised: low },
    { tip, finalised: tip, checkpoint: low },
  ]),
  target('get-headers', getHeadersCodec, [
    { limit: 500, locator: [tip, low] },
    { limit: 1, height: 12 },
  ]),
  target('headers', headersCodec, [
    { status: 'found', headers: [bytes(20), bytes(3)] },
    { status: 'found', headers: [] },
    { status: 'no-common' },
  ]),
  target('get-blocks', getBlocksCodec, [{ maxBytes: 1_000, hashes: [tip.hash, low.hash] }]),
  target('blocks', blocksCodec, [{ blocks: [bytes(9), undefined, bytes(1)] }]),
  target('get-state-piece', getStatePieceCodec, [{ block: tip, pieces: 16, piece: 3 }]),
  target('state-piece', statePieceCodec, [{ piece: bytes(30) }, { piece: undefined }]),
]

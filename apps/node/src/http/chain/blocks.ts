import { addressOf, type Block, decodeBlock, decodeHeader, type Header, toHex } from '@gridmesh/ledger'
import type { z } from 'zod'
import type { EnergyChain } from '../../chain/energy-chain.ts'
import { HttpRefusalError } from '../answers.ts'
import type { blockView } from './schemas.ts'

/** A block with its bytes, and whether it is on the branch of the head. */
export interface FoundBlock {
  readonly block: Block
  readonly bytes: Uint8Array
  readonly isMain: boolean
}

/** The header at a height of the head's branch. */
export async function headerAt({ backend }: EnergyChain, height: number): Promise<Header | undefined> {
  const [header] = height > backend.tip().height ? [] : await backend.headers(height, 1)
  return header === undefined ? undefined : decodeHeader(header)
}

/** @throws {HttpRefusalError} where there is none, or its body was pruned */
export async function blockAt(chain: EnergyChain, height: number): Promise<FoundBlock> {
  const header = await headerAt(chain, height)
  if (header !== undefined) return blockBy(chain, toHex(header.hash))
  const message = `height: there is no block ${height}; the newest is ${chain.head.height}`
  throw new HttpRefusalError(404, 'unknown-block', message)
}

/** @throws {HttpRefusalError} where there is none, or its body was pruned */
export async function blockBy(chain: EnergyChain, hash: string): Promise<FoundBlock> {
  const height = await chain.index.heightOf(Buffer.from(hash, 'hex'))
  const [bytes] = await chain.backend.blocks([hash])
  if (bytes !== undefined) return { bytes, block: decodeBlock(bytes, chain.registry), isMain: height !== undefined }
  if (height === undefined) throw new HttpRefusalError(404, 'unknown-block', `hash: this node has no block ${hash}`)
  throw new HttpRefusalError(404, 'pruned-block', `Block ${height}, ${hash}, was pruned: only its header is kept`)
}

/** A block as the API shows it. */
export function describeBlock(
  { block: { header, transactions }, bytes, isMain }: FoundBlock,
  chain: EnergyChain,
  withBytes: boolean,
): z.infer<typeof blockView> {
  return {
    height: header.height,
    hash: toHex(header.hash),
    parent: toHex(header.parent),
    time_ms: header.timeMs,
    kind: header.kind,
    proposer: toHex(addressOf(header.proposer)),
    tx_root: toHex(header.txRoot),
    state_root: toHex(header.stateRoot),
    grid_sequence: header.gridSequence,
    size: bytes.byteLength,
    final: isMain && header.height <= chain.finalised.height,
    main: isMain,
    transactions: transactions.map(({ id, kind, address }) => ({ id: toHex(id), kind, sender: toHex(address) })),
    ...(withBytes && { bytes: Buffer.from(bytes).toString('base64') }),
  }
}

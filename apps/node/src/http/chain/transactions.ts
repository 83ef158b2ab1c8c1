import { toHex, type Transaction } from '@gridmesh/ledger'
import type { AddResult } from '@gridmesh/mempool'
import type { z } from 'zod'
import type { EnergyChain } from '../../chain/energy-chain.ts'
import { HttpRefusalError } from '../answers.ts'
import { blockAt } from './blocks.ts'
import type { mempoolView, sentTransaction, transactionView } from './schemas.ts'
import { toJson } from './to-json.ts'

/** Refusals of what is there already. */
const KNOWN: ReadonlySet<string> = new Set(['already-known', 'already-applied'])
/** Refusals that say nothing of the transaction: the node cannot take it now. */
const NOT_NOW: ReadonlySet<string> = new Set(['not-running', 'chain-failed', 'busy'])
/** Times that a transaction is looked for while it may be on its way from the mempool into a block, or back. */
const LOOKS = 3

/** Bytes in hex, or else in base64: nothing as long as a transaction is both by chance. */
export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, /^(?:[0-9a-fA-F]{2})+$/.test(text) ? 'hex' : 'base64')
}

/** What became of a transaction that was sent. @throws {HttpRefusalError} when it was refused */
export function taken(result: AddResult): z.infer<typeof sentTransaction> {
  if (result.status === 'refused') {
    const { code, message } = result
    throw new HttpRefusalError(KNOWN.has(code) ? 409 : NOT_NOW.has(code) ? 503 : 422, code, `bytes: ${message}`)
  }
  return { id: result.id, status: result.status, missing: result.status === 'waiting' ? { ...result.missing } : null }
}

/** A transaction of the mempool or of a block. @throws {HttpRefusalError} where there is none */
export async function findTransaction(chain: EnergyChain, id: string): Promise<z.infer<typeof transactionView>> {
  for (let look = 0; look < LOOKS; look++) {
    const pooled = chain.mempool.get(id)
    if (pooled !== undefined) return { ...describe(pooled.transaction), status: 'pending', block: null }
    const found = await inBlock(chain, id)
    if (found !== undefined) return found
  }
  const message = `hash: this node has no transaction ${id}, in its mempool or in a block`
  throw new HttpRefusalError(404, 'unknown-transaction', message)
}

async function inBlock(chain: EnergyChain, id: string): Promise<z.infer<typeof transactionView> | undefined> {
  const place = await chain.index.transaction(Buffer.from(id, 'hex'))
  if (place === undefined || place.height > chain.head.height) return undefined
  const { block } = await blockAt(chain, place.height)
  const transaction = block.transactions[place.position]
  // Another block has come to the height meanwhile.
  if (transaction === undefined || toHex(transaction.id) !== id) return undefined
  const { height, hash, timeMs } = block.header
  return {
    ...describe(transaction),
    status: 'included',
    block: {
      height,
      hash: toHex(hash),
      position: place.position,
      time_ms: timeMs,
      final: height <= chain.finalised.height,
      confirmations: chain.head.height - height + 1,
    },
  }
}

function describe({ id, kind, address, nonce, bytes, body }: Transaction) {
  const fields = toJson(body)
  return {
    id: toHex(id),
    kind,
    sender: toHex(address),
    nonce: nonce ?? null,
    size: bytes.byteLength,
    body: { ...(typeof fields === 'object' ? fields : { value: fields }) },
  }
}

/** What the mempool holds, with a page of ids. */
export function describeMempool(
  { mempool }: EnergyChain,
  { limit, offset }: { limit: number; offset: number },
): z.infer<typeof mempoolView> {
  const stats = mempool.stats()
  return {
    transactions: stats.transactions,
    bytes: stats.bytes,
    senders: stats.senders,
    waiting: stats.waiting,
    waiting_bytes: stats.waitingBytes,
    pending: stats.pending,
    added: stats.added,
    refused: stats.refused,
    removed: stats.removed,
    offset,
    ids: idsOf(mempool.transactions(), offset, limit),
  }
}

function idsOf(transactions: Iterable<{ id: string }>, offset: number, limit: number): string[] {
  const ids: string[] = []
  let place = 0
  for (const { id } of transactions) {
    if (ids.length === limit) break
    if (place++ >= offset) ids.push(id)
  }
  return ids
}

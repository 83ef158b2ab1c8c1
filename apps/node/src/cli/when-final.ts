import type { z } from 'zod'
import { transactionView } from '../http/chain/schemas.ts'
import type { NodeClient } from './client.ts'
import { NotInTimeError } from './errors.ts'

/** Time between two looks, in ms. */
const LOOK_MS = 250
/** Times in a row that a node may not know a transaction: it may be on its way from a reverted block into the mempool. */
const MAX_MISSED = 8

type TransactionView = z.infer<typeof transactionView>

/** How a transaction is waited for. */
export interface WhenFinalInit {
  timeoutMs: number
  /** Is told once a block has it, and again should it come into another one. */
  onIncluded?: (block: NonNullable<TransactionView['block']>) => void
}

/**
 * Resolves once a transaction is in a block that can no longer be reverted.
 *
 * @throws {NotInTimeError} when it is not in time, or the node forgot it
 * @throws {NodeUnreachableError} @throws {NodeRefusedError}
 */
export async function whenFinal(client: NodeClient, id: string, init: WhenFinalInit): Promise<TransactionView> {
  const { timeoutMs, onIncluded } = init
  const endMs = performance.now() + timeoutMs
  let [hash, missed, last]: [string | undefined, number, TransactionView | undefined] = [undefined, 0, undefined]
  for (;;) {
    last = await look(client, id)
    missed = last === undefined ? missed + 1 : 0
    if (missed > MAX_MISSED) {
      throw new NotInTimeError(
        `${client.url} has transaction ${id} no more, in its mempool or in a block; send it again`,
      )
    }
    const block = last?.block ?? undefined
    if (last !== undefined && block?.final === true) return last
    if (block !== undefined && block.hash !== hash) onIncluded?.(block)
    hash = block?.hash
    if (performance.now() + LOOK_MS > endMs) throw late(id, block?.height, timeoutMs)
    await delay()
  }
}

async function look(client: NodeClient, id: string): Promise<TransactionView | undefined> {
  try {
    return await client.get(`/transaction/${id}`, transactionView)
  } catch (err) {
    if (err instanceof Error && err.name === 'NodeRefusedError' && 'status' in err && err.status === 404)
      return undefined
    throw err
  }
}

function late(id: string, height: number | undefined, timeoutMs: number): NotInTimeError {
  const where = height === undefined ? 'in no block' : `in block ${height}, which is not final`
  return new NotInTimeError(`After ${timeoutMs / 1_000} s transaction ${id} is ${where}; see: gridmesh tx show ${id}`)
}

/** By the global timer, so that tests need not wait. */
async function delay(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  setTimeout(resolve, LOOK_MS)
  return promise
}

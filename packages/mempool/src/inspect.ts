import { textOf } from './ask.ts'
import type { MempoolChain, PoolTransaction } from './chain.ts'
import { rankOf } from './entry.ts'
import { type Refusal, refuse } from './refusal.ts'

/** What came of reading bytes. */
export type Reading<T> = { transaction: T; refusal?: never } | { transaction?: never; refusal: Refusal }

/** Reads a copy of the bytes, unless they are too many. */
export function read<T extends PoolTransaction>(
  bytes: Uint8Array,
  chain: MempoolChain<T>,
  maxTransactionBytes: number,
): Reading<T> {
  const refusal = checkLength(bytes, maxTransactionBytes)
  if (refusal !== undefined) return { refusal }
  try {
    // A copy: bytes that came with others would keep all of them in memory. (A Buffer's `slice` would be none.)
    return { transaction: chain.decode(new Uint8Array(bytes)) }
  } catch (err) {
    return { refusal: refuse('malformed', textOf(err)) }
  }
}

export function checkLength({ byteLength }: Uint8Array, maxTransactionBytes: number): Refusal | undefined {
  if (byteLength <= maxTransactionBytes) return undefined
  return refuse('too-large', `${byteLength} bytes, where maxTransactionBytes is ${maxTransactionBytes}`)
}

/** Refuses what would make the pool's order and sums meaningless. */
export function checkShape(transaction: PoolTransaction): Refusal | undefined {
  const { bytes, lane, size, nonce, series } = transaction
  if (rankOf(transaction) < 0) return refuse('malformed', `${lane} is no lane`)
  if (!isWhole(size, 1)) return refuse('malformed', `size ${size} is no whole number of 1 or more`)
  if (size < bytes.byteLength) return refuse('malformed', `size ${size} of ${bytes.byteLength} bytes`)
  for (const [name, value] of Object.entries({ nonce, 'number in a series': series?.number })) {
    if (value === undefined || isWhole(value, 0)) continue
    return refuse('malformed', `${name} ${value} is no whole number of 0 or more`)
  }
  return undefined
}

/** What the chain refuses without state and signature. */
export function screen<T extends PoolTransaction>(transaction: T, chain: MempoolChain<T>): Refusal | undefined {
  try {
    return chain.screen?.(transaction)
  } catch (err) {
    return refuse('chain-failed', `screen failed: ${textOf(err)}`)
  }
}

function isWhole(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least
}

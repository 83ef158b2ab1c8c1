import type { PoolTransaction, StateFacts } from './chain.ts'
import { keyNeed, type Need, nonceNeed } from './needs.ts'
import type { PoolIndex } from './pool-index.ts'
import { type Refusal, refuse } from './refusal.ts'

/** What is wanting for a transaction to apply. */
export interface Missing {
  /** All of it, each once. */
  readonly needs: readonly Need[]
  /** Of the first. */
  readonly refusal: Refusal
}

/** What a transaction is held against. */
export interface Grounds<T extends PoolTransaction> {
  readonly index: PoolIndex<T>
  /** Keys that blocks have spent lately. */
  readonly spent: { has(key: string): boolean }
  readonly facts: StateFacts
  /** Whether it was here before, in the pool or waiting, or in a block. */
  readonly isHeld?: boolean | undefined
}

/** Whether a transaction applies after those in the pool: `undefined` where it does. */
export function judge<T extends PoolTransaction>(transaction: T, grounds: Grounds<T>): Refusal | Missing | undefined {
  const { index, facts, isHeld } = grounds
  return (
    checkConflict(transaction, index, isHeld) ??
    checkMade(transaction, index) ??
    checkGone(transaction, grounds) ??
    missing(transaction, grounds) ??
    facts.refusal
  )
}

/**
 * Refuses what is in the way of one in the pool: the first that came stays. Of a series one comes at a time: a later one
 * that is faster into a block would be the end of an earlier one. Of those that were there before there may be several.
 */
export function checkConflict<T extends PoolTransaction>(
  { spends, makes, sender, nonce, series }: T,
  index: PoolIndex<T>,
  isHeld = false,
): Refusal | undefined {
  for (const key of spends) {
    const other = index.spenderOf(key)
    if (other !== undefined) return refuse('conflict', `${key} is spent by ${other.transaction.id}, which came first`)
  }
  for (const key of makes) {
    const other = index.makerOf(key)
    if (other !== undefined) return refuse('conflict', `${key} is made by ${other.transaction.id}, which came first`)
  }
  const other = nonce === undefined ? undefined : index.numbered(sender, nonce)
  if (other !== undefined) {
    return refuse('conflict', `nonce ${nonce} of ${sender} is that of ${other.transaction.id}, which came first`)
  }
  if (series === undefined) return undefined
  const { name, number } = series
  const rival = index.series.of(name).find(({ transaction }) => !isHeld || transaction.series?.number === number)
  return rival && refuse('conflict', `${rival.transaction.id} is of ${name} as well, and came first`)
}

/**
 * Refuses to make what is there already: else two could build on each other, or one on itself. What a block gives back
 * did make it.
 */
function checkMade<T extends PoolTransaction>({ spends, makes }: T, index: PoolIndex<T>): Refusal | undefined {
  const own = new Set(spends)
  const key = makes.find((one) => own.has(one) || index.spenderOf(one) !== undefined)
  return key === undefined ? undefined : refuse('conflict', `${key} is made where it is there, and about to be spent`)
}

/** Refuses what will not apply, whatever comes. */
function checkGone<T extends PoolTransaction>(
  { spends, sender, nonce }: T,
  { index, spent, facts }: Grounds<T>,
): Refusal | undefined {
  const { keys, nextNonce = 0 } = facts
  if (nonce !== undefined && nonce < nextNonce) {
    return refuse('stale-nonce', `nonce ${nonce} of ${sender}, where ${nextNonce} is next`)
  }
  const gone = spends.find((key, i) => {
    const isSpent = keys[i] === 'spent' || (keys[i] === 'unknown' && spent.has(key))
    return isSpent && index.makerOf(key) === undefined
  })
  return gone === undefined ? undefined : refuse('spent-input', `${gone} was spent by a block`)
}

function missing<T extends PoolTransaction>(
  { spends, sender, nonce }: T,
  { index, facts: { keys, nextNonce = 0 } }: Grounds<T>,
): Missing | undefined {
  const unknown = spends.filter((key, i) => keys[i] !== 'unspent' && index.makerOf(key) === undefined)
  const needs = unknown.map(keyNeed)
  const isGap = nonce !== undefined && nonce !== nextNonce && index.numbered(sender, nonce - 1) === undefined
  if (isGap) needs.push(nonceNeed(sender, nonce - 1))
  const [first] = unknown
  if (first !== undefined) {
    return { needs, refusal: refuse('unknown-input', `${first} is neither in the state nor in the pool`) }
  }
  if (!isGap) return undefined
  const message = `nonce ${nonce} of ${sender}, where ${nextNonce} is next and ${nonce - 1} is not in the pool`
  return { needs, refusal: refuse('nonce-gap', message) }
}

import type { AppliedTransaction } from './chain.ts'

/** What a transaction can wait for: that a key is made, or that a nonce of a sender is taken. */
export type Need = string

export function keyNeed(key: string): Need {
  return `k${key}`
}

export function nonceNeed(sender: string, nonce: number): Need {
  return `n${nonce} ${sender}`
}

/** What a transaction needs that others meet. */
export function needsOf({ spends, sender, nonce }: AppliedTransaction): Need[] {
  const needs = spends.map(keyNeed)
  if (nonce !== undefined) needs.push(nonceNeed(sender, nonce - 1))
  return needs
}

/** What is met once a transaction is in the pool. */
export function metBy({ makes, sender, nonce }: AppliedTransaction): Need[] {
  const met = makes.map(keyNeed)
  if (nonce !== undefined) met.push(nonceNeed(sender, nonce))
  return met
}

/** What is met, or may be, once a transaction is in the chain. */
export function metInChain(transaction: AppliedTransaction): Need[] {
  return [...metBy(transaction), ...(transaction.mayMake ?? []).map(keyNeed)]
}

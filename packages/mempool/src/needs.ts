import type { AppliedTransaction } from './chain.ts'

/** What a transaction can wait for: that a key is made, or that a nonce of a sender is taken. */
export type Need = string

export function keyNeed(key: string): Need {
  return `k${key}`
}

export function nonceNeed(sender: string, nonce: number): Need {
  return `n${nonce} ${sender}`
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

import type { AppliedTransaction } from './chain.ts'

/** What a transaction can wait for: that a key is made, or that a nonce of a sender is taken. */
export type Need = string

export function keyNeed(key: string): Need {
  return `k${key}`
}

export function nonceNeed(sender: string, nonce: number): Need {
  return `n${nonce} ${sender}`
}

/** What is met once a transaction is in the pool or in the chain. */
export function metBy({ makes, sender, nonce }: Pick<AppliedTransaction, 'makes' | 'sender' | 'nonce'>): Need[] {
  const met = makes.map(keyNeed)
  if (nonce !== undefined) met.push(nonceNeed(sender, nonce))
  return met
}

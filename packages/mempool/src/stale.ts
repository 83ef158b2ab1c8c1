import type { AppliedTransaction } from './chain.ts'

/** Says of others whether they can never be applied after those that blocks applied. */
export function staleAfter(applied: readonly AppliedTransaction[]): (other: AppliedTransaction) => boolean {
  const spent = new Set(applied.flatMap(({ spends }) => spends))
  const nonces = highest(applied.map(({ sender, nonce }) => [sender, nonce]))
  const numbers = highest(applied.map(({ series }) => [series?.name, series?.number]))
  return ({ spends, sender, nonce = Infinity, series }) =>
    nonce <= (nonces.get(sender) ?? -Infinity) ||
    (series !== undefined && series.number <= (numbers.get(series.name) ?? -Infinity)) ||
    spends.some((key) => spent.has(key))
}

/** By name, the highest of its numbers. */
function highest(
  numbers: readonly (readonly [name: string | undefined, number: number | undefined])[],
): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const [name, number] of numbers) {
    if (name !== undefined && number !== undefined) found.set(name, Math.max(number, found.get(name) ?? number))
  }
  return found
}

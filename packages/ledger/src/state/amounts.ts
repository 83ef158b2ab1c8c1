/** The sum, or `Infinity` beyond 2^53 - 1, which no further addition brings back. */
export function add(a: number, b: number): number {
  const sum = a + b
  return sum <= Number.MAX_SAFE_INTEGER ? sum : Infinity
}

/** The sum of amounts, or `Infinity`. */
export function sumOf(rows: readonly { amount: number }[]): number {
  return rows.reduce((sum, { amount }) => add(sum, amount), 0)
}

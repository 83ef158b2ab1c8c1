/** The number that digits alone stand for; `undefined` for any other text, or a number that is not exact. */
export function fromDigits(text: string): number | undefined {
  const value = /^(?:0|[1-9][0-9]*)$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(value) ? value : undefined
}

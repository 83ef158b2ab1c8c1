/** `value` where it is an error, else one that names it. Never throws: not everything can be made a text. */
export function toError(value: unknown): Error {
  if (value instanceof Error) return value
  const what = typeof value === 'string' ? value : `a thrown ${typeof value}`
  return new TypeError(`Not an error: ${what}`, { cause: value })
}

/** `value` where it is an error, else one that names it. */
export function toError(value: unknown): Error {
  return value instanceof Error ? value : new TypeError(`Not an error: ${String(value)}`)
}

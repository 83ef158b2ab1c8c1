/** What is said of whatever was thrown. Not everything can be made a string: an object without a prototype throws. */
export function textOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message
  return typeof thrown === 'string' ? thrown : `a thrown ${typeof thrown}`
}

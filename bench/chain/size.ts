/** A size that the environment may change, so that a part can be tried with less. @throws {RangeError} */
export function sizeOf(variable: string, usual: number): number {
  const text = process.env[variable]
  if (text === undefined) return usual
  const size = Number(text)
  if (!(Number.isSafeInteger(size) && size > 0)) throw new RangeError(`${variable} is ${text}, no whole number above 0`)
  return size
}

/** @throws {RangeError} when `value` is no whole number from `min` to `max` */
export function checkWhole(name: string, value: number, min: number, max: number): void {
  if (!(Number.isSafeInteger(value) && value >= min && value <= max)) {
    throw new RangeError(`${name} ${value} is no whole number from ${min} to ${max}`)
  }
}

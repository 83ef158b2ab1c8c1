/** Demands a whole number of at least `least`. @throws {RangeError} otherwise */
export function checkCount(name: string, value: number, least: number): void {
  if (!(Number.isSafeInteger(value) && value >= least)) {
    throw new RangeError(`${name} ${value} must be a whole number of ${least} or more`)
  }
}

/** Demands a time in ms from `least` to `most`. @throws {RangeError} otherwise */
export function checkTime(name: string, value: number, least: number, most: number): void {
  if (!(value >= least && value <= most)) throw new RangeError(`${name} ${value} must be from ${least} to ${most} ms`)
}

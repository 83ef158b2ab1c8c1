/**
 * Takes steps one after the other, each whatever became of those before: what is to be closed is closed.
 *
 * @throws as `throwAll` does of what they threw
 */
export async function endAll(...steps: readonly (() => unknown)[]): Promise<void> {
  const faults: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (err) {
      faults.push(err)
    }
  }
  throwAll(faults)
}

/** Throws what there is: one as it is, several as an `AggregateError`. */
export function throwAll(faults: readonly unknown[]): void {
  if (faults.length === 1) throw faults[0]
  if (faults.length > 1) throw new AggregateError(faults, faults.map(String).join('; '))
}

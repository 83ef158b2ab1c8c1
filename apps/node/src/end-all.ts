/**
 * Takes steps one after the other, each whatever became of those before: what is to be closed is closed.
 *
 * @throws what the one step threw that failed; an `AggregateError` of several
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
  if (faults.length === 1) throw faults[0]
  if (faults.length > 1) throw new AggregateError(faults, faults.map(String).join('; '))
}

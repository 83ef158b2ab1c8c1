import type { SigningRecord, SigningSlot } from './ports.ts'

/** A signing record that ends with the process: for simulations and tests, and for no authority that may restart. */
export function memoryRecord(): SigningRecord {
  const slots = new Map<number, Set<string>>()
  let newest: Uint8Array | undefined
  let floor = 0
  return {
    load: async () => Promise.resolve(newest),
    has: async ({ height, name }: SigningSlot) =>
      Promise.resolve(height < floor || slots.get(height)?.has(name) === true),
    async save({ height, name }, state) {
      slots.set(height, (slots.get(height) ?? new Set()).add(name))
      newest = state
      return Promise.resolve()
    },
    async forgetBelow(height) {
      floor = Math.max(floor, height)
      for (const held of slots.keys()) if (held < height) slots.delete(held)
      return Promise.resolve()
    },
  }
}

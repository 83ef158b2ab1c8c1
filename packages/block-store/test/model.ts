import type { StateChange, StateEntry, StoredBlock } from '../src/index.ts'
import { bytes, hex } from './blocks.ts'

interface Step {
  block: StoredBlock
  before: ReadonlyMap<string, string>
}

/** The chain as plain lists and maps. Values are in hexadecimal. */
export class Model {
  steps: Step[] = []
  /** Height of the first step. */
  base = 0
  state = new Map<string, string>()
  finalised: number | undefined
  /** Lowest height with a body, undo data and index. */
  keptFrom = 0

  get tip(): StoredBlock | undefined {
    return this.steps.at(-1)?.block
  }

  get nextHeight(): number {
    return this.base + this.steps.length
  }

  /** Changes of the entries named, with what they are before. */
  changes(after: Readonly<Record<string, string | null>>): StateChange[] {
    return Object.entries(after).map(([name, value]) => {
      const key = bytes(name)
      const before = this.state.get(hex(key))
      return {
        key,
        before: before === undefined ? undefined : new Uint8Array(Buffer.from(before, 'hex')),
        after: value === null ? undefined : bytes(value),
      }
    })
  }

  append(block: StoredBlock, changes: readonly StateChange[], keepBlocks: number): void {
    this.steps.push({ block, before: new Map(this.state) })
    for (const { key, after } of changes) {
      if (after === undefined) this.state.delete(hex(key))
      else this.state.set(hex(key), hex(after))
    }
    this.keptFrom = Math.max(this.keptFrom, block.height - keepBlocks + 1)
  }

  canRevert(): boolean {
    const { tip } = this
    return tip !== undefined && tip.height > (this.finalised ?? -1) && tip.height >= this.keptFrom
  }

  revert(): void {
    const step = this.steps.pop()
    if (step !== undefined) this.state = new Map(step.before)
    if (this.steps.length === 0) this.keptFrom = 0
  }

  /** Another state in the place of all, of a block that is final. Of entries with the same key the last one counts. */
  import(block: StoredBlock, entries: readonly StateEntry[]): void {
    this.state = new Map(entries.map(([key, value]) => [hex(key), hex(value)]))
    this.steps = [{ block, before: this.state }]
    this.base = block.height
    this.keptFrom = block.height
    this.finalised = block.height
  }

  /** Entries in the order of their bytes. */
  entries(): [string, string][] {
    return [...this.state].toSorted(([a], [b]) => (a < b ? -1 : 1))
  }
}

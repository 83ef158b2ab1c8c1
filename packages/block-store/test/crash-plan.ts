import type { StateChange } from '../src/index.ts'
import { block } from './blocks.ts'
import { Model } from './model.ts'

/** What a process that is to be killed does with its store, step by step. It follows from the number of the step. */
export type Step = { kind: 'append'; height: number } | { kind: 'revert' } | { kind: 'finalise'; height: number }

/** Rounds of six: four blocks forward, one back, and one made final. */
export function stepAt(index: number): Step {
  const [round, at] = [Math.floor(index / 6), index % 6]
  if (at < 4) return { kind: 'append', height: round * 3 + at }
  return at === 4 ? { kind: 'revert' } : { kind: 'finalise', height: round * 3 + 1 }
}

/** Changes of a block: many entries made, and those of the block before deleted. */
export function changesAt(height: number, model: Model): StateChange[] {
  const entries: Record<string, string | null> = { tip: String(height) }
  for (let i = 0; i < 200; i++) {
    entries[`${height} ${i}`] = `${height * i}`.repeat(4)
    if (height > 0) entries[`${height - 1} ${i}`] = null
  }
  return model.changes(entries)
}

/** What the step makes of a model. */
export function follow(model: Model, step: Step): void {
  if (step.kind === 'append') model.append(block(step.height), changesAt(step.height, model), Infinity)
  else if (step.kind === 'revert') model.revert()
  else model.finalised = step.height
}

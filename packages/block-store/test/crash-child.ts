// Appends, reverts and finalises by the plan until it is killed. Arguments: folder, number of the first step, index.
// Prints the number of each step that was acknowledged.
import { writeSync } from 'node:fs'
import { BlockStore } from '../src/index.ts'
import { block } from './blocks.ts'
import { changesAt, follow, stepAt } from './crash-plan.ts'
import { withIndex } from './indexes.ts'
import { Model } from './model.ts'

const [path = '', first = '0', name] = process.argv.slice(2)
const model = new Model()
for (let index = 0; index < Number(first); index++) follow(model, stepAt(index))
const store = await BlockStore.open(path, { writeBufferBytes: 65_536, ...withIndex(name) })
for (let index = Number(first); ; index++) {
  const step = stepAt(index)
  if (step.kind === 'append') await store.append(block(step.height), changesAt(step.height, model))
  else if (step.kind === 'revert') await store.revert()
  else await store.finalise(step.height)
  follow(model, step)
  writeSync(1, `${index}\n`)
}

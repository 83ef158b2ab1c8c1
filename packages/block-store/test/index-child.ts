// Opens a store with one index after the other until it is killed. Argument: folder. Prints a line for each opening.
import { writeSync } from 'node:fs'
import { BlockStore } from '../src/index.ts'
import { withIndex } from './indexes.ts'

const [path = ''] = process.argv.slice(2)
const names = ['value', undefined, 'key', 'value', 'key', undefined]
for (let round = 0; ; round++) {
  const store = await BlockStore.open(path, { ...withIndex(names[round % names.length]), writeBufferBytes: 65_536 })
  writeSync(1, `${round}\n`)
  await store.close()
}

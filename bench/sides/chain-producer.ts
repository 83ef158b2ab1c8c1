// Makes the blocks of a chain and writes them to files: what it holds is to be in nobody else's memory.
import { BlockFile } from '../chain/block-file.ts'
import { Producer } from '../chain/producer.ts'
import { serve } from './serve.ts'

let producer = new Producer()

serve({
  /** Begins at genesis again. */
  reset() {
    producer = new Producer()
  },
  height: () => producer.height,
  /** Blocks until there are `outputs`; how many blocks it took. */
  split(path: string, outputs: number): number {
    const before = producer.height
    const file = new BlockFile(path)
    while (producer.outputs < outputs) file.write(producer.split(outputs))
    file.close()
    return producer.height - before
  },
  /** `blocks` blocks of `count` payments each; bytes of the last. */
  payments(path: string, blocks: number, count: number): number {
    const file = new BlockFile(path)
    let bytes = 0
    for (let i = 0; i < blocks; i++) {
      const block = producer.payments(count)
      bytes = block.byteLength
      file.write(block)
    }
    file.close()
    return bytes
  },
})

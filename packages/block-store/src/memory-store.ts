import { MemoryLevel } from 'memory-level'
import type { KeyValueStore } from './key-value-store.ts'
import { LevelStore } from './level-store.ts'

/**
 * A store in memory, for tests and simulations. What it holds outlives `close`, so that a simulated node can be
 * stopped and started again over it.
 */
export function memoryStore(): KeyValueStore {
  const level = new MemoryLevel<Uint8Array, Uint8Array>({
    keyEncoding: 'view',
    valueEncoding: 'view',
    storeEncoding: 'view',
  })
  return new MemoryStore(level, 'memory')
}

class MemoryStore extends LevelStore {
  override close(): Promise<void> {
    return Promise.resolve()
  }
}

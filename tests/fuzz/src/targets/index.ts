import type { Target } from '../target.ts'
import { BLOCK_SYNC } from './block-sync.ts'
import { CHUNKING } from './chunking.ts'
import { FILES } from './files.ts'
import { KEY_VALUE_CHAIN } from './key-value-chain.ts'
import { LEDGER } from './ledger.ts'
import { STORE } from './store.ts'
import { WIRE } from './wire.ts'

/** All that reads bytes of strangers, or of a disk that somebody may have written to. */
export const TARGETS: readonly Target[] = [
  ...LEDGER,
  ...KEY_VALUE_CHAIN,
  ...BLOCK_SYNC,
  ...STORE,
  ...WIRE,
  ...CHUNKING,
  ...FILES,
]

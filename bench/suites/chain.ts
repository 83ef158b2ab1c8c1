import { behind } from '../chain/behind.ts'
import { block } from '../chain/block.ts'
import { checkpoint } from '../chain/checkpoint.ts'
import { rate } from '../chain/rate.ts'
import { sync } from '../chain/sync.ts'
import { Workshop } from '../chain/workshop.ts'
import type { Bench } from '../report.ts'

const PARTS = { rate, block, sync, checkpoint, behind } as const

/** All parts, or those that `CHAIN_PARTS` names, with commas between: the whole suite takes minutes. */
function parts(): (typeof rate)[] {
  const wanted = process.env['CHAIN_PARTS']?.split(',')
  return Object.entries(PARTS)
    .filter(([name]) => wanted?.includes(name) ?? true)
    .map(([, part]) => part)
}

/** The energy chain of one node on disk: what it imports, how it grows, and how it catches up. */
export const bench: Bench = {
  about: 'the energy chain on disk: blocks imported, signatures checked in two workers; sync from peers in one process',
  async *run() {
    for (const part of parts()) {
      const shop = new Workshop()
      try {
        yield* part(shop)
      } finally {
        await shop.end()
      }
    }
  },
}

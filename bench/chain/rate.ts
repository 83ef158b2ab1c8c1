import type { Line } from '../report.ts'
import { alone, beside, inTurns } from '../rounds.ts'
import type { Workshop } from './workshop.ts'

const ROUNDS = 5
const PER_BLOCK = 4_000
const BLOCKS_PER_ROUND = 6
const OUTPUTS = 50_000
const THREADS = 2
/** Blocks that wait behind the one under way, as a node has them that catches up. */
const AHEAD = 4

/** Transfers a second: signatures checked, executed, and on the disk. */
export async function* rate(shop: Workshop): AsyncIterable<Line> {
  const maker = await shop.producer()
  const at = await shop.open({ threads: THREADS })
  await at.import(await maker.split(OUTPUTS), AHEAD)
  const blocks = await maker.payments((ROUNDS + 1) * BLOCKS_PER_ROUND, PER_BLOCK)
  await maker.stop()
  const transfers = async (): Promise<number> => {
    const ms = await at.import(blocks.splice(0, BLOCKS_PER_ROUND), AHEAD)
    return (BLOCKS_PER_ROUND * PER_BLOCK * 1_000) / ms
  }
  const raw = await inTurns({ transfers, verify: async () => shop.verifyRate() }, ROUNDS)
  await shop.close(at)
  const what = { metric: 'rate', unit: '/s' }
  const other = { name: 'two processes that only verify', raw: raw.verify }
  yield beside(
    { ...what, case: `transfers imported, ${PER_BLOCK} to a block, durable` },
    raw.transfers,
    other,
    '>= 0.6',
  )
  yield alone({ ...what, case: 'ed25519 verify by libsodium' }, 'two processes', raw.verify)
}

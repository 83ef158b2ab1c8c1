import type { Line } from '../report.ts'
import { alone, beside, inTurns } from '../rounds.ts'
import { catchUp } from './sync-net.ts'
import type { Workshop } from './workshop.ts'

const ROUNDS = 3
const BLOCKS = 300
const PER_BLOCK = 100
const OUTPUTS = 10_000
const THREADS = 2

/** Blocks of 100 transfers from peers in this process, beside what two workers could verify of them. */
export async function* sync(shop: Workshop): AsyncIterable<Line> {
  const maker = await shop.producer()
  const full = await shop.open({ threads: THREADS })
  await full.import(await maker.split(OUTPUTS), 0)
  await full.import(await maker.payments(BLOCKS, PER_BLOCK), 4)
  await maker.stop()
  const from = async (peers: number): Promise<number> => {
    const at = await shop.open({ threads: THREADS })
    const ms = await catchUp(at, full, peers)
    await shop.close(at)
    return (full.chain.head.height * 1_000) / ms
  }
  // A signature for each transfer, and one of the block.
  const bound = async (): Promise<number> => (await shop.verifyRate()) / (PER_BLOCK + 1)
  const raw = await inTurns({ one: () => from(1), four: () => from(4), bound }, ROUNDS)
  await shop.close(full)
  const what = { metric: 'rate', unit: 'blocks/s' }
  const other = { name: 'verify only', raw: raw.bound }
  yield beside({ ...what, case: `sync of blocks of ${PER_BLOCK} transfers from one peer` }, raw.one, other)
  yield beside({ ...what, case: 'the same from four' }, raw.four, other)
  yield alone({ ...what, case: 'signatures of such blocks' }, 'two processes that only verify', raw.bound)
}

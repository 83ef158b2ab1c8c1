import { type Line, median } from '../report.ts'
import { alone, beside, inTurns } from '../rounds.ts'
import type { ChainAt } from './chain-at.ts'
import { sizeOf } from './size.ts'
import type { Workshop } from './workshop.ts'

const ROUNDS = 5
const THREADS = 2
/** Payments of a block of 1 MB, as near as they come. */
const FULL = 4_400
const GOAL_MS = 250
const OUTPUTS = [10_000, 100_000, sizeOf('CHAIN_BLOCK_OUTPUTS', 1_000_000)]
const SIZES = [550, 1_100, 2_200, 4_400] as const
/** How much more a state of a hundred times the size may cost. */
const FLAT = '<= 1.25'
/** How much more eight times the transfers may cost each. */
const LINEAR = '<= 1.25'

/** One block at a time: by its size, and by the size of the state. */
export async function* block(shop: Workshop): AsyncIterable<Line> {
  yield* bySize(shop)
  yield* byState(shop)
}

async function* bySize(shop: Workshop): AsyncIterable<Line> {
  const maker = await shop.producer()
  const at = await shop.open({ threads: THREADS })
  await at.import(await maker.split(100_000), 0)
  const contenders = Object.fromEntries(
    SIZES.map((count) => [
      String(count),
      async () => {
        const blocks = await maker.payments(1, count)
        return at.import(blocks, 0)
      },
    ]),
  )
  const raw = await inTurns(contenders, ROUNDS)
  await shop.close(at)
  await maker.stop()
  const [small = [], ...others] = SIZES.map((count) => (raw[count] ?? []).map((ms) => (ms * 1_000) / count))
  yield alone({ case: `block of ${SIZES[0]} transfers`, metric: 'each', unit: 'us' }, 'imported', small)
  for (const [i, each] of others.entries()) {
    const what = { case: `block of ${SIZES[i + 1]} transfers`, metric: 'each', unit: 'us' }
    const isLast = i === others.length - 1
    yield beside(what, each, { name: `block of ${SIZES[0]}`, raw: small }, isLast ? LINEAR : undefined)
  }
}

async function* byState(shop: Workshop): AsyncIterable<Line> {
  const chains: Record<string, () => Promise<number>> = {}
  const open: ChainAt[] = []
  for (const outputs of OUTPUTS) {
    const maker = await shop.producer()
    const at = await shop.open({ threads: THREADS })
    open.push(at)
    await at.import(await maker.split(outputs), 2)
    const blocks = await maker.payments(ROUNDS + 1, FULL)
    await maker.stop()
    chains[String(outputs)] = async () => at.import(blocks.splice(0, 1), 0)
  }
  const raw = await inTurns(chains, ROUNDS)
  for (const at of open) await shop.close(at)
  const first = raw[String(OUTPUTS[0])] ?? []
  for (const outputs of OUTPUTS) {
    const mine = raw[String(outputs)] ?? []
    const ours = median(mine)
    const what = { case: `block of 1 MB, ${outputs.toLocaleString('en')} outputs`, metric: 'import', unit: 'ms' }
    yield { ...what, ours, raw: mine, goal: `< ${GOAL_MS}`, met: ours < GOAL_MS }
    if (outputs !== OUTPUTS[0]) yield beside(what, mine, { name: `${OUTPUTS[0]} outputs`, raw: first }, FLAT)
  }
}

import type { Line } from '../report.ts'
import { catchUp } from './sync-net.ts'
import type { Workshop } from './workshop.ts'

const OUTPUTS = 1_000_000
const PER_BLOCK = 4_400
const THREADS = 2
const GOAL = 10
/** A block that is final after two more. */
const CONFIRMATIONS = 2
/** Blocks that are replayed; the time of all of them is reckoned from these. */
const REPLAYED = 6

/**
 * The state of a million outputs, fetched at a checkpoint, beside the blocks that make it, replayed: payments that make
 * two outputs of one. Making a million of those takes a million payments, so a part is replayed and the rest reckoned; the
 * state itself is made by blocks that split, 255 outputs more at a time.
 */
export async function* checkpoint(shop: Workshop): AsyncIterable<Line> {
  const maker = await shop.producer()
  const made = await maker.split(OUTPUTS)
  const height = made.length
  const full = await shop.open({ threads: THREADS, every: height })
  await full.import([...made, ...(await maker.payments(CONFIRMATIONS, 1))], 2)
  const target = await shop.open({ threads: THREADS })
  const ms = await catchUp(target, full, 1, { checkpointBehind: 1 })
  await shop.close(target)

  const blocks = await maker.payments(REPLAYED, PER_BLOCK)
  await maker.stop()
  const perPayment = (await full.import(blocks, 4)) / (REPLAYED * PER_BLOCK)
  await shop.close(full)
  const replayMs = perPayment * OUTPUTS
  const ratio = replayMs / ms
  const base = { metric: 'time', unit: 's' }
  yield {
    ...base,
    case: `state of ${OUTPUTS.toLocaleString('en')} outputs at a checkpoint`,
    ours: ms / 1_000,
    raw: [ms / 1_000],
  }
  yield {
    ...base,
    case: `replay of as many payments, of which ${REPLAYED * PER_BLOCK} were`,
    ours: replayMs / 1_000,
    raw: [replayMs / 1_000],
  }
  yield {
    case: 'checkpoint (theirs: replay)',
    metric: 'times as fast',
    unit: 'x',
    ours: ratio,
    raw: [ratio],
    goal: `>= ${GOAL}`,
    met: ratio >= GOAL,
  }
}

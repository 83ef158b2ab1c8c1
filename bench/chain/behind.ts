import { type Line, median } from '../report.ts'
import type { Followed } from '../sides/chain-follower.ts'
import { sizeOf } from './size.ts'
import type { Workshop } from './workshop.ts'

/** `CHAIN_BEHIND=2000` takes less. */
const BEHIND = sizeOf('CHAIN_BEHIND', 10_000)
const PER_BLOCK = 10
const OUTPUTS = 10_000
const THREADS = 2
/** Blocks that come while it catches up, one each so many ms. */
const MORE = 100
const MORE_EVERY_MS = 300
const AHEAD = 8
const MIB = 2 ** 20
const ROUNDS = 3

/** What a node may hold of each beside what an idle one has, in MiB: its own options, at their defaults. */
const BOUNDS = {
  // Of the sync: blocks that came or may come, and 10,000 headers of a kilobyte as objects.
  maxBufferedBytes: 64,
  maxHeadersAhead: 10,
  // Of the chain: blocks that wait, and those beside it.
  maxQueuedBytes: 32,
  maxSideBytes: 64,
  // Of the store: writes under way, entries kept, and LevelDB's own: tables that are written, and blocks that were read.
  maxPendingBytes: 64,
  maxCacheBytes: 64,
  writeBuffers: 64,
  blockCacheBytes: 32,
} as const
/** What the collector has not collected yet. */
const GARBAGE_MIB = 128
const BOUND_MIB = Object.values(BOUNDS).reduce((sum, mib) => sum + mib, GARBAGE_MIB)

/** A node that is 10,000 blocks behind catches up, while blocks go on at its peer; each node is a process of its own. */
export async function* behind(shop: Workshop): AsyncIterable<Line> {
  const maker = await shop.producer()
  const full = await shop.peer()
  await full.import(await maker.splitFile(OUTPUTS), 0)
  await full.import(await maker.paymentsFile(BEHIND, PER_BLOCK), AHEAD)
  const rounds: Followed[] = []
  while (rounds.length < ROUNDS) {
    const more = await maker.paymentsFile(MORE, PER_BLOCK)
    const follower = await shop.follower(THREADS, BOUNDS.maxQueuedBytes * MIB)
    await full.grow(more, MORE_EVERY_MS)
    rounds.push(await follower.call<Followed>('follow', full.path, await maker.height()))
    await follower.stop()
  }
  await maker.stop()
  yield* lines(rounds)
}

function* lines(rounds: readonly Followed[]): Iterable<Line> {
  const what = { case: `${BEHIND} blocks of ${PER_BLOCK} transfers behind, while ${MORE} more come` }
  const figure = (metric: string, unit: string, of: (round: Followed) => number): Line => {
    const raw = rounds.map(of)
    return { ...what, metric, unit, ours: median(raw), raw }
  }
  yield figure('until it is at the tip', 's', ({ seconds }) => seconds)
  yield figure('rate until then', 'blocks/s', ({ blocks, seconds }) => blocks / seconds)
  yield figure('memory at first', 'MiB', ({ before }) => before)
  for (const [third, name] of ['first', 'second', 'last'].entries()) {
    yield figure(`memory more at most, ${name} third`, 'MiB', ({ before, thirds }) => (thirds[third] ?? 0) - before)
  }
  const raw = rounds.map(({ before, thirds }) => Math.max(...thirds) - before)
  const most = Math.max(...raw)
  const goal = { goal: `< ${BOUND_MIB}, the sum of its options`, met: most < BOUND_MIB }
  yield { ...what, metric: 'memory more at most, worst round', unit: 'MiB', ours: most, raw, ...goal }
}

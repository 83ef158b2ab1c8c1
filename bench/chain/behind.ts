import type { Line } from '../report.ts'
import type { ChainAt } from './chain-at.ts'
import type { ChainPeer } from './chain-peer.ts'
import { RemotePeer } from './remote-peer.ts'
import { sizeOf } from './size.ts'
import { syncOf } from './sync-net.ts'
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
const SAMPLE_MS = 50

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

/** Memory of this process in MiB, at most, by thirds of the blocks that are to come. */
class Peaks {
  readonly #height: () => number
  readonly #blocks: number
  readonly #timer = setInterval(() => this.#look(), SAMPLE_MS)
  readonly before: number
  readonly thirds = [0, 0, 0]

  constructor(height: () => number, blocks: number) {
    globalThis.gc?.()
    this.before = process.memoryUsage().rss / MIB
    this.#height = height
    this.#blocks = blocks
  }

  end(): void {
    this.#look()
    clearInterval(this.#timer)
  }

  #look(): void {
    const third = Math.min(2, Math.floor((3 * this.#height()) / this.#blocks))
    this.thirds[third] = Math.max(this.thirds[third] ?? 0, process.memoryUsage().rss / MIB - this.before)
  }
}

/** A node that is 10,000 blocks behind catches up, while blocks go on at its peer, which is another process. */
export async function* behind(shop: Workshop): AsyncIterable<Line> {
  const maker = await shop.producer()
  const full = await shop.peer()
  await full.import(await maker.splitFile(OUTPUTS), 0)
  await full.import(await maker.paymentsFile(BEHIND, PER_BLOCK), AHEAD)
  const more = await maker.paymentsFile(MORE, PER_BLOCK)
  await maker.stop()
  const at = await shop.open({ threads: THREADS, maxQueuedBytes: BOUNDS.maxQueuedBytes * MIB })
  const peaks = new Peaks(() => at.chain.head.height, (await full.head()).height + MORE)
  await full.grow(more, MORE_EVERY_MS)
  const reached = await follow(at, full)
  peaks.end()
  await shop.close(at)
  yield* lines({ peaks, reached })
}

/** When it was at the tip of its peer for the first time, and at what height. */
interface Reached {
  blocks: number
  seconds: number
}

/** Until the peer makes no more blocks, and all that it made are here. */
async function follow(at: ChainAt, full: ChainPeer): Promise<Reached> {
  const begin = performance.now()
  const peer = await RemotePeer.connect(full.path)
  const sync = syncOf(at, peer, { behind: 0 })
  sync.start()
  let reached: Reached | undefined
  for (let isOver = false; !isOver;) {
    await sync.sync()
    // Asked before its head: a block that is the last one does not come in between.
    const isGrowing = await full.isGrowing()
    const isThere = at.chain.head.hash === (await full.head()).hash
    if (isThere) reached ??= { blocks: at.chain.head.height, seconds: (performance.now() - begin) / 1_000 }
    isOver = isThere && !isGrowing
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS))
  }
  await sync.stop()
  peer.close()
  if (reached === undefined) throw new TypeError('it ended before it was at the tip of its peer')
  return reached
}

function* lines({ peaks: { before, thirds }, reached }: { peaks: Peaks; reached: Reached }): Iterable<Line> {
  const what = { case: `${BEHIND} blocks of ${PER_BLOCK} transfers behind, while ${MORE} more come` }
  const most = Math.max(...thirds)
  const { blocks, seconds } = reached
  yield { ...what, metric: 'until it is at the tip', unit: 's', ours: seconds, raw: [seconds] }
  yield { ...what, metric: 'rate until then', unit: 'blocks/s', ours: blocks / seconds, raw: [blocks / seconds] }
  yield { ...what, metric: 'memory at first', unit: 'MiB', ours: before, raw: [before] }
  const more = { metric: 'memory more at most, by thirds', unit: 'MiB', ours: most, raw: thirds }
  yield { ...what, ...more, goal: `< ${BOUND_MIB}, the sum of its options`, met: most < BOUND_MIB }
}

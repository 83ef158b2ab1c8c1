import type { Line } from '../report.ts'
import { ProcessNet } from './sync-net.ts'
import { BlockSync } from '@gridmesh/block-sync'
import { ledgerReader } from '@gridmesh/node'
import type { Workshop } from './workshop.ts'

const BEHIND = 10_000
const PER_BLOCK = 10
const OUTPUTS = 10_000
const THREADS = 1
/** Blocks that come while it catches up, one each so many ms. */
const MORE = 100
const MORE_EVERY_MS = 100
const GOAL_MIB = 512
const MIB = 2 ** 20
const SAMPLE_MS = 100

/** A node that is 10,000 blocks behind catches up, while blocks go on. The memory is that of the whole process: two nodes. */
export async function* behind(shop: Workshop): AsyncIterable<Line> {
  const maker = await shop.producer()
  const full = await shop.open({ threads: THREADS })
  await full.import(await maker.split(OUTPUTS), 0)
  for (let i = 0; i < 10; i++) await full.import(await maker.payments(BEHIND / 10, PER_BLOCK), 8)
  const more = await maker.payments(MORE, PER_BLOCK)
  await maker.stop()
  const at = await shop.open({ threads: THREADS })
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  let peak = before
  const sampler = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), SAMPLE_MS)
  const grower = setInterval(() => {
    const [block] = more.splice(0, 1)
    if (block !== undefined) void full.import([block], 0)
  }, MORE_EVERY_MS)
  const reader = ledgerReader(async (claims, options) => at.verifier.verify(claims, options))
  const net = new ProcessNet(full.chain, 1, reader)
  const prepare = (block: Uint8Array): void => at.chain.prepareBlock(block)
  const sync = new BlockSync({ chain: at.chain.backend, reader, peers: net, requests: net, prepare }, { behind: 0 })
  const begin = performance.now()
  sync.start()
  while (more.length > 0 || at.chain.head.hash !== full.chain.head.hash) {
    await sync.sync()
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS))
  }
  const seconds = (performance.now() - begin) / 1_000
  clearInterval(sampler)
  clearInterval(grower)
  await sync.stop()
  const blocks = at.chain.head.height
  await shop.close(at)
  await shop.close(full)
  const what = { case: `${BEHIND} blocks of ${PER_BLOCK} transfers behind, while ${MORE} more come` }
  const grown = (peak - before) / MIB
  yield { ...what, metric: 'rate', unit: 'blocks/s', ours: blocks / seconds, raw: [blocks / seconds] }
  yield { ...what, metric: 'memory at first', unit: 'MiB', ours: before / MIB, raw: [before / MIB] }
  yield {
    ...what,
    metric: 'memory more at most',
    unit: 'MiB',
    ours: grown,
    raw: [grown],
    goal: `< ${GOAL_MIB}`,
    met: grown < GOAL_MIB,
  }
}

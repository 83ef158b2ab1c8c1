import type { Line } from '../report.ts'
import type { ChainAt } from './chain-at.ts'
import type { ChainPeer } from './chain-peer.ts'
import { RemotePeer } from './remote-peer.ts'
import { sizeOf } from './size.ts'
import { catchUpBy } from './sync-net.ts'
import type { Workshop } from './workshop.ts'

/** `CHAIN_OUTPUTS=100000` takes less. */
const OUTPUTS = sizeOf('CHAIN_OUTPUTS', 1_000_000)
const FEW_OUTPUTS = Math.min(OUTPUTS, 10_000)
const PER_BLOCK = 4_400
const THREADS = 2
const GOAL = 10
/** A block that is final after two more. */
const CONFIRMATIONS = 2
/** Blocks that are replayed at the beginning, and as many at the end; the time of all of them is reckoned from these. */
const REPLAYED = 6
const AHEAD = 4

/** Parts of a state, as many as by default. */
const PIECES = 1_024

/**
 * A state fetched at a checkpoint, from a process of its own, beside the blocks that make it, replayed: payments that make
 * two outputs of one. Making a million of those takes a million payments, so only some are replayed, upon a small state
 * and upon the whole one, and the rest is reckoned; the state itself is made by blocks that split, 255 outputs more at a time.
 *
 * What is replayed is read from a file, so the goal is held against pieces that are ready, as of peers on other machines.
 * How long it takes with the peer cutting them on the same processor is printed beside it.
 */
export async function* checkpoint(shop: Workshop): AsyncIterable<Line> {
  const maker = await shop.producer()
  const small = await shop.open({ threads: THREADS })
  const files = [await maker.splitFile(FEW_OUTPUTS), await maker.paymentsFile(REPLAYED, PER_BLOCK)] as const
  await small.importFile(files[0], 0)
  const early = await small.importFile(files[1], AHEAD)
  await shop.close(small)

  const more = await maker.splitFile(OUTPUTS)
  const full = await shop.peer(await maker.height())
  for (const file of [...files, more, await maker.paymentsFile(CONFIRMATIONS, 1)]) await full.import(file, AHEAD)
  const blocks = await maker.paymentsFile(REPLAYED, PER_BLOCK)
  await maker.stop()
  const first = await shop.open({ threads: THREADS })
  const sharedMs = await fetched(first, full)
  await shop.close(first)
  await full.prepare(PIECES)
  const target = await shop.open({ threads: THREADS })
  const ms = await fetched(target, full)
  const late = await target.importFile(blocks, AHEAD)
  await shop.close(target)
  yield* lines({ seconds: ms / 1_000, shared: sharedMs / 1_000, replays: [early, late] })
}

async function fetched(target: ChainAt, full: ChainPeer): Promise<number> {
  const peer = await RemotePeer.connect(full.path)
  const ms = await catchUpBy(target, peer, { checkpointBehind: 1 })
  peer.close()
  const { head } = target.chain
  if (head.hash !== (await full.head()).hash) throw new TypeError(`it is at ${head.height}, and not where its peer is`)
  return ms
}

interface Times {
  /** Of pieces that are ready, and of those that a peer cuts on this machine. */
  seconds: number
  shared: number
  /** Of the blocks that were replayed, at first and in the end, in ms. */
  replays: readonly number[]
}

function* lines({ seconds, shared, replays }: Times): Iterable<Line> {
  const raw = replays.map((ms) => ((ms / 1_000) * OUTPUTS) / (REPLAYED * PER_BLOCK))
  // The state grows from the one to the other, and what a block takes with it: so the mean of both ends.
  const replay = raw.reduce((sum, each) => sum + each, 0) / raw.length
  const base = { metric: 'time', unit: 's' }
  const state = `state of ${OUTPUTS.toLocaleString('en')} outputs, proved and on the disk`
  yield { ...base, case: `${state}, of pieces that are ready`, ours: seconds, raw: [seconds] }
  yield { ...base, case: `${state}, of a peer that cuts them on the same cores`, ours: shared, raw: [shared] }
  const replayed = `replay of ${OUTPUTS.toLocaleString('en')} payments, reckoned by ${2 * REPLAYED * PER_BLOCK}`
  yield { ...base, case: replayed, ours: replay, raw }
  const [ratio, sharedRatio] = [replay / seconds, replay / shared]
  const what = { metric: 'times as fast', unit: 'x' }
  const goal = { goal: `>= ${GOAL}`, met: ratio >= GOAL }
  yield { ...what, case: 'checkpoint (theirs: replay)', ours: ratio, raw: [ratio], ...goal }
  yield { ...what, case: 'the same with the peer on the same cores', ours: sharedRatio, raw: [sharedRatio] }
}

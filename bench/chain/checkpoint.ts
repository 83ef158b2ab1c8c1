import { type Line, median } from '../report.ts'
import { alone } from '../rounds.ts'
import type { ChainAt } from './chain-at.ts'
import type { ChainPeer } from './chain-peer.ts'
import { RemotePeer } from './remote-peer.ts'
import { sizeOf } from './size.ts'
import { catchUpBy } from './sync-net.ts'
import type { BlockMaker, Workshop } from './workshop.ts'

/** `CHAIN_OUTPUTS=100000` takes less. */
const OUTPUTS = sizeOf('CHAIN_OUTPUTS', 1_000_000)
/** Sizes of the state at which payments are replayed. */
const SIZES = [10_000, Math.round(OUTPUTS / 2), OUTPUTS] as const
const PER_BLOCK = 4_400
const THREADS = 2
const GOAL = 10
/** A block that is final after two more. */
const CONFIRMATIONS = 2
/** Blocks that are replayed in each round. */
const REPLAYED = 6
const AHEAD = 4
const ROUNDS = 3

/** Parts of a state, as many as by default. */
const PIECES = 1_024

/**
 * A state fetched at a checkpoint, from a process of its own, beside the blocks that make it, replayed: payments that make
 * two outputs of one. Making a million of those takes a million payments, so only some are replayed, upon a small state,
 * half of it and the whole one, and the rest is reckoned; the state itself is made by blocks that split, 255 outputs more
 * at a time.
 *
 * What is replayed is read from a file, so the goal is held against pieces that are ready, as of peers on other machines.
 * How long it takes with the peer cutting them on the same processor is printed beside it.
 */
export async function* checkpoint(shop: Workshop): AsyncIterable<Line> {
  const maker = await shop.producer()
  const { files, raw } = await replayed(shop, maker)
  const full = await shop.peer(await maker.height())
  for (const file of [...files, await maker.paymentsFile(CONFIRMATIONS, 1)]) await full.import(file, AHEAD)
  await maker.stop()
  const shared = await fetched(shop, full)
  await full.prepare(PIECES)
  const ready: number[] = []
  while (ready.length < ROUNDS) ready.push(await fetched(shop, full))
  yield* lines({ ready, shared, replays: raw })
}

/** What a payment takes at each size of the state, in ms, by rounds; and all the blocks. */
async function replayed(shop: Workshop, maker: BlockMaker): Promise<{ files: string[]; raw: number[][] }> {
  const target = await shop.open({ threads: THREADS })
  const files: string[] = []
  const raw: number[][] = []
  const replay = async (file: string, ahead: number): Promise<number> => {
    files.push(file)
    return target.importFile(file, ahead)
  }
  for (const outputs of SIZES) {
    await replay(await maker.splitFile(outputs), 0)
    const rounds: number[] = []
    while (rounds.length < ROUNDS) {
      const ms = await replay(await maker.paymentsFile(REPLAYED, PER_BLOCK), AHEAD)
      rounds.push(ms / (REPLAYED * PER_BLOCK))
    }
    raw.push(rounds)
  }
  await shop.close(target)
  return { files, raw }
}

/** Until the state is on the disk of a new node, in seconds. */
async function fetched(shop: Workshop, full: ChainPeer): Promise<number> {
  const target: ChainAt = await shop.open({ threads: THREADS })
  const peer = await RemotePeer.connect(full.path)
  const ms = await catchUpBy(target, peer, { checkpointBehind: 1 })
  peer.close()
  const { head } = target.chain
  if (head.hash !== (await full.head()).hash) throw new TypeError(`it is at ${head.height}, and not where its peer is`)
  await shop.close(target)
  return ms / 1_000
}

interface Times {
  /** Of pieces that are ready, and of those that a peer cuts on this machine, in seconds. */
  ready: readonly number[]
  shared: number
  /** Of a payment at each of the sizes, in ms. */
  replays: readonly (readonly number[])[]
}

function* lines({ ready, shared, replays }: Times): Iterable<Line> {
  const english = (count: number): string => count.toLocaleString('en')
  const base = { metric: 'time', unit: 's' }
  const state = `state of ${english(OUTPUTS)} outputs, proved and on the disk`
  yield alone({ ...base, case: state }, 'of pieces that are ready', ready)
  yield alone({ ...base, case: state }, 'of a peer that cuts them on the same cores', [shared])
  for (const [i, raw] of replays.entries()) {
    const what = { case: `replay upon ${english(SIZES[i] ?? 0)} outputs`, metric: 'a payment', unit: 'us' }
    yield alone(
      what,
      `${REPLAYED} blocks of ${english(PER_BLOCK)}`,
      raw.map((ms) => ms * 1_000),
    )
  }
  const replay = reckoned(replays)
  const count = SIZES.length * ROUNDS * REPLAYED * PER_BLOCK
  yield alone({ ...base, case: `replay of ${english(OUTPUTS)} payments` }, `reckoned by ${english(count)}`, [replay])
  const ratio = replay / median(ready)
  const what = { metric: 'times as fast', unit: 'x' }
  const goal = { goal: `>= ${GOAL}`, met: ratio >= GOAL }
  const raw = ready.map((seconds) => replay / seconds)
  yield { ...what, case: 'checkpoint (theirs: replay)', ours: ratio, raw, ...goal }
  yield alone({ ...what, case: 'checkpoint' }, 'with the peer on the same cores', [replay / shared])
}

/** Payments from none to all outputs, in seconds: what one takes changes evenly from each size of the state to the next. */
function reckoned(replays: readonly (readonly number[])[]): number {
  const points = replays.map((raw, i) => ({ at: SIZES[i] ?? 0, ms: median(raw) }))
  let [before, sumMs] = [{ at: 0, ms: points[0]?.ms ?? Number.NaN }, 0]
  for (const point of points) {
    sumMs += ((point.ms + before.ms) / 2) * (point.at - before.at)
    before = point
  }
  return sumMs / 1_000
}

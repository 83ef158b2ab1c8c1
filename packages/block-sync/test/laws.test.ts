import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { LIARS } from './liars.ts'
import { GENESIS, makeBlocks, type ModelBlock, ModelChain } from './model-chain.ts'
import { type Behaviour, ModelNet } from './model-net.ts'
import { begin, pass, useVirtualTime } from './support.ts'

beforeEach(useVirtualTime)
afterEach(() => void vi.useRealTimers())

const RUNS = Number(process.env['SYNC_RUNS'] ?? 25)

/** Branches, each of which forks off one before it, or off genesis. */
const tree = fc.array(fc.record({ off: fc.nat(5), at: fc.nat(200), length: fc.integer({ min: 1, max: 120 }) }), {
  minLength: 1,
  maxLength: 4,
})
const peer = fc.record({
  branch: fc.nat(3),
  /** How much of its branch it has. */
  share: fc.integer({ min: 1, max: 100 }),
  delayMs: fc.integer({ min: 1, max: 400 }),
  jitterMs: fc.integer({ min: 0, max: 800 }),
  liar: fc.option(fc.constantFrom(...Object.keys(LIARS)), { nil: undefined, freq: 2 }),
  /** When it goes, and when it is back, in ms; or not. */
  away: fc.option(fc.tuple(fc.nat(3_000), fc.integer({ min: 1, max: 20_000 })), { nil: undefined, freq: 4 }),
  /** When it gets the rest of its branch. */
  growsMs: fc.nat(5_000),
  /** Which places of a locator its first answers follow; those after them follow the first that it has. */
  follows: fc.array(fc.nat(63), { maxLength: 12 }),
})
const world = fc.record({
  tree,
  own: fc.record({ branch: fc.nat(3), share: fc.nat(100) }),
  peers: fc.array(peer, { minLength: 1, maxLength: 7 }),
  init: fc.record({
    rangeBlocks: fc.integer({ min: 1, max: 40 }),
    headersPerRequest: fc.integer({ min: 1, max: 60 }),
    maxHeadersAhead: fc.integer({ min: 60, max: 200 }),
    maxRequests: fc.integer({ min: 1, max: 6 }),
    maxRequestsPerPeer: fc.integer({ min: 1, max: 3 }),
    maxAnswerBytes: fc.integer({ min: 200, max: 2_000 }),
    confirmations: fc.integer({ min: 1, max: 4 }),
  }),
  restartMs: fc.option(fc.nat(2_000), { nil: undefined, freq: 2 }),
  importMs: fc.constantFrom(0, 0, 1),
})
type World = typeof world extends fc.Arbitrary<infer W> ? W : never

function grow(branches: World['tree']): ModelBlock[][] {
  const grown: ModelBlock[][] = []
  for (const [i, { off, at, length }] of branches.entries()) {
    const base = grown[off % Math.max(1, grown.length)] ?? []
    const stem = base.slice(0, at % (base.length + 1))
    grown.push([...stem, ...makeBlocks(stem.at(-1) ?? GENESIS, length, `branch ${i}`)])
  }
  return grown
}

const part = (grown: ModelBlock[][], { branch, share }: { branch: number; share: number }): ModelBlock[] => {
  const blocks = grown[branch % grown.length] ?? []
  return blocks.slice(0, Math.ceil((blocks.length * share) / 100))
}

/** Answers with true headers, after whatever place of a locator, for some time. */
function wandering(chain: ModelChain, follows: readonly number[]): Behaviour {
  const left = [...follows]
  return {
    headers: async ({ locator = [], limit }, honest) => {
      const next = left.shift()
      const ours = locator.filter(({ height, hash }) => height <= chain.tip().height && chain.at(height).hash === hash)
      const place = next === undefined ? undefined : ours[next % ours.length]
      return place === undefined ? honest : { status: 'found', headers: await chain.headers(place.height + 1, limit) }
    },
  }
}

/** Runs a world to its end, and holds it against all laws. */
async function live({ tree: branches, own, peers, init, restartMs, importMs }: World): Promise<void> {
  vi.clearAllTimers()
  const grown = grow(branches)
  const chain = new ModelChain().addAll(part(grown, own))
  chain.importOrder.length = 0
  chain.importMs = importMs
  const net = new ModelNet()
  const limits = { ...init, maxBlockBytes: 200, maxBufferedBytes: 3 * init.maxAnswerBytes }
  const setup = begin(chain, { ...limits, behind: 0, retryMs: 5_000, maxRetryMs: 20_000 }, {}, net)
  const most = { headers: 0, bytes: 0 }
  let seed = 1
  for (const [i, { delayMs, jitterMs, liar, away, growsMs, follows, ...rest }] of peers.entries()) {
    // A pseudo-random delay: the same world lives the same life again.
    const delay = (): number => delayMs + ((seed = (seed * 48_271) % 2_147_483_647) % (jitterMs + 1))
    const theirs = new ModelChain().addAll(part(grown, rest))
    const behaviour = liar === undefined ? wandering(theirs, follows) : LIARS[liar]?.behaviour
    const joined = net.join(`${i} ${liar ?? 'honest'}`, theirs, { delayMs: delay, ...behaviour })
    setTimeout(() => {
      theirs.addAll(grown[rest.branch % grown.length] ?? [])
      net.changed()
    }, growsMs)
    if (away === undefined) continue
    const be = (isReady: boolean) => (): void => {
      joined.isReady = isReady
      net.changed()
    }
    setTimeout(be(false), away[0])
    setTimeout(be(true), away[0] + away[1])
  }
  if (restartMs !== undefined) {
    await vi.advanceTimersByTimeAsync(restartMs)
    await pass(setup.sync.stop())
    setup.sync.start()
  }
  const honest = net.all.filter(({ id }) => id.endsWith('honest'))
  const best = (): number => Math.max(0, ...honest.map((one) => one.chain.tip().height))
  const isOver = (): boolean => setup.sync.status().phase === 'idle' && chain.tip().height >= best()
  // Time enough for all to be back and for the runs after that, which end however slow their peers are.
  for (let ms = 0; ms < 240_000 || (!isOver() && ms < 3_600_000); ms += 250) {
    await vi.advanceTimersByTimeAsync(250)
    const { headersAhead, bufferedBytes } = setup.sync.status()
    most.headers = Math.max(most.headers, headersAhead)
    most.bytes = Math.max(most.bytes, bufferedBytes)
  }
  expect(setup.sync.status().phase).toBe('idle')
  await pass(setup.sync.stop())

  expect(chain.tip().height).toBeGreaterThanOrEqual(best())
  const known = new Set(grown.flat().map(({ hash }) => hash))
  // Branches that liars made, and are valid, may be imported as well: only what has a false seal never is.
  expect(
    [...chain.blocksByHash.values()].every(({ height, hash }) => height === 0 || known.has(hash) || isForeign(hash)),
  ).toBe(true)
  expect(new Set(chain.importOrder).size).toBe(chain.importOrder.length)
  expect(net.reports.filter(({ peer: id }) => id.endsWith('honest'))).toEqual([])
  expect(most.headers).toBeLessThanOrEqual(limits.maxHeadersAhead)
  expect(most.bytes).toBeLessThanOrEqual(limits.maxBufferedBytes)
  expect(net.most.running).toBeLessThanOrEqual(limits.maxRequests)
  expect(net.most.toOne).toBeLessThanOrEqual(limits.maxRequestsPerPeer)
  expect(net.listeners.size).toBe(0)
}

const FOREIGN = new Set(makeBlocks(GENESIS, 400, 'foreign').map(({ hash }) => hash))
const isForeign = (hash: string): boolean => FOREIGN.has(hash)

it('reaches the best honest tip, imports nothing false, blames nobody honest, and keeps its bounds', async () => {
  await fc.assert(fc.asyncProperty(world, live), {
    numRuns: RUNS,
    endOnFailure: RUNS > 25,
    interruptAfterTimeLimit: RUNS > 25 ? 80_000 : 20_000,
  })
})

import { beforeEach, expect, it, vi } from 'vitest'
import { BlockSync, type BlockSyncInit, type SyncProgress } from '../src/index.ts'
import { GENESIS, makeBlocks, type ModelBlock, ModelChain, reader } from './model-chain.ts'
import { ModelNet } from './model-net.ts'
import { pass, run, setUp, useVirtualTime } from './support.ts'

beforeEach(useVirtualTime)

const TRUE = makeBlocks(GENESIS, 200, 'a')

it('tells how far it is, at most once in `progressMs`, and what it does', async () => {
  const setup = setUp(new ModelChain(), { progressMs: 1_000 })
  setup.chain.importMs = 50
  setup.net.join('a', new ModelChain().addAll(TRUE))
  const told: SyncProgress[] = []
  setup.sync.addEventListener('sync:progress', ({ detail }) => void told.push(detail))
  expect(setup.sync.status()).toMatchObject({ phase: 'idle', progress: undefined, peers: [], last: undefined })
  const result = setup.sync.sync()
  await vi.advanceTimersByTimeAsync(5_025)

  const { height } = setup.chain.tip()
  expect(setup.sync.status()).toMatchObject({
    phase: 'blocks',
    progress: { from: 0, height, target: 200 },
    peers: [{ id: 'a', standing: 'good' }],
    headersAhead: 200 - height,
  })
  expect(height).toBeGreaterThan(80)
  expect(told.length).toBeGreaterThan(3)
  expect(told.length).toBeLessThan(7)
  expect(told.at(-1)?.blocksPerSecond).toBeGreaterThan(15)
  expect(told.at(-1)?.blocksPerSecond).toBeLessThan(21)
  const done = await pass(result)
  expect(done).toMatchObject({ status: 'synced', imported: 200 })
  expect(setup.sync.status()).toMatchObject({ phase: 'idle', last: done, bufferedBytes: 0, headersAhead: 0 })
})

it('names who is reported, who is slow and who has nothing', async () => {
  const setup = setUp(new ModelChain(), { requestTimeoutMs: 100, maxFailures: 2 })
  const chain = new ModelChain().addAll(TRUE)
  setup.net.join('liar', chain, { headers: () => ({ status: 'found', headers: [Uint8Array.of(1)] }) })
  setup.net.join('silent', chain, { delayMs: Infinity })
  setup.net.join('empty', new ModelChain(), { tip: () => ({ height: 300, hash: 'ff' }) })

  expect(await run(setup)).toMatchObject({ status: 'failed', code: 'no-progress' })
  expect(setup.notices).toMatchObject([
    { peer: 'empty', notice: 'absent' },
    { peer: 'liar', notice: 'reported', offence: 'malformed-header' },
    { peer: 'silent', notice: 'slow' },
  ])
})

it('executes nothing up to a block that is proven to be final, and all after it', async () => {
  const chain = new ModelChain()
  const finality = { height: 150, hash: TRUE[149]?.hash ?? '' }
  const importFinal = (bytes: Uint8Array) => chain.importFinal(bytes)
  const setup = setUp(chain, { headersPerRequest: 40 }, { fast: { finality: () => finality, importFinal } })
  setup.net.join('a', new ModelChain().addAll(TRUE))

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 200 })
  expect(chain.unexecuted).toEqual(Array.from({ length: 150 }, (_, i) => i + 1))
})

it('executes the blocks of a branch that left the final block behind', async () => {
  const chain = new ModelChain()
  const finality = { height: 150, hash: TRUE[149]?.hash ?? '' }
  const importFinal = (bytes: Uint8Array) => chain.importFinal(bytes)
  const fork = makeBlocks(TRUE[140] ?? GENESIS, 5, 'fork')
  const fast = { finality: () => finality, importFinal }
  const setup = setUp(chain, { headersPerRequest: 200, rangeBlocks: 20 }, { fast })
  const [stem, answers]: [ModelBlock[], number[]] = [TRUE.slice(0, 160), []]
  // First with the final block in it; then from before that on, and never with it again.
  setup.net.join('a', new ModelChain().addAll(TRUE), {
    headers: ({ locator }) => {
      const blocks = [stem, fork][answers.push(0) - 1] ?? []
      const isLinked = locator?.some(({ hash }) => hash === blocks[0]?.parent) === true
      return { status: 'found', headers: isLinked ? blocks.map(({ header }) => header) : [] }
    },
    blocks: async ({ hashes }, honest) => {
      await new Promise((resolve) => setTimeout(resolve, 100))
      const made = hashes.map((hash) => fork.find((block) => block.hash === hash)?.bytes)
      return made.some((bytes) => bytes !== undefined) ? { blocks: made } : honest
    },
  })

  await run(setup)
  expect(fork.every(({ hash }) => chain.blocksByHash.has(hash))).toBe(true)
  expect(chain.unexecuted.filter((height) => height > 141)).toEqual([])
})

it('reports headers that contradict a block that is proven to be final', async () => {
  const fast = { finality: () => ({ height: 150, hash: 'ff' }), importFinal: () => Promise.reject(new TypeError('no')) }
  const setup = setUp(new ModelChain(), {}, { fast })
  setup.net.join('a', new ModelChain().addAll(TRUE))

  expect(await run(setup)).toMatchObject({ status: 'failed', imported: 0 })
  expect(setup.net.reports).toMatchObject([{ peer: 'a', offence: 'contradicts-finality' }])
})

it('ends, and does not reject, when the peers cannot be told', async () => {
  const setup = setUp(new ModelChain())
  setup.net.peers = () => {
    throw new TypeError('no peers')
  }

  expect(await run(setup)).toMatchObject({ status: 'failed', code: 'chain-failed' })
  expect(setup.sync.status().phase).toBe('idle')
})

it('ends, and does not reject, when a port throws what has no text', async () => {
  const setup = setUp(new ModelChain())
  const thrown: unknown = Object.create(null)
  setup.net.peers = () => {
    throw thrown
  }

  expect(await run(setup)).toMatchObject({ status: 'failed', code: 'chain-failed' })
  expect(setup.sync.status().phase).toBe('idle')
})

it('can be started again by a listener that hears of its end', async () => {
  const setup = setUp(new ModelChain())
  const other = new ModelChain().addAll(TRUE.slice(0, 100))
  setup.net.join('a', other)
  const second = Promise.withResolvers<unknown>()
  const again = (): void => {
    other.addAll(TRUE)
    second.resolve(setup.sync.sync())
  }
  setup.sync.addEventListener('sync:done', again, { once: true })

  expect(await run(setup)).toMatchObject({ imported: 100 })
  expect(await pass(second.promise)).toMatchObject({ status: 'synced', imported: 100 })
})

it.each<BlockSyncInit>([
  { behind: -1 },
  { checkpointBehind: 0.5 },
  { rangeBlocks: 0 },
  { rangeBlocks: 1_001 },
  { headersPerRequest: 2_001 },
  { maxHeadersAhead: 499 },
  { maxBlockBytes: 16_777_217 },
  { maxAnswerBytes: 1_048_575 },
  { maxBufferedBytes: 8_388_607 },
  { maxRequests: 0 },
  { maxRequestsPerPeer: NaN },
  { maxFailures: 0 },
  { slowFactor: 0.9 },
  { confirmations: 0 },
  { maxPeers: Infinity },
  { requestTimeoutMs: 0 },
  { reassignMs: 2_147_483_648 },
  { stallMs: 0 },
  { importTimeoutMs: -5 },
  { retryMs: 300_001, maxRetryMs: 300_000 },
  { progressMs: -1 },
])('refuses %j by name and value', (init) => {
  const net = new ModelNet()
  const [name = ''] = Object.keys(init).slice(-1)
  const make = () => new BlockSync({ chain: new ModelChain(), reader, peers: net, requests: net }, init)
  expect(make).toThrow(RangeError)
  expect(make).toThrow(name)
  vi.useRealTimers()
})

import type { ChainTip } from '@gridmesh/interfaces'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { BlocksAnswer, HeadersAnswer } from '../src/index.ts'
import { LIARS } from './liars.ts'
import { GENESIS, judging, makeBlocks, ModelChain } from './model-chain.ts'
import { ModelNet } from './model-net.ts'
import { pass, run, setUp, useVirtualTime } from './support.ts'

beforeEach(useVirtualTime)

const TRUE = makeBlocks(GENESIS, 250, 'a')
const never = async (): Promise<never> => new Promise(() => undefined)
/** What nobody has. */
const tip = (): ChainTip => ({ height: 1_000, hash: 'ffff' })
const none = (hashes: readonly string[]): BlocksAnswer => ({ blocks: hashes.map(() => undefined) })

describe.each(Object.entries(LIARS))('%s', (_, { behaviour, offences }) => {
  it('is reported where it is proven, and does not keep us from the tip of an honest peer', async () => {
    const setup = setUp(new ModelChain(GENESIS, 5).addAll(TRUE.slice(0, 10)))
    const honest = new ModelChain().addAll(TRUE)
    setup.net.join('liar', honest, behaviour)
    setup.net.join('honest', honest, { delayMs: 20 })

    expect(await run(setup)).toMatchObject({ status: 'synced', tip: { height: 250 } })
    expect(setup.net.reports.map(({ peer }) => peer)).not.toContain('honest')
    expect(offences.length === 0 ? setup.net.reports : []).toEqual([])
  })

  it('is not asked again in the run once it is reported, and what it says gets us nowhere where it is alone', async () => {
    const setup = setUp(new ModelChain(GENESIS, 5).addAll(TRUE.slice(0, 10)))
    setup.net.join('liar', new ModelChain().addAll(TRUE), behaviour)
    const result = await run(setup)

    expect(setup.net.reports).toHaveLength(Math.min(1, offences.length))
    expect(setup.net.reports.filter(({ offence }) => !offences.includes(offence))).toEqual([])
    expect(result.status === 'synced' ? result.tip.height : 250).toBe(250)
    expect(setup.chain.importOrder.filter((hash) => !TRUE.some((block) => block.hash === hash))).toEqual([])
  })
})

it('knows false headers at sight where the chain can judge them, and asks for none of their blocks', async () => {
  const setup = setUp(new ModelChain(), {}, { reader: judging })
  setup.net.join('liar', new ModelChain(), LIARS['a false branch']?.behaviour)

  expect(await run(setup)).toMatchObject({ status: 'failed', code: 'no-peers' })
  expect(setup.net.reports).toMatchObject([{ offence: 'invalid-header' }])
  expect(setup.net.asked.filter(({ kind }) => kind === 'blocks')).toEqual([])
})

it('reports a second peer with a refused block by its headers alone', async () => {
  const setup = setUp(new ModelChain(), { rangeBlocks: 400 })
  const liar = LIARS['a false branch']?.behaviour
  setup.net.join('one', new ModelChain(), liar)
  setup.net.join('two', new ModelChain(), {
    ...liar,
    blocks: ({ hashes }) => ({ blocks: hashes.map(() => undefined) }),
  })

  await run(setup)
  expect(setup.net.reports.map(({ peer }) => peer).toSorted()).toEqual(['one', 'two'])
})

it('reports who gave the body of a refused block besides who gave its header', async () => {
  const setup = setUp(new ModelChain())
  const liar = LIARS['a false branch']?.behaviour
  setup.net.join('headers', new ModelChain(), { ...liar, blocks: ({ hashes }) => none(hashes) })
  setup.net.join('bodies', new ModelChain(), { ...liar, headers: (_, honest) => honest })

  await run(setup)
  expect(setup.net.reports).toMatchObject([
    { peer: 'bodies', offence: 'invalid-block' },
    { peer: 'headers', offence: 'invalid-block' },
  ])
})

it('does not stay with a peer that gives us the same known branches for ever', async () => {
  const side = makeBlocks(GENESIS, 15, 'side')
  const setup = setUp(new ModelChain().addAll([...TRUE.slice(0, 20), ...side]), {
    headersPerRequest: 5,
    stallMs: 5_000,
  })
  let asked = 0
  setup.net.join('liar', new ModelChain(), {
    delayMs: 100,
    tip: () => ({ height: 1_000, hash: 'ff' }),
    headers: () => ({ status: 'found', headers: (asked++ % 2 ? side : TRUE).slice(0, 5).map(({ header }) => header) }),
    blocks: ({ hashes }) => ({
      blocks: hashes.map((hash) => [...side, ...TRUE].find((block) => block.hash === hash)?.bytes),
    }),
  })

  expect(await run(setup)).toMatchObject({ status: 'failed', code: 'no-progress', imported: 0 })
})

it('refuses a branch that forks below what became final while it was asked for', async () => {
  const chain = new ModelChain(GENESIS, 10).addAll(TRUE.slice(0, 100))
  const setup = setUp(chain)
  const fork = makeBlocks(TRUE[91] ?? GENESIS, 100, 'fork')
  setup.net.join('a', new ModelChain().addAll([...TRUE.slice(0, 92), ...fork]), { delayMs: 100 })
  const result = setup.sync.sync()
  await vi.advanceTimersByTimeAsync(50)
  chain.addAll(TRUE.slice(100, 110))

  expect(await pass(result)).toMatchObject({ status: 'failed', imported: 0 })
  expect(setup.net.reports).toMatchObject([{ peer: 'a', offence: 'forks-below-finality' }])
  expect(setup.net.asked.filter(({ kind }) => kind === 'blocks')).toEqual([])
})

it('reports who claims a block that we hold at a height that is not its own, and leaves it alone for longer', async () => {
  const setup = setUp(new ModelChain().addAll(TRUE), { behind: 10, retryMs: 10_000 })
  let second = 0
  setup.net.join('liar', new ModelChain().addAll(TRUE), {
    tip: () => ({ height: 1_000_000, hash: TRUE[second]?.hash ?? '' }),
  })
  for (; second < 75; second++) {
    setup.net.changed()
    await vi.advanceTimersByTimeAsync(1_000)
  }

  expect(setup.net.asked).toHaveLength(4)
  expect(setup.net.reports.map(({ peer, offence }) => `${peer} ${offence}`)).toEqual(Array(4).fill('liar false-claim'))
})

it('goes over to somebody else where a peer gives header after header', async () => {
  const setup = setUp(new ModelChain())
  const honest = new ModelChain().addAll(TRUE)
  setup.net.join('drip', honest, {
    headers: (_, answer) => (answer.status === 'found' ? { ...answer, headers: answer.headers.slice(0, 1) } : answer),
  })
  setup.net.join('good', honest)

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 250 })
  expect(setup.net.asked.filter(({ peer, kind }) => peer === 'drip' && kind === 'headers')).toHaveLength(3)
})

it('blames nobody for a block that the chain refuses for now', async () => {
  const chain = new ModelChain()
  const more = { reader: { ...judging, judge: () => undefined, isProof: () => false } }
  const setup = setUp(chain, {}, more)
  setup.net.join('liar', new ModelChain(), LIARS['a false branch']?.behaviour)

  expect(await run(setup)).toMatchObject({ status: 'failed', code: 'no-progress' })
  expect(setup.net.reports).toEqual([])
})

it('holds no more endless headers than it may', async () => {
  const setup = setUp(new ModelChain(), { maxHeadersAhead: 1_000, headersPerRequest: 200 })
  setup.net.join('liar', new ModelChain(), {
    ...LIARS['endless headers']?.behaviour,
    blocks: () => new Promise(() => {}),
  })
  const result = setup.sync.sync()
  let most = 0
  for (let ms = 0; ms < 5_000; ms += 10) {
    await vi.advanceTimersByTimeAsync(10)
    most = Math.max(most, setup.sync.status().headersAhead)
  }

  expect(most).toBe(1_000)
  expect(await pass(result)).toMatchObject({ status: 'failed', code: 'no-progress', imported: 0 })
})

it('goes on with the others when peers die in the middle', async () => {
  const setup = setUp(new ModelChain(), { rangeBlocks: 10 })
  const honest = new ModelChain().addAll(TRUE)
  const peers = ['a', 'b', 'c'].map((id) => setup.net.join(id, honest, { delayMs: 50 }))
  const result = setup.sync.sync()
  for (const peer of peers.slice(0, 2)) {
    await vi.advanceTimersByTimeAsync(120)
    peer.isReady = false
    setup.net.changed()
  }

  expect(await pass(result)).toMatchObject({ status: 'synced', imported: 250 })
  expect(setup.net.reports).toEqual([])
})

it('asks another peer too when what is needed next takes longer than `reassignMs`', async () => {
  const setup = setUp(new ModelChain(), { rangeBlocks: 50, reassignMs: 1_000, maxRequestsPerPeer: 1 })
  const honest = new ModelChain().addAll(TRUE)
  let asked = 0
  // Headers at once, blocks never.
  setup.net.join('a', honest, { blocks: () => (asked++, new Promise(() => {})) })
  setup.net.join('b', honest, { delayMs: 10 })
  const beganMs = performance.now()

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 250 })
  expect(asked).toBeGreaterThan(0)
  expect(performance.now() - beganMs).toBeLessThan(10_000)
})

it('asks somebody else again for what a peer did not give, even with one request at a time', async () => {
  const setup = setUp(new ModelChain(), { maxRequests: 1, maxFailures: 10, requestTimeoutMs: 10_000, stallMs: 25_000 })
  const honest = new ModelChain().addAll(TRUE)
  setup.net.join('mute', honest, { blocks: () => new Promise(() => {}) })
  setup.net.join('good', honest)

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 250 })
  expect(setup.notices).toEqual([])
})

it('keeps room for what is needed first, however much of what comes later is here', async () => {
  const blocks = TRUE.slice(9, 99)
  const perRange = Array.from({ length: 18 }, (_, i) => blocks.slice(5 * i, 5 * i + 5))
  const bytes = perRange.map((range) => range.reduce((sum, block) => sum + block.bytes.byteLength, 0))
  const maxAnswerBytes = Math.max(...bytes)
  const limits = { maxBlockBytes: 100, maxAnswerBytes, maxBufferedBytes: 4 * maxAnswerBytes, maxRequestsPerPeer: 1 }
  const setup = setUp(new ModelChain().addAll(TRUE.slice(0, 9)), { ...limits, rangeBlocks: 5, reassignMs: 20_000 })
  const honest = new ModelChain().addAll(TRUE.slice(0, 99))
  setup.net.join('all', honest, { delayMs: 100 })
  const second = perRange[1]?.[0]?.hash
  // It has all but the second range, and takes its time to say so.
  setup.net.join('gap', honest, {
    blocks: async ({ hashes }, answer) => {
      if (hashes[0] !== second) return answer
      await new Promise((resolve) => setTimeout(resolve, 350))
      return { blocks: hashes.map(() => undefined) }
    },
  })

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 90 })
  expect(setup.notices).toEqual([])
})

it('leaves a peer far slower than the median aside while there are others', async () => {
  const setup = setUp(new ModelChain(), { rangeBlocks: 2, slowFactor: 4, maxRequestsPerPeer: 1 })
  const honest = new ModelChain().addAll(TRUE)
  for (const id of ['a', 'b', 'c']) setup.net.join(id, honest, { delayMs: 20 })
  setup.net.join('slow', honest, { delayMs: 100 })

  expect(await run(setup)).toMatchObject({ status: 'synced' })
  const asked = (id: string) => setup.net.asked.filter(({ peer, kind }) => peer === id && kind === 'blocks').length
  expect(asked('slow')).toBeLessThanOrEqual(2)
  expect(asked('a')).toBeGreaterThan(20)
})

it('is not kept from those who were there first by a flood of newcomers that claim ever more', async () => {
  const setup = setUp(new ModelChain())
  setup.net.join('honest', new ModelChain().addAll(TRUE))
  let claimed = 1_000
  const flood = (): void => {
    const height = claimed++
    setup.net.join(`flood ${height}`, new ModelChain(), {
      tip: () => ({ height, hash: 'ff' }),
      headers: (_, honest) => {
        flood()
        return honest
      },
    })
  }
  flood()

  const result = setup.sync.sync()
  await vi.advanceTimersByTimeAsync(20)
  expect(setup.net.asked.slice(0, 2).map(({ peer }) => peer)).toEqual(['flood 1000', 'honest'])
  // As many as are looked at in a run, each excluded once.
  expect(await pass(result)).toMatchObject({ status: 'synced', imported: 250 })
  expect(setup.notices.length).toBeLessThanOrEqual(256)
})

it('gives a peer up when the chain never knows the parents of its blocks', async () => {
  const setup = setUp(new ModelChain())
  setup.chain.importBlock = () => Promise.resolve({ status: 'unknown-parent', parent: 'ff' })
  setup.net.join('a', new ModelChain().addAll(TRUE))

  expect(await run(setup)).toMatchObject({ status: 'failed', code: 'no-progress' })
  expect(setup.notices).toMatchObject([{ peer: 'a', notice: 'absent' }])
})

it('follows first what more peers have, where it forks below our tip', async () => {
  const fork = makeBlocks(TRUE[99] ?? GENESIS, 60, 'lonely')
  const setup = setUp(new ModelChain().addAll([...TRUE.slice(0, 100), ...makeBlocks(TRUE[99] ?? GENESIS, 5, 'own')]))
  setup.net.join('lonely', new ModelChain().addAll([...TRUE.slice(0, 100), ...fork]))
  for (const id of ['a', 'b', 'c']) setup.net.join(id, new ModelChain().addAll(TRUE.slice(0, 160)), { delayMs: 30 })
  setup.chain.importOrder.length = 0

  expect(await run(setup)).toMatchObject({ status: 'synced' })
  expect(setup.chain.importOrder[0]).toBe(TRUE[100]?.hash)
})

it('waits for nobody who is silent once enough peers have a branch that forks below our tip', async () => {
  const setup = setUp(new ModelChain().addAll([...TRUE.slice(0, 100), ...makeBlocks(TRUE[99] ?? GENESIS, 5, 'own')]))
  for (const id of ['a', 'b', 'c']) setup.net.join(id, new ModelChain().addAll(TRUE))
  setup.net.join('silent', new ModelChain().addAll(TRUE), { headers: never })
  const result = setup.sync.sync()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(setup.chain.tip().height).toBe(250)
  expect(await pass(result)).toMatchObject({ status: 'synced' })
})

it.each([NaN, Infinity])('fails by the fault of the chain alone when an import takes %s ms', async (importMs) => {
  const setup = setUp(new ModelChain(), { importTimeoutMs: 5_000 })
  setup.net.join('a', new ModelChain().addAll(TRUE))
  setup.chain.importMs = importMs

  expect(await run(setup)).toMatchObject({ status: 'failed', code: 'chain-failed' })
  expect(setup.net.reports).toEqual([])
  expect(setup.notices).toEqual([])
})

it('tries again after a time that doubles, and at once for somebody new', async () => {
  const setup = setUp(new ModelChain(), { behind: 10, retryMs: 10_000, requestTimeoutMs: 100, maxFailures: 1 })
  const failures: number[] = []
  setup.sync.addEventListener('sync:failed', () => void failures.push(performance.now()))
  const beganMs = performance.now()
  setup.net.join('silent', new ModelChain().addAll(TRUE), { delayMs: Infinity })
  for (let s = 0; s < 75; s++) {
    await vi.advanceTimersByTimeAsync(1_000)
    setup.net.changed()
  }

  expect(failures.map((ms) => Math.round((ms - beganMs) / 1_000))).toEqual([0, 10, 30, 70])
  setup.net.join('honest', new ModelChain().addAll(TRUE))
  await vi.advanceTimersByTimeAsync(2_000)
  expect(setup.chain.tip().height).toBe(250)
})

it('turns last, in a run for others, to whom the run before made nothing of, whatever height it claims', async () => {
  const setup = setUp(new ModelChain(), { behind: 10, stallMs: 5_000, reassignMs: 3_000, retryMs: 60_000 })
  setup.net.join('silent', new ModelChain(), {
    tip: () => ({ height: 1_000, hash: 'ffff' }),
    headers: () => new Promise(() => undefined),
  })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(setup.sync.status()).toMatchObject({ phase: 'idle', last: { status: 'failed' } })

  setup.net.join('honest', new ModelChain().addAll(TRUE))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(setup.chain.tip().height).toBe(250)
})

it('asks of whom the run before made nothing no blocks for others, as long as one of those may have them', async () => {
  const setup = setUp(new ModelChain(), { behind: 10, stallMs: 5_000, retryMs: 60_000, rangeBlocks: 10 })
  setup.net.join('silent', new ModelChain(), { tip, headers: never, blocks: never })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(setup.sync.status()).toMatchObject({ phase: 'idle', last: { status: 'failed' } })

  const { chain } = setup.net.join('honest', new ModelChain().addAll(TRUE.slice(0, 200)))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(setup.chain.tip().height).toBe(200)
  // Nor in the next one, though it had no turn in this.
  await vi.advanceTimersByTimeAsync(20_000)
  chain.addAll(TRUE.slice(200))
  setup.net.changed()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(setup.chain.tip().height).toBe(250)
  expect(setup.net.asked.filter(({ peer, kind }) => peer === 'silent' && kind === 'blocks')).toEqual([])
})

it('asks somebody whose headers did not come for blocks only where there is nobody else', async () => {
  const setup = setUp(new ModelChain(), { rangeBlocks: 10 })
  setup.net.join('silent', new ModelChain().addAll(TRUE), { headers: never, blocks: never })
  setup.net.join('honest', new ModelChain().addAll(TRUE))
  const result = setup.sync.sync()
  await vi.advanceTimersByTimeAsync(3_600)
  expect(setup.chain.tip().height).toBe(250)
  expect(await pass(result)).toMatchObject({ status: 'synced' })
  expect(setup.net.asked.filter(({ peer, kind }) => peer === 'silent' && kind === 'blocks')).toEqual([])
})

it('asks nothing of who lied in the run before until its time is over, however many runs there are for others', async () => {
  const setup = setUp(new ModelChain(), { behind: 10, retryMs: 20_000, rangeBlocks: 10 })
  setup.net.join('liar', new ModelChain(), { ...LIARS['malformed headers']?.behaviour, tip })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(setup.net.reports).toHaveLength(1)
  const { chain } = setup.net.join('honest', new ModelChain())
  const asked = (): number => setup.net.asked.filter(({ peer }) => peer === 'liar').length
  const before = asked()
  for (const end of [50, 100, 150]) {
    chain.addAll(TRUE.slice(end - 50, end))
    setup.net.changed()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(setup.chain.tip().height).toBe(end)
  }
  expect([asked(), setup.net.reports.length]).toEqual([before, 1])

  await vi.advanceTimersByTimeAsync(5_000)
  chain.addAll(TRUE.slice(150))
  setup.net.changed()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(setup.chain.tip().height).toBe(250)
  expect([asked() > before, setup.net.reports.length]).toEqual([true, 2])
})

it('asks whom it gave up in the run before where nobody else gives the blocks', async () => {
  const setup = setUp(new ModelChain(), { behind: 10, stallMs: 5_000, retryMs: 60_000 })
  const honest = new ModelChain().addAll(TRUE)
  let isMute = true
  const headers = async (_: unknown, answer: HeadersAnswer): Promise<HeadersAnswer> =>
    isMute ? new Promise(() => undefined) : answer
  setup.net.join('slow', honest, { headers })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(setup.sync.status()).toMatchObject({ phase: 'idle', last: { status: 'failed' } })
  isMute = false
  // It has the headers, and none of the blocks.
  setup.net.join('new', honest, { blocks: ({ hashes }) => none(hashes) })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(setup.chain.tip().height).toBe(250)
})

it('finds the one peer that is ahead behind more than it looks at that have nothing', async () => {
  const setup = setUp(new ModelChain(), { behind: 10, maxPeers: 4 })
  for (let i = 0; i < 6; i++) setup.net.join(`idle ${i}`, new ModelChain())
  setup.net.join('honest', new ModelChain().addAll(TRUE))

  await vi.advanceTimersByTimeAsync(1_000)
  expect(setup.chain.tip().height).toBe(250)
})

it('comes to everybody where more claim to be ahead than it looks at, and only then waits', async () => {
  const net = new ModelNet()
  const claiming = LIARS['a tip that is never reached']?.behaviour
  for (let i = 0; i < 10; i++) net.join(`empty ${i}`, new ModelChain(), claiming)
  const setup = setUp(new ModelChain(), { behind: 10, maxPeers: 4, retryMs: 10_000, maxRetryMs: 10_000 }, {}, net)
  const failures: number[] = []
  setup.sync.addEventListener('sync:failed', () => void failures.push(performance.now()))
  const beganMs = performance.now()
  await vi.advanceTimersByTimeAsync(15_000)
  expect(failures.map((ms) => Math.round((ms - beganMs) / 1_000))).toEqual([0, 0, 0, 10, 10, 10])

  net.join('honest', new ModelChain().addAll(TRUE))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(setup.chain.tip().height).toBe(250)
})

it('reports a peer that gives more bytes than it was asked for, however short its blocks are', async () => {
  const setup = setUp(new ModelChain(), { rangeBlocks: 10, maxBlockBytes: 100, maxAnswerBytes: 200 })
  const all = new ModelChain().addAll(TRUE)
  setup.net.join('liar', all, { blocks: async ({ hashes }) => ({ blocks: await all.blocks(hashes) }) })
  setup.net.join('honest', all, { delayMs: 20 })

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 250 })
  expect(setup.net.reports).toMatchObject([{ peer: 'liar', offence: 'too-many-bytes' }])
})

it('stays with a peer that fails often, and never `maxFailures` times in a row', async () => {
  const setup = setUp(new ModelChain(), { headersPerRequest: 10, maxFailures: 3 })
  const honest = new ModelChain().addAll(TRUE)
  const blocks = Promise.withResolvers<void>()
  let asked = 0
  setup.net.join('a', honest, {
    headers: (_, answer) => {
      if (asked++ % 3 > 0) throw new TypeError('busy')
      return answer
    },
    // Not yet: that they came would be forgiven, too.
    blocks: async (_, answer) => blocks.promise.then(() => answer),
  })
  const result = setup.sync.sync()
  await vi.advanceTimersByTimeAsync(2_000)
  blocks.resolve()

  expect(await pass(result)).toMatchObject({ status: 'synced', imported: 250 })
  expect(asked).toBeGreaterThan(20)
  expect(setup.notices).toEqual([])
})

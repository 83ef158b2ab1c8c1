import { getEventListeners } from 'node:events'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { ask } from '../src/ask.ts'
import type { StateImport } from '../src/index.ts'
import { LedgerNode, ledgerReader } from './ledger-node.ts'
import { GENESIS, makeBlocks, ModelChain } from './model-chain.ts'
import { ModelNet } from './model-net.ts'
import { pass, run, setUp, useVirtualTime } from './support.ts'

beforeEach(useVirtualTime)

const BLOCKS = makeBlocks(GENESIS, 250, 'a')
const never = (): Promise<never> => new Promise(() => {})

it('leaves no timer when it is stopped while it waits for the next run', async () => {
  const setup = setUp(new ModelChain())
  setup.net.join('a', new ModelChain().addAll(BLOCKS))
  expect(await run(setup)).toMatchObject({ status: 'synced' })
  expect(vi.getTimerCount()).toBe(1)
  await setup.sync.stop()
  expect(vi.getTimerCount()).toBe(0)
})

it('leaves no timer and no request when it is stopped while blocks are fetched', async () => {
  const setup = setUp(new ModelChain(), { rangeBlocks: 50 })
  const [a] = ['a', 'b'].map((id) => setup.net.join(id, new ModelChain().addAll(BLOCKS), { blocks: never }))
  const result = setup.sync.sync()
  await vi.advanceTimersByTimeAsync(500)
  expect(a?.running).toBeGreaterThan(0)
  await setup.sync.stop()
  expect(await result).toMatchObject({ code: 'stopped' })
  expect(setup.net.all.map(({ running }) => running)).toEqual([0, 0])
  expect(vi.getTimerCount()).toBe(0)
})

it('ends a request for what somebody else has brought', async () => {
  const setup = setUp(new ModelChain(), { rangeBlocks: 250, reassignMs: 1_000, requestTimeoutMs: 600_000 })
  const mute = setup.net.join('mute', new ModelChain().addAll(BLOCKS), { blocks: never })
  const result = setup.sync.sync()
  await vi.advanceTimersByTimeAsync(500)
  expect(mute.running).toBe(1)
  setup.net.join('good', new ModelChain().addAll(BLOCKS))
  await vi.advanceTimersByTimeAsync(2_000)
  expect(await result).toMatchObject({ status: 'synced' })
  expect(mute.running).toBe(0)
})

it('closes the state of a checkpoint that it does not take, in as many pieces as it was begun', async () => {
  const full = await (await (await LedgerNode.create()).grow(50)).snapshot().grow(10)
  const chain = await LedgerNode.create()
  onTestFinished(() => chain.close())
  const begin = chain.target.begin.bind(chain.target)
  const states: StateImport[] = []
  const closed = vi.fn<(state: StateImport) => void>()
  chain.mayBeFiner = true
  chain.target.begin = async (bytes, options) => {
    // It has more pieces the second time, and no more than these the third.
    const state = await begin(bytes, states.length < 2 ? options : { signal: options.signal, pieces: 16 })
    states.push(state)
    vi.spyOn(state, 'close').mockImplementation(() => Promise.resolve(closed(state)))
    return state
  }
  const more = { reader: ledgerReader, state: chain.target, history: chain.history }
  const setup = setUp(chain, { checkpointBehind: 20, maxRequests: 1 }, more, new ModelNet(ledgerReader))
  setup.net.join('a', full, { delayMs: 5, statePiece: () => ({ piece: undefined }) }, full.stateReader)

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 60 })
  expect(states.map(({ pieces }) => pieces)).toEqual([16, 256, 16])
  expect(closed.mock.calls).toEqual(states.map((state) => [state]))
  // That which asked for its pieces is over, too.
  await pass(setup.sync.stop())
  expect(vi.getTimerCount()).toBe(0)
})

it('closes the state of a checkpoint that the chain does not take at the end', async () => {
  const full = await (await (await LedgerNode.create()).grow(50)).snapshot().grow(10)
  const chain = await LedgerNode.create()
  onTestFinished(() => chain.close())
  const begin = chain.target.begin.bind(chain.target)
  const close = vi.fn<StateImport['close']>(() => Promise.resolve())
  chain.target.begin = async (bytes, options) => ({
    ...(await begin(bytes, options)),
    finish: () => Promise.reject(new RangeError('no authorities')),
    close,
  })
  const more = { reader: ledgerReader, state: chain.target, history: chain.history }
  const setup = setUp(chain, { checkpointBehind: 20 }, more, new ModelNet(ledgerReader))
  setup.net.join('a', full, { delayMs: 5 }, full.stateReader)

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 60 })
  expect(close).toHaveBeenCalledOnce()
})

it('tells a call that nobody waits for it any more, and leaves no listener on a signal', async () => {
  const { signal } = new AbortController()
  const init = { what: 'it', timeoutMs: 1_000, signals: [signal] }
  expect(await ask(init, () => 'answer')).toBe('answer')

  let late: AbortSignal | undefined
  const asking = ask(init, (inner) => {
    late = inner
    return never()
  }).catch((err: unknown) => err)
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(await asking).toMatchObject({ name: 'RequestTimeoutError' })
  expect(late?.aborted).toBe(true)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

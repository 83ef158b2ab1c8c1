import { expect, it, vi } from 'vitest'
import { memoryRecord, poaRules } from '../src/index.ts'
import { decodeSigningState } from '../src/poa/signing-state.ts'
import { addressesOf, codec, headerBytes, openBlock } from './blocks.ts'
import { abandon, next, pass, setUp, underFakeTimers } from './engines.ts'
import { SimChain } from './sim-chain.ts'

underFakeTimers()

it('gives up a proposal under way when there is a new head, and the late build can no longer sign', async () => {
  const { engine, chain, made, events, record } = setUp()
  const building = Promise.withResolvers<void>()
  const build = vi.spyOn(chain, 'build').mockImplementation(async (request) => {
    await building.promise
    return { header: codec.decode(headerBytes()), bytes: Buffer.from(request.signer.sign(Buffer.from('late'))) }
  })
  const late = (): Promise<unknown> => build.mock.results[0]?.value as Promise<unknown>
  await engine.start()
  await pass(10_000)
  expect(build).toHaveBeenCalledOnce()
  const parent = chain.head().header
  await engine.receive('block', next(chain))
  building.resolve()
  await expect(late()).rejects.toMatchObject({ name: 'ProposalError', code: 'cancelled' })
  await pass(0)
  expect(build.mock.calls[0]?.[0].signal.aborted).toBe(true)
  expect(await record.has({ height: 1, name: parent.hash })).toBe(false)
  expect(made()).toEqual([])
  expect(events['consensus:fault']).toEqual([])
})

it('gives up a build after buildDeadlineMs, says so, and tries again', async () => {
  const { engine, chain, made, events } = setUp({ init: { buildDeadlineMs: 500 } })
  vi.spyOn(chain, 'build').mockImplementationOnce(async () => new Promise(() => undefined))
  await engine.start()
  await pass(10_500)
  expect(events['consensus:fault']).toMatchObject([{ during: 'propose', error: { code: 'build-timeout' } }])
  await pass(1_000)
  expect(made()).toEqual([[1, 11_500]])
})

it('lets a build sign once', async () => {
  const { engine, chain, events, made } = setUp()
  vi.spyOn(chain, 'build').mockImplementationOnce(async ({ signer }) => {
    signer.sign(Buffer.from('one'))
    signer.sign(Buffer.from('two'))
    return Promise.resolve(undefined)
  })
  await engine.start()
  await pass(10_000)
  expect(events['consensus:fault']).toMatchObject([{ error: { code: 'signed-already' } }])
  expect(made()).toEqual([])
})

it.each([
  ['height', { height: 7 }],
  ['parent', { parent: 'ff' }],
  ['timeMs', { timeMs: 9_999 }],
  ['proposer', { proposer: 'a' }],
])('proposes nothing that was built with another %s', async (name, change) => {
  const { engine, chain, events, made } = setUp()
  vi.spyOn(chain, 'build').mockImplementationOnce(async ({ parent, timeMs }) => {
    const bytes = headerBytes({ height: 1, parent: parent.header.hash, timeMs, proposer: 'b', ...change })
    return Promise.resolve({ header: codec.decode(bytes), bytes })
  })
  await engine.start()
  await pass(10_000)
  const error = { code: 'wrong-build', message: expect.stringContaining(name) as string }
  expect(events['consensus:fault']).toMatchObject([{ error }])
  expect(made()).toEqual([])
})

it('does not spin where the chain builds no empty block though it should', async () => {
  const { engine, chain, events } = setUp()
  const build = vi.spyOn(chain, 'build').mockResolvedValue(undefined)
  await engine.start()
  await pass(12_000)
  expect(build).toHaveBeenCalledTimes(3)
  expect(events['consensus:fault']).toHaveLength(3)
})

it('records a block before it is imported and sent', async () => {
  const record = memoryRecord()
  const saving = Promise.withResolvers<void>()
  const save = vi.spyOn(record, 'save').mockReturnValueOnce(saving.promise)
  const { engine, chain, made } = setUp({ record })
  await engine.start()
  await pass(10_000)
  expect(save).toHaveBeenCalledOnce()
  expect([made().length, chain.head().header.height]).toEqual([0, 0])
  saving.resolve()
  await pass(0)
  expect([made().length, chain.head().header.height]).toEqual([1, 1])
})

it('records a vote and a lock with a block in turn, and none with one that is too late to count', async () => {
  const { engine, chain, record } = setUp({ count: 1, address: 'a' })
  const saved = async (): Promise<unknown> => decodeSigningState((await record.load()) ?? new Uint8Array())
  vi.setSystemTime(3_600_000)
  await engine.start()
  await pass(0)
  expect(chain.head().standing.weight).toBe(1)
  expect(await saved()).toEqual({ block: next(new SimChain(poaRules(), ['a'])) })
  // Its turn was missed, so it makes the next one at once.
  await pass(300)
  expect(await saved()).toMatchObject({ vote: { height: 2, hash: chain.at(2)?.hash }, lock: { height: 0, hash: '00' } })
})

it('is not bound by a vote that could not be recorded', async () => {
  const { engine, chain, record, events, made } = setUp({ count: 1, address: 'a' })
  vi.spyOn(record, 'save').mockRejectedValueOnce(new TypeError('the disk is full'))
  await engine.start()
  await pass(300)
  chain.mempool.add('one')
  await pass(1_000)
  expect(events['consensus:fault']).toMatchObject([{ during: 'propose', error: { message: 'the disk is full' } }])
  expect(made()).toEqual([[1, 1_300]])
  const vote = { height: 1, hash: chain.at(1)?.hash }
  expect(decodeSigningState((await record.load()) ?? new Uint8Array())).toMatchObject({ vote })
})

it('sends after a restart what was recorded and not sent, and signs nothing in its place', async () => {
  const first = setUp()
  vi.spyOn(first.chain, 'importBlock').mockReturnValue(new Promise(() => undefined))
  await first.engine.start()
  await pass(10_000)
  expect(first.made()).toEqual([])
  vi.restoreAllMocks()
  const second = setUp({ chain: first.chain, record: first.record })
  await second.engine.start()
  await pass(1)
  expect(second.made()).toEqual([[1, 10_000]])
  expect(second.chain.head().header.height).toBe(1)
  abandon(first.engine)
  vi.clearAllTimers()
})

it('sends after a restart what the chain has and the crash may have kept from the others', async () => {
  const first = setUp()
  await first.engine.start()
  await pass(10_000)
  await first.engine.stop()
  const second = setUp({ chain: first.chain, record: first.record })
  await second.engine.start()
  await pass(0)
  expect(second.published).toEqual(first.published)
  expect(second.events['consensus:proposed']).toEqual([])
})

it('hands a recorded block to the chain again that is too early for its clock, until there is another', async () => {
  const { engine, chain, made, events } = setUp()
  const importBlock = chain.importBlock.bind(chain)
  const early = { status: 'refused', code: 'time-ahead', message: 'set back' } as const
  let own = 0
  vi.spyOn(chain, 'importBlock').mockImplementation(async (bytes) => {
    if (openBlock(bytes).proposer !== 'b') return importBlock(bytes)
    return (own += 1) === 3 ? importBlock(bytes) : early
  })
  await engine.start()
  await pass(11_999)
  expect([own, made().length, events['consensus:fault'].length]).toEqual([2, 0, 2])
  await pass(1)
  expect([own, made()]).toEqual([3, [[1, 10_000]]])
  await engine.receive('block', next(chain))
  await engine.receive('block', next(chain, Date.now() + 300))
  await pass(10_500)
  expect(own).toBe(4)
  await engine.receive('block', next(chain, Date.now(), 'c'))
  await pass(0)
  expect(own).toBe(5)
  await pass(5_000)
  expect(own).toBe(5)
})

it('tries again after fallbackMs and not sooner, whatever transactions come', async () => {
  const { engine, chain, record, made } = setUp()
  const has = vi.spyOn(record, 'has').mockRejectedValueOnce(new TypeError('disk'))
  await engine.start()
  await pass(999)
  chain.mempool.add('one')
  await pass(0)
  expect([has.mock.calls.length, made().length]).toEqual([1, 0])
  await pass(1)
  expect(made()).toEqual([[1, 1_000]])
})

it('signs nothing in the place of what the record forgot, though the chain was lost and begins anew', async () => {
  const { engine, chain, record } = setUp({ count: 1, address: 'a' })
  await engine.start()
  await pass(50_000)
  expect(engine.finalised).toMatchObject({ height: 3 })
  await engine.stop()
  const again = setUp({ count: 1, address: 'a', record })
  await again.engine.start()
  await pass(100_000)
  expect([again.chain.head().header.height, again.made()]).toEqual([0, []])
  expect(again.events['consensus:fault']).toMatchObject([{ during: 'propose', error: { code: 'parent-lost' } }])
  // With its blocks back it goes on.
  for (const bytes of chain.blocksFor(again.chain)) await again.engine.receive('block', bytes)
  await pass(100_000)
  expect(again.made().length).toBeGreaterThan(5)
})

it('hands a recorded block to the chain again after fallbackMs, until the chain takes it', async () => {
  const { engine, chain, made, events } = setUp({ count: 1, address: 'a' })
  vi.spyOn(chain, 'importBlock')
    .mockRejectedValueOnce(new TypeError('disk'))
    .mockRejectedValueOnce(new TypeError('disk'))
  await engine.start()
  await pass(11_999)
  expect(made()).toEqual([])
  await pass(1)
  expect(made()).toEqual([[1, 10_000]])
  expect(events['consensus:fault']).toHaveLength(2)
  await pass(8_000)
  expect(made()[1]).toEqual([2, 20_000])
})

it('records nothing for a head that the chain has left without saying so', async () => {
  const { engine, chain, record, made } = setUp()
  const save = vi.spyOn(record, 'save')
  await engine.start()
  await pass(9_999)
  const head = { ...chain.head(), header: { ...chain.head().header, hash: 'ff' } }
  const build = chain.build.bind(chain)
  vi.spyOn(chain, 'build').mockImplementationOnce(async (request) => {
    const built = await build(request)
    vi.spyOn(chain, 'head').mockReturnValue(head)
    return built
  })
  await pass(1)
  expect([save.mock.calls.length, made().length]).toEqual([0, 0])
})

it('never signs two blocks on one parent, though the chain lost the first', async () => {
  const { chain, engine, record } = setUp()
  await engine.start()
  await pass(10_000)
  await engine.stop()
  expect(chain.head().header.height).toBe(1)
  // The recorded block is not taken back either.
  const empty = new SimChain(poaRules(), addressesOf(3))
  vi.spyOn(empty, 'importBlock').mockResolvedValueOnce({ status: 'refused', code: 'lost', message: 'lost' })
  const again = setUp({ chain: empty, record })
  await again.engine.start()
  await pass(100_000)
  expect(again.made()).toEqual([])
})

/** A saved state with a text in it. */
const text = (value: string, length = value.length): Uint8Array =>
  Buffer.concat([Buffer.from([0, 0, 0, length]), Buffer.from(value)])

it('refuses to start on a record that is corrupt, and starts once it is not', async () => {
  const record = memoryRecord()
  const load = vi.spyOn(record, 'load')
  const { engine } = setUp({ record })
  for (const bytes of [
    Buffer.from([1]),
    text('{}', 3),
    text('{'),
    text('null'),
    text('{"version":2}'),
    text('{"version":1,"vote":null}'),
    text('{"version":1,"lock":{"height":0.5,"hash":""}}'),
  ]) {
    load.mockResolvedValueOnce(bytes)
    await expect(engine.start()).rejects.toMatchObject({ name: 'CorruptRecordError', code: 'corrupt-record' })
  }
  await engine.start()
})

it('sends what is signed already when it is stopped meanwhile', async () => {
  const { engine, record, made } = setUp()
  const saving = Promise.withResolvers<void>()
  vi.spyOn(record, 'save').mockReturnValueOnce(saving.promise)
  await engine.start()
  await pass(10_000)
  let isStopped = false
  const stopped = engine.stop().then(() => (isStopped = true))
  await pass(60_000)
  expect(isStopped).toBe(false)
  saving.resolve()
  await stopped
  expect(made()).toEqual([[1, 10_000]])
})

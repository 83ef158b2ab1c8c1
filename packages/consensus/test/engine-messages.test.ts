import { expect, it, vi } from 'vitest'
import { encodeEquivocation, type Equivocation, equivocationOf, poaRules } from '../src/index.ts'
import { addressesOf, codec, headerBytes, sealBlock, signerOf } from './blocks.ts'
import { next, pass, setUp, underFakeTimers } from './engines.ts'
import { SimChain } from './sim-chain.ts'

underFakeTimers()

it('judges what it receives: blocks', async () => {
  const { engine, chain } = setUp({ init: { maxBlockBytes: 300 } })
  await engine.start()
  await pass(1_000)
  const good = next(chain)
  expect(await engine.receive('block', Buffer.alloc(301))).toMatchObject({ verdict: 'reject', code: 'too-large' })
  expect(await engine.receive('block', Buffer.from('{'))).toMatchObject({ verdict: 'reject', code: 'malformed' })
  expect(await engine.receive('block', next(chain, 1_501))).toMatchObject({ verdict: 'ignore', code: 'time-ahead' })
  expect(await engine.receive('block', next(chain, 299))).toMatchObject({ verdict: 'reject', code: 'too-early' })
  expect(await engine.receive('block', next(chain, 1_000, 'a'))).toMatchObject({
    verdict: 'reject',
    code: 'not-your-turn',
  })
  expect(await engine.receive('block', next(chain, 1_000, 'x'))).toMatchObject({
    verdict: 'reject',
    code: 'not-authority',
  })
  const orphan = headerBytes({ height: 9, parent: 'ff' })
  expect(await engine.receive('block', orphan)).toMatchObject({ verdict: 'ignore', unknownParent: 'ff' })
  expect(await engine.receive('block', good)).toEqual({ verdict: 'accept' })
  expect(await engine.receive('block', good)).toMatchObject({ verdict: 'ignore', code: 'known' })
  await expect(engine.receive('gossip', good)).rejects.toThrow(RangeError)
})

it('names an unknown parent only where an authority signed the block, and rejects a signature that does not hold', async () => {
  const { engine } = setUp()
  const orphan = { height: 9, parent: 'ff', timeMs: 1_000, salt: '', transactions: [] }
  const stranger = sealBlock({ ...orphan, proposer: 'x' })
  expect(await engine.receive('block', stranger)).toEqual({ verdict: 'ignore', code: 'unknown-parent' })
  const forged = sealBlock({ ...orphan, proposer: 'a' }, signerOf('x'))
  expect(await engine.receive('block', forged)).toMatchObject({ verdict: 'reject', code: 'invalid-signature' })
  expect((await engine.receive('block', forged)).unknownParent).toBe(undefined)
  const signed = sealBlock({ ...orphan, proposer: 'a' })
  expect(await engine.receive('block', signed)).toMatchObject({ verdict: 'ignore', unknownParent: 'ff' })
})

it('takes a block of maxBlockBytes, and none of one byte more', async () => {
  const chain = new SimChain(poaRules(), addressesOf(3))
  const block = next(chain, 1_000)
  await pass(1_000)
  const receive = async (maxBlockBytes: number): Promise<unknown> =>
    setUp({ chain, init: { maxBlockBytes } }).engine.receive('block', block)
  expect(await receive(block.byteLength - 1)).toMatchObject({ verdict: 'reject', code: 'too-large' })
  expect(await receive(block.byteLength)).toEqual({ verdict: 'accept' })
})

it('blames nobody for a fault of its own chain', async () => {
  const { engine, chain } = setUp()
  const block = next(chain, 1_000)
  vi.spyOn(chain, 'head').mockReturnValueOnce({ ...chain.head(), authorities: [] })
  await expect(engine.receive('block', block)).rejects.toThrow(RangeError)
  vi.spyOn(chain, 'importBlock').mockRejectedValueOnce(new TypeError('disk'))
  await expect(engine.receive('block', block)).rejects.toThrow('disk')
})

it('tells of an equivocation once, with both headers, and sends the evidence to the others', async () => {
  const { engine, chain, events, published } = setUp()
  await engine.start()
  await pass(1_000)
  const [one, two] = ['1', '2'].map((salt) => Uint8Array.from(next(chain, 1_000, 'b', salt)))
  if (!one || !two) throw new TypeError('two headers')
  await engine.receive('block', one)
  engine.observe(two)
  engine.observe(two)
  engine.observe(one)
  const found = equivocationOf(one, two, codec)
  expect(events['consensus:equivocation']).toEqual([found])
  expect(published.filter(([kind]) => kind === 'equivocation')).toEqual([
    ['equivocation', encodeEquivocation(found as Equivocation)],
  ])
})

const evidenceOf = (proposer: string): Uint8Array =>
  encodeEquivocation(
    equivocationOf(headerBytes({ proposer, salt: '1' }), headerBytes({ proposer, salt: '2' }), codec) as Equivocation,
  )

it('judges what it receives: evidence', async () => {
  const { engine, events } = setUp()
  await engine.start()
  expect(await engine.receive('equivocation', evidenceOf('a'))).toEqual({ verdict: 'accept' })
  expect(await engine.receive('equivocation', evidenceOf('a'))).toMatchObject({ verdict: 'ignore', code: 'known' })
  expect(await engine.receive('equivocation', evidenceOf('x'))).toMatchObject({
    verdict: 'ignore',
    code: 'not-authority',
  })
  expect(await engine.receive('equivocation', Buffer.from('what'))).toMatchObject({
    verdict: 'reject',
    code: 'malformed',
  })
  expect(events['consensus:equivocation']).toMatchObject([{ proposer: 'a' }])
})

it('finds another one that signs with its key', async () => {
  const { engine, chain, events } = setUp()
  await engine.start()
  const stolen = next(chain, 9_000, 'b', 'stolen')
  await pass(10_000)
  engine.observe(stolen)
  expect(events['consensus:equivocation']).toMatchObject([{ proposer: 'b', height: 1 }])
})

it('names what it wants carried', () => {
  expect(setUp({ init: { maxBlockBytes: 9 } }).engine.messages).toEqual([
    { kind: 'block', lane: 'high', maxBytes: 9 },
    { kind: 'equivocation', lane: 'high', maxBytes: 8_196 },
  ])
})

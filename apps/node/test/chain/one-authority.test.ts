import { memoryStore } from '@gridmesh/block-store'
import { decodeHeader, proposal, toHex } from '@gridmesh/ledger'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import {
  buildOn,
  consensusSigner,
  genesisOf,
  GENESIS_MS,
  grow,
  issue,
  offer,
  opened,
  OUTPUTS,
  payment,
  reading,
  signed,
  stateOf,
  wordOf,
} from './chains.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  return () => vi.useRealTimers()
})

describe('a chain of one authority', () => {
  it('opens at genesis, with the state that it gives, and final', async () => {
    const chain = await opened()
    expect(chain.head).toEqual({ height: 0, hash: chain.chainId })
    expect(chain.finalised).toEqual(chain.head)
    const { isExact, thb } = await stateOf(chain)
    expect([isExact, thb]).toEqual([true, BigInt(OUTPUTS * 100)])
  })

  it('puts what the mempool has into a block, and takes it out of the mempool', async () => {
    const chain = await opened()
    await chain.start()
    const transactions = [payment(chain, 0), payment(chain, 1), reading(chain, 1), issue(chain, 0)]
    expect(await offer(chain, ...transactions)).toEqual(['added', 'added', 'added', 'added'])
    const built = await grow(chain)
    expect(chain.head).toEqual({ height: 1, hash: built.header.hash })
    expect(chain.mempool.stats()).toMatchObject({ transactions: 0, removed: { included: 4 } })
    const { root, ...supply } = await stateOf(chain)
    expect(supply).toEqual({ isExact: true, thb: BigInt(OUTPUTS * 100 + 7), energy: 500n })
    const [header = new Uint8Array()] = await chain.backend.headers(1, 1)
    expect(toHex(decodeHeader(header).stateRoot)).toBe(root)
  })

  it('gives back header and block byte for byte, and nothing for what it does not hold', async () => {
    const chain = await opened()
    await chain.start()
    await offer(chain, payment(chain, 0))
    const built = await grow(chain)
    const [block, other, nonsense] = await chain.backend.blocks([built.header.hash, 'ff'.repeat(32), 'no hash'])
    expect(Buffer.from(block ?? []).equals(built.bytes)).toBe(true)
    expect([other, nonsense]).toEqual([undefined, undefined])
    const headers = await chain.backend.headers(0, 10)
    expect(headers.map((header) => chain.headers.decode(header).height)).toEqual([0, 1])
    expect(chain.headers.ofBlock(built.bytes)).toEqual(headers[1])
    expect(chain.headers.verify(chain.headers.ofBlock(built.bytes))).toBe(true)
  })

  it('knows a block that it has, and names the parent that it has not', async () => {
    const [chain, other] = [await opened(), await opened()]
    const [first, second] = [await grow(chain), await grow(chain)]
    expect(await other.importBlock(second.bytes)).toEqual({ status: 'unknown-parent', parent: first.header.hash })
    expect(await other.importBlock(first.bytes)).toEqual({
      status: 'imported',
      tip: { height: 1, hash: first.header.hash },
    })
    expect(wordOf(await other.importBlock(first.bytes))).toBe('known')
    expect(wordOf(await other.importBlock(second.bytes))).toBe('imported')
    expect(other.head).toEqual(chain.head)
  })

  it('signs nothing where nothing applies and none is to be empty, and lets go of what does not apply', async () => {
    const [chain, other] = [await opened(), await opened()]
    await chain.start()
    const body = { text: 'too late', action: { kindCode: 0, bytes: new Uint8Array() }, closesAtHeight: 2 }
    expect(await offer(chain, signed(chain, 0, proposal, body, 0))).toEqual(['added'])
    expect(wordOf(await chain.importBlock((await buildOn(other)).bytes))).toBe('imported')

    const parent = chain.consensus.head()
    const proposer = consensusSigner(0)
    const sign = vi.fn<typeof proposer.sign>((message) => proposer.sign(message))
    const signer = { ...proposer, sign }
    const { signal } = new AbortController()
    const request = { parent, timeMs: parent.header.timeMs + 1_000, signer, signal }
    expect(await chain.consensus.build({ ...request, allowEmpty: false })).toBeUndefined()
    expect(chain.mempool.stats()).toMatchObject({ transactions: 0, removed: { rejected: 1 } })
    expect(sign).not.toHaveBeenCalled()
    expect(await chain.consensus.build({ ...request, allowEmpty: true })).toMatchObject({ header: { height: 2 } })
    expect(sign).toHaveBeenCalledOnce()
  })

  it('builds on nothing but the head', async () => {
    const chain = await opened()
    const parent = chain.consensus.head()
    await grow(chain)
    const { signal } = new AbortController()
    const request = {
      parent,
      timeMs: parent.header.timeMs + 1_000,
      allowEmpty: true,
      signer: consensusSigner(0),
      signal,
    }
    await expect(chain.consensus.build(request)).rejects.toMatchObject({ name: 'HeadMovedError', code: 'head-moved' })
  })

  it('makes blocks final, and refuses others at their heights', async () => {
    const chain = await opened()
    const other = await opened()
    const rival = await buildOn(other, 0, 20_000)
    const finals: number[] = []
    chain.addEventListener('chain:final', ({ detail }) => finals.push(detail.height))
    for (let i = 0; i < 4; i++) await grow(chain, 0, 1_000)
    expect(finals).toEqual([1, 2])
    expect(chain.finalised.height).toBe(2)
    expect(await chain.importBlock(rival.bytes)).toMatchObject({ status: 'refused', code: 'below-finalised' })
  })

  it('goes on where it was when it is opened again, final blocks and standing with it', async () => {
    const store = memoryStore()
    const chain = await opened({ store })
    await chain.start()
    await offer(chain, payment(chain, 3))
    for (let i = 0; i < 5; i++) await grow(chain, 0, 1_000)
    const before = { head: chain.consensus.head(), finalised: chain.finalised, state: await stateOf(chain) }
    await chain.stop()
    const again = await opened({ store })
    expect({ head: again.consensus.head(), finalised: again.finalised, state: await stateOf(again) }).toEqual(before)
    await grow(again, 0, 1_000)
    expect(again.finalised.height).toBe(before.finalised.height + 1)
  })

  it('refuses a store of another genesis and names both', async () => {
    const store = memoryStore()
    const chain = await opened({ store })
    await grow(chain)
    await chain.stop()
    const other = await opened({ genesis: genesisOf(1, 'other') })
    await expect(opened({ store, genesis: genesisOf(1, 'other') })).rejects.toMatchObject({
      name: 'WrongGenesisError',
      code: 'wrong-genesis',
      expected: other.chainId,
      received: chain.chainId,
    })
    // Nothing was changed, and the store is free.
    expect((await opened({ store })).head.height).toBe(1)
  })
})

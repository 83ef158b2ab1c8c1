import { decodeBlock, defaultKinds, defaultRegistry, Registry, verifySignature } from '@gridmesh/ledger'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { VerifyClaims } from '../../src/chain/verifier.ts'
import { at, buildOn, genesisOf, GENESIS_MS, grow, offer, opened, payment, resealed, wordOf } from './chains.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  return () => vi.useRealTimers()
})

/** Blocks one upon the other, each with one payment. */
async function blocksOf(count: number): Promise<Uint8Array[]> {
  const chain = await opened()
  await chain.start()
  const blocks: Uint8Array[] = []
  for (let i = 0; i < count; i++) {
    await offer(chain, payment(chain, i))
    blocks.push((await grow(chain)).bytes)
  }
  return blocks
}

/** Answers each call when it is told to; `claims` has how many signatures each call was for. */
function held(): { verify: VerifyClaims; claims: number[]; answer: () => void } {
  const waiting: (() => void)[] = []
  const claims: number[] = []
  const verify: VerifyClaims = async (asked) => {
    claims.push(asked.length)
    await new Promise<void>((resolve) => waiting.push(resolve))
    return asked.map(verifySignature)
  }
  return { verify, claims, answer: () => waiting.splice(0).forEach((resolve) => resolve()) }
}

describe('a block that waits behind another', () => {
  it('has its signatures checked while that one is, and not again in its turn', async () => {
    const blocks = await blocksOf(10)
    const { verify, claims, answer } = held()
    const chain = await opened({ verify })
    const outcomes = Promise.all(blocks.map(async (block) => chain.importBlock(block)))
    // That of the first and those of eight behind it; the tenth is not among the next yet.
    await vi.waitFor(() => expect(claims).toHaveLength(9))
    for (let i = 0; i < 100 && chain.head.height < 10; i++) {
      answer()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect((await outcomes).map(wordOf)).toEqual(Array.from({ length: 10 }, () => 'imported'))
    expect(claims).toEqual(Array.from({ length: 10 }, () => 1))
  })

  it('is refused in its turn for what was found before it', async () => {
    const blocks = await blocksOf(2)
    const [first, second] = [at(blocks, 0), at(blocks, 1)]
    const forged = Uint8Array.from(second)
    // The signature of its one transaction is its end; the header knows nothing of it but by the id.
    forged[forged.byteLength - 1] = (forged.at(-1) ?? 0) ^ 1
    const chain = await opened()
    chain.prepareBlock(forged)
    expect(wordOf(await chain.importBlock(first))).toBe('imported')
    expect(wordOf(await chain.importBlock(forged))).toBe('wrong-tx-root')
    expect(wordOf(await chain.importBlock(second))).toBe('imported')
  })

  it('costs no check where no authority made it, is no block, or the chain is stopped', async () => {
    const verify = vi.fn<VerifyClaims>(async (claims) => Promise.resolve(claims.map(verifySignature)))
    const chain = await opened({ verify, genesis: genesisOf(1) })
    const stranger = resealed((await buildOn(chain)).bytes, {}, 0).bytes
    const foreign = await foreignBlock()
    verify.mockClear()
    chain.prepareBlock(foreign)
    chain.prepareBlock(stranger.subarray(0, 40))
    expect(verify).not.toHaveBeenCalled()
    await chain.stop()
    chain.prepareBlock(stranger)
    expect(verify).not.toHaveBeenCalled()
  })

  it('is read once before its turn where it cannot be read, and once in it', async () => {
    const block = Uint8Array.from(at(await blocksOf(1), 0))
    const { transactions } = decodeBlock(block, defaultRegistry)
    // Of the one transaction, the kind.
    block[block.byteLength - at(transactions, 0).bytes.byteLength + 1] = 99
    const registry = new Registry(defaultKinds)
    const asked = vi.spyOn(registry, 'byCode')
    const chain = await opened({ registry })
    asked.mockClear()
    for (let times = 0; times < 3; times++) chain.prepareBlock(block)
    expect(asked.mock.calls).toEqual([[99]])
    expect(wordOf(await chain.importBlock(block))).toBe('unknown-kind')
    expect(asked.mock.calls).toEqual([[99], [99]])
  })

  it('costs no check of its transactions where its maker did not sign it, before its turn or in it', async () => {
    const verify = vi.fn<VerifyClaims>(async (claims) => Promise.resolve(claims.map(verifySignature)))
    const unsigned = Uint8Array.from(at(await blocksOf(1), 0))
    // The end of a header is its signature.
    const last = decodeBlock(unsigned, defaultRegistry).header.bytes.byteLength - 1
    unsigned[last] = at([...unsigned], last) ^ 1
    const unseen = Uint8Array.from(unsigned)
    const chain = await opened({ verify })
    chain.prepareBlock(unsigned)
    expect(wordOf(await chain.importBlock(unsigned))).toBe('invalid-block-signature')
    expect(wordOf(await chain.importBlock(unseen))).toBe('invalid-block-signature')
    expect(verify).not.toHaveBeenCalled()
  })

  it('is checked anew in its turn where the check before it failed, and only the last eight are remembered', async () => {
    const blocks = await blocksOf(10)
    let isBroken = true
    const verify = vi.fn<VerifyClaims>(async (claims) =>
      isBroken ? Promise.reject(new RangeError('no worker')) : claims.map(verifySignature),
    )
    const chain = await opened({ verify })
    for (const block of blocks) chain.prepareBlock(block)
    isBroken = false
    for (const block of blocks) expect(wordOf(await chain.importBlock(block))).toBe('imported')

    verify.mockClear()
    const again = await opened({ verify })
    for (const block of [...blocks, ...blocks]) again.prepareBlock(block)
    await vi.waitFor(() => expect(verify).toHaveBeenCalledTimes(20))
    verify.mockClear()
    for (const block of blocks) expect(wordOf(await again.importBlock(block))).toBe('imported')
    expect(verify).toHaveBeenCalledTimes(2)
  })
})

/** A block of somebody who is an authority only elsewhere. */
async function foreignBlock(): Promise<Uint8Array> {
  const other = await opened({ genesis: genesisOf(2, 'other') })
  return (await buildOn(other, 1, 60_000)).bytes
}

import { describe, expect, it } from 'vitest'
import { BlockServer, type GetHeaders } from '../src/index.ts'
import { GENESIS, makeBlocks, ModelChain, reader } from './model-chain.ts'

const BLOCKS = makeBlocks(GENESIS, 50, 'a')
const OTHERS = makeBlocks(BLOCKS[19] ?? GENESIS, 30, 'b')
const { signal } = new AbortController()
const chain = new ModelChain(GENESIS, 10).addAll(BLOCKS)
const at = (height: number) => ({ height, hash: chain.at(height).hash })

const heights = async (request: GetHeaders, init = {}): Promise<number[] | string> => {
  const answer = await new BlockServer({ chain, reader }, init).headers(request, { signal })
  return answer.status === 'found' ? answer.headers.map((bytes) => reader.header(bytes).height) : answer.status
}

describe('headers', () => {
  it('are those after the first place of the locator that is in the chain', async () => {
    const fork = { height: 40, hash: OTHERS[19]?.hash ?? '' }
    expect(await heights({ limit: 3, locator: [fork, at(20), at(10)] })).toEqual([21, 22, 23])
  })

  it('are none at the tip, and none from above it', async () => {
    expect(await heights({ limit: 3, locator: [at(50)] })).toEqual([])
    expect(await heights({ limit: 3, height: 51 })).toEqual([])
    expect(await heights({ limit: 3, height: 49 })).toEqual([49, 50])
  })

  it('are no more than `maxHeaders`', async () => {
    expect(await heights({ limit: 30, height: 0 }, { maxHeaders: 2 })).toEqual([0, 1])
  })

  it('have nothing in common with a locator of another chain, or one above the tip alone', async () => {
    expect(await heights({ limit: 3, locator: [{ height: 5, hash: 'ff' }] })).toBe('no-common')
    expect(await heights({ limit: 3, locator: [{ height: 2 ** 52, hash: 'ff' }] })).toBe('no-common')
  })
})

describe('blocks', () => {
  const hashes = BLOCKS.map(({ hash }) => hash)
  const size = BLOCKS[0]?.bytes.byteLength ?? 0

  it('are the first that were asked for, up to the bytes that were, or that it gives', async () => {
    const counts = [
      { maxBytes: 3 * size, init: {} },
      { maxBytes: 3 * size - 1, init: {} },
      { maxBytes: 1_000_000, init: { maxBytes: 2 * size } },
      { maxBytes: 1_000_000, init: { maxBlocks: 11 } },
    ].map(async ({ maxBytes, init }) => {
      const { blocks } = await new BlockServer({ chain, reader }, init).blocks({ hashes, maxBytes }, { signal })
      expect(blocks).toEqual(BLOCKS.slice(0, blocks.length).map(({ bytes }) => bytes))
      return blocks.length
    })
    expect(await Promise.all(counts)).toEqual([3, 2, 2, 11])
  })

  it('are at least one, however long it is', async () => {
    const { blocks } = await new BlockServer({ chain, reader }).blocks({ hashes, maxBytes: 1 }, { signal })
    expect(blocks).toHaveLength(1)
  })

  it('are named as missing where they are not held', async () => {
    const { blocks } = await new BlockServer({ chain, reader }).blocks(
      { hashes: ['ff', ...hashes.slice(0, 1)], maxBytes: 1_000 },
      { signal },
    )
    expect(blocks).toEqual([undefined, BLOCKS[0]?.bytes])
  })
})

describe('state and status', () => {
  const stateAt = (height: number, bytes = 4) => ({
    checkpoint: () => at(height),
    piece: () => Promise.resolve(new Uint8Array(bytes)),
  })
  const request = { block: at(10), pieces: 1, piece: 0 }

  it('names the state it has, if that is final', () => {
    expect(new BlockServer({ chain, reader, state: stateAt(40) }).status()).toEqual({
      tip: at(50),
      finalised: at(40),
      checkpoint: at(40),
    })
    expect(new BlockServer({ chain, reader, state: stateAt(41) }).status()).toEqual({ tip: at(50), finalised: at(40) })
  })

  it('gives no piece without a state, nor one of more than 16 MiB', async () => {
    expect(await new BlockServer({ chain, reader }).statePiece(request, { signal })).toEqual({ piece: undefined })
    for (const [bytes, is] of [
      [16_777_216, 16_777_216],
      [16_777_217, undefined],
    ] as const) {
      const { piece } = await new BlockServer({ chain, reader, state: stateAt(40, bytes) }).statePiece(request, {
        signal,
      })
      expect(piece?.byteLength).toBe(is)
    }
  })

  it.each([{ maxHeaders: 0 }, { maxHeaders: 2_001 }, { maxBlocks: NaN }, { maxBytes: 1.5 }])('refuses %j', (init) => {
    expect(() => new BlockServer({ chain, reader }, init)).toThrow(RangeError)
  })
})

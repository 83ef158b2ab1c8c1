import type { ChainTip } from '@gridmesh/interfaces'
import { describe, expect, it } from 'vitest'
import { checkHeaders } from '../src/header-check.ts'
import { chainLocator, joinLocators, locatorHeights } from '../src/locator.ts'
import { GENESIS, makeBlock, makeBlocks, ModelChain, reader } from './model-chain.ts'

const BLOCKS = makeBlocks(GENESIS, 40, 'a')
const [first = GENESIS, second = GENESIS] = BLOCKS
const stranger = makeBlock({ height: 1, hash: 'abcd' }, 'stranger')
const place = ({ height, hash }: { height: number; hash: string }) => ({ height, hash })
const check = (
  blocks: readonly { header: Uint8Array }[],
  after: Parameters<typeof checkHeaders>[1]['after'],
  limit = 3,
) => checkHeaders({ status: 'found', headers: blocks.map(({ header }) => header) }, { limit, after }, reader)

describe('an answer of headers', () => {
  it('is taken where it follows a place of the locator, and names which', () => {
    expect(check([second], [first, GENESIS].map(place)).linked?.ancestor).toEqual(place(first))
    expect(check([first, second], [first, GENESIS].map(place)).linked?.ancestor).toEqual(place(GENESIS))
    expect(check([], [place(GENESIS)])).toEqual({ linked: { facts: [], ancestor: undefined } })
  })

  it.each([
    ['too-many-headers', BLOCKS.slice(0, 4)],
    ['malformed-header', [{ header: Uint8Array.of(1) }]],
    ['unlinked-headers', [first, first]],
    ['unlinked-headers', [first, BLOCKS[2] ?? first]],
    // The height is right, the parent another.
    ['unlinked-headers', [first, stranger]],
    ['unlinked-headers', [stranger]],
  ] as const)('is a lie: %s', (offence, blocks) => {
    expect(check(blocks, [place(GENESIS)]).lie?.offence).toBe(offence)
  })

  it('has to begin with the height of a place, not only with its hash', () => {
    expect(check([second], [{ height: 0, hash: first.hash }]).lie?.offence).toBe('unlinked-headers')
  })

  it('has to begin with the height that was asked for', () => {
    expect(check([second], 1).linked?.facts).toHaveLength(1)
    expect(check([second], 0).lie?.offence).toBe('wrong-header')
  })
})

const down = (from: number, count: number): ChainTip[] =>
  Array.from({ length: count }, (_, i) => ({ height: from - i, hash: 'a0' }))

describe('a locator', () => {
  it('is close at the top, then sparse, and ends with what is final', () => {
    expect(locatorHeights(100, 10)).toEqual([100, 99, 98, 97, 96, 95, 94, 93, 91, 87, 79, 63, 31, 10])
    expect(locatorHeights(5, 5)).toEqual([5])
    expect(locatorHeights(2 ** 53 - 1, 0).length).toBeLessThanOrEqual(64)
    expect(locatorHeights(2 ** 53 - 1, 0).at(-1)).toBe(0)
  })

  it('leaves out what the chain does not have any more', async () => {
    const chain = new ModelChain(BLOCKS[29], 2).addAll(BLOCKS.slice(30))
    const places = await chainLocator(chain, reader, { signal: new AbortController().signal })
    expect(places.map(({ height }) => height)).toEqual([40, 39, 38])
    expect(places.map(({ hash }) => hash)).toEqual(
      BLOCKS.slice(37)
        .map(({ hash }) => hash)
        .toReversed(),
    )
  })

  it('has no height twice where headers ahead overlap the chain, and 64 places at most', () => {
    const joined = joinLocators(down(500, 12), down(495, 64)).map(({ height }) => height)
    expect(joined).toEqual(Array.from({ length: joined.length }, (_, i) => 500 - i))
    expect(joined).toHaveLength(64)
  })
})

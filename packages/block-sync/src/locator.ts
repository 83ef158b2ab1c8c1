import type { ChainBackend, ChainTip } from '@gridmesh/interfaces'
import { MAX_LOCATOR } from './constants.ts'
import type { CallOptions, ChainReader } from './ports.ts'

/** Heights one after the other at the top of a locator. */
const CLOSE = 8
/** Places before those of the chain: the headers that are not imported yet. */
const MAX_BEFORE = 16

/** Heights from `top` down to `bottom`: the first ones close, then at growing distance, and `bottom` itself. */
export function locatorHeights(top: number, bottom: number): number[] {
  const heights: number[] = []
  let step = 1
  for (let height = top; height > bottom && heights.length < MAX_LOCATOR - MAX_BEFORE - 1; height -= step) {
    heights.push(height)
    if (heights.length >= CLOSE) step *= 2
  }
  return [...heights, bottom]
}

/** Places of a chain from its tip down to what is final, where the other side's chain may fork. */
export async function chainLocator(
  chain: ChainBackend,
  reader: ChainReader,
  options: CallOptions,
): Promise<ChainTip[]> {
  const [tip, finalised] = [chain.tip(), chain.finalised()]
  const heights = locatorHeights(tip.height, Math.min(finalised.height, tip.height))
  const places: ChainTip[] = []
  for (const height of heights) {
    const [header] = await chain.headers(height, 1, options)
    // The chain may have got shorter meanwhile, or does not have what is below a checkpoint.
    if (header === undefined) continue
    const { hash } = reader.header(header)
    places.push({ height, hash })
  }
  return places.length > 0 ? places : [finalised]
}

/** A locator of headers that are not imported yet, descending, and of the chain. No height is there twice. */
export function joinLocators(ahead: readonly ChainTip[], chain: readonly ChainTip[]): ChainTip[] {
  const places = ahead.slice(0, MAX_BEFORE)
  const lowest = places.at(-1)?.height ?? Infinity
  return [...places, ...chain.filter(({ height }) => height < lowest)].slice(0, MAX_LOCATOR)
}

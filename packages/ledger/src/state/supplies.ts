import { type Asset, ASSETS } from './outputs.ts'
import type { Overlay } from './overlay.ts'
import type { StateView } from './state-view.ts'
import { Table } from './table.ts'

/** What was ever made and unmade of an asset. */
export interface Supply {
  minted: number
  burned: number
}

export const supplies = new Table<Asset, Supply>('s', 'supply', (asset) => Uint8Array.of(ASSETS.indexOf(asset)), {
  write: ({ minted, burned }, writer) => void writer.integer(minted).integer(burned),
  read: (reader) => ({ minted: reader.integer(), burned: reader.integer() }),
})

/** What was made and unmade of `asset` so far. */
export function supplyOf(view: StateView, asset: Asset): Supply {
  return supplies.get(view, asset) ?? { minted: 0, burned: 0 }
}

/** Counts what was made and unmade: the sums are checked before. */
export function moveSupply(state: Overlay, asset: Asset, { minted, burned }: Supply): void {
  const supply = supplyOf(state, asset)
  supplies.put(state, asset, { minted: supply.minted + minted, burned: supply.burned + burned })
}

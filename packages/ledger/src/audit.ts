import { type Asset, ASSETS, outputs } from './state/outputs.ts'
import { supplies } from './state/supplies.ts'
import type { Entry } from './tree/piece.ts'

/** What was found of one asset. */
export interface AssetAudit {
  /** The sum of all outputs. Not a number: a corrupt state may hold more than one can count. */
  held: bigint
  minted: bigint
  burned: bigint
  /** Whether what is held is what was made and not unmade. */
  isExact: boolean
}

/** What was found of a whole state. */
export interface Audit {
  /** Whether every asset is exact. */
  isExact: boolean
  assets: Record<Asset, AssetAudit>
}

/** Walks all entries of a state and compares what is held with what was made and unmade. @throws {MalformedError} */
export function audit(entries: Iterable<Entry>): Audit {
  const held = { energy: 0n, thb: 0n, rec: 0n }
  const minted = { ...held }
  const burned = { ...held }
  for (const [key, value] of entries) {
    if (outputs.owns(key)) {
      const { asset, amount } = outputs.parse(value)
      held[asset] += BigInt(amount)
    } else if (supplies.owns(key)) {
      const supply = supplies.parse(value)
      const asset = ASSETS[key[1] ?? ASSETS.length]
      if (asset === undefined) continue
      minted[asset] = BigInt(supply.minted)
      burned[asset] = BigInt(supply.burned)
    }
  }
  const assetAudit = (asset: Asset): AssetAudit => ({
    held: held[asset],
    minted: minted[asset],
    burned: burned[asset],
    isExact: held[asset] === minted[asset] - burned[asset],
  })
  const assets = { energy: assetAudit('energy'), thb: assetAudit('thb'), rec: assetAudit('rec') }
  return { isExact: ASSETS.every((asset) => assets[asset].isExact), assets }
}

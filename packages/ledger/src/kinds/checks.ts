import { toHex } from '../bytes.ts'
import { MAX_SEQUENCE_STEP } from '../constants.ts'
import { type Refusal, refuse } from '../refusal.ts'
import { add } from '../state/amounts.ts'
import { authorities, type Authority } from '../state/authorities.ts'
import { type Asset, type Funds, fundsIn, isOwner, type OutputId, outputs } from '../state/outputs.ts'
import type { StateView } from '../state/state-view.ts'
import { supplyOf } from '../state/supplies.ts'
import { zones } from '../state/meters.ts'

/** Whose an input has to be, and of what. */
interface InputRule {
  owner: Uint8Array
  /** Any, where it is left out. */
  asset?: Asset
}

/** The outputs that `ids` name, or why one of them may not be spent. */
export function spendable(view: StateView, ids: readonly OutputId[], { owner, asset }: InputRule): Funds[] | Refusal {
  const found: Funds[] = []
  for (const id of ids) {
    const row = view.get(outputs.key(id))
    if (row === undefined) return refuse('unknown-input', `output ${toHex(id)} is spent or never was`)
    const output = fundsIn(row)
    if (!isOwner(row, owner)) {
      const other = toHex(outputs.parse(row).owner)
      return refuse('not-owner', `output ${toHex(id)} belongs to ${other}, not to ${toHex(owner)}`)
    }
    if (asset !== undefined && output.asset !== asset) {
      return refuse('wrong-asset', `output ${toHex(id)} is of ${output.asset}, not of ${asset}`)
    }
    found.push(output)
  }
  return found
}

/** Refuses a zone that the chain has not. */
export function checkZones(view: StateView, rows: readonly { zone: number }[]): Refusal | undefined {
  let known: number | undefined
  for (const { zone } of rows) {
    // Most are in one zone, which is looked up once.
    if (zone !== known && !zones.has(view, zone)) return refuse('unknown-zone', `zone ${zone} is none of the chain`)
    known = zone
  }
  return undefined
}

/** The authority at `address`, or that there is none. */
export function authorityAt(view: StateView, address: Uint8Array): Authority | Refusal {
  return authorities.get(view, address) ?? refuse('not-authority', `${toHex(address)} is no authority`)
}

/** Refuses what would take a counter beyond 2^53 - 1. */
export function checkCounters(counters: readonly (readonly [value: number, more: number])[]): Refusal | undefined {
  const full = counters.find(([value, more]) => add(value, more) === Infinity)
  return full === undefined ? undefined : refuse('amount-overflow', `${full[0]} and ${full[1]} are more than 2^53 - 1`)
}

/** Refuses to make or unmake more of `asset` than its counters can count. */
export function checkSupply(
  view: StateView,
  asset: Asset,
  { minted, burned }: { minted: number; burned: number },
): Refusal | undefined {
  const supply = supplyOf(view, asset)
  return checkCounters([
    [supply.minted, minted],
    [supply.burned, burned],
  ])
}

/** Tells a refusal from what was asked for. */
export function isRefusal(result: object): result is Refusal {
  return 'code' in result
}

/** Whether a sequence follows the newest one: it rises, and not by more than `MAX_SEQUENCE_STEP`. */
export function checkSequence(what: string, sequence: number, newest: number): Refusal | undefined {
  if (sequence <= newest) return refuse('stale-sequence', `${what} has sequence ${sequence}, and ${newest} was there`)
  if (sequence - newest <= MAX_SEQUENCE_STEP) return undefined
  return refuse('sequence-too-far', `${what} has sequence ${sequence}, more than ${MAX_SEQUENCE_STEP} after ${newest}`)
}

import type { Asset, Output, TransferBody } from '@gridmesh/ledger'
import { InsufficientFundsError } from './errors.ts'

/** Outputs that one payment spends at most. One fewer than the ledger takes: each may have a zone of its own, and change comes on top. */
export const MAX_PICKED = 255

/** An output that can be spent. */
export interface Spendable {
  /** Hex. */
  readonly id: string
  readonly amount: number
  readonly zone: number
}

/** What is to be paid. */
export interface Payment {
  readonly asset: Asset
  readonly amount: number
  readonly to: Uint8Array
  /** Where change goes. */
  readonly from: Uint8Array
  /** Zone of what is paid. @default the zones that it comes from */
  readonly zone?: number | undefined
}

/**
 * The first outputs that are enough together; the largest come first, so that they are few.
 *
 * @throws {InsufficientFundsError} where they are not
 */
export function pick(outputs: readonly Spendable[], amount: number, who: string): Spendable[] {
  const picked: Spendable[] = []
  let sum = 0
  for (const output of outputs.slice(0, MAX_PICKED)) {
    if (sum >= amount) break
    picked.push(output)
    sum += output.amount
  }
  if (sum >= amount) return picked
  const why =
    outputs.length > MAX_PICKED
      ? `${sum} in its ${MAX_PICKED} largest outputs, and one transaction spends no more of them: pay in parts`
      : `${sum}`
  throw new InsufficientFundsError(`${who} can spend ${why}, where ${amount} are to be paid`)
}

/** A transfer that pays, and gives back what is too much in the zone where it was. */
export function payFrom(picked: readonly Spendable[], payment: Payment): TransferBody {
  const { asset, amount, to, from, zone: into } = payment
  const paid = new Map<number, number>()
  let left = amount
  const change: Output[] = []
  for (const output of picked) {
    const part = Math.min(output.amount, left)
    left -= part
    const zone = into ?? output.zone
    if (part > 0) paid.set(zone, (paid.get(zone) ?? 0) + part)
    if (output.amount > part) change.push({ asset, amount: output.amount - part, owner: from, zone: output.zone })
  }
  const outputs = [...paid].map(([zone, part]) => ({ asset, amount: part, owner: to, zone }))
  return { inputs: picked.map(({ id }) => Buffer.from(id, 'hex')), outputs: [...outputs, ...change] }
}

import { compareBytes } from '../bytes.ts'
import { MAX_INPUTS, MAX_OUTPUTS, OUTPUT_ID_BYTES } from '../constants.ts'
import { type Refusal, refuse } from '../refusal.ts'
import { add } from '../state/amounts.ts'
import { zones } from '../state/meters.ts'
import {
  type Asset,
  ASSETS,
  type Funds,
  type Output,
  outputCodec,
  type OutputId,
  outputId,
  outputs,
  readOutputId,
} from '../state/outputs.ts'
import type { Kind } from '../transactions/kind.ts'
import { checkZones, isRefusal, spendable } from './checks.ts'

/** Spends outputs of the sender and makes others of the same sums. Without a fee. */
export interface TransferBody {
  /** 1 to 256 outputs of the sender, none twice; written in ascending order. */
  inputs: readonly OutputId[]
  /** 1 to 256. */
  outputs: readonly Output[]
}

export const transfer: Kind<TransferBody> = {
  name: 'transfer',
  code: 1,
  family: 'energy',
  isForAuthorities: false,
  isNumbered: false,
  codec: {
    write({ inputs, outputs: made }, writer) {
      writer.list(inputs.toSorted(compareBytes), (id) => writer.fixed(id, OUTPUT_ID_BYTES))
      writer.list(made, (output) => outputCodec.write(output, writer))
    },
    read: (reader) => ({
      inputs: reader.ascending(1, MAX_INPUTS, () => readOutputId(reader), compareBytes),
      outputs: reader.list(1, MAX_OUTPUTS, () => outputCodec.read(reader)),
    }),
  },
  claims: ({ body: { inputs, outputs: made } }) => ({
    spends: inputs,
    makes: { sure: made.length, output: (index) => made[index] },
  }),
  reads({ body }) {
    const keys = body.inputs.map((id) => outputs.key(id))
    let before: number | undefined
    for (const { zone } of body.outputs) {
      if (zone !== before) keys.push(zones.key(zone))
      before = zone
    }
    return keys
  },
  check({ body, address }, view) {
    const spent = spendable(view, body.inputs, { owner: address })
    if (isRefusal(spent)) return spent
    return checkZones(view, body.outputs) ?? checkConserved(spent, body.outputs)
  },
  apply({ body, id }, state) {
    for (const input of body.inputs) outputs.delete(state, input)
    let index = 0
    for (const output of body.outputs) outputs.create(state, outputId(id, index++), output)
  },
}

function checkConserved(spent: readonly Funds[], made: readonly Funds[]): Refusal | undefined {
  const before = totals(spent)
  const after = totals(made)
  for (const asset of ASSETS) {
    if (before[asset] === Infinity || after[asset] === Infinity) {
      return refuse('amount-overflow', `the amounts of ${asset} are more than 2^53 - 1`)
    }
    if (before[asset] !== after[asset]) {
      return refuse('not-conserved', `${before[asset]} of ${asset} goes in and ${after[asset]} comes out`)
    }
  }
  return undefined
}

function totals(rows: readonly Funds[]): Record<Asset, number> {
  const sums = { energy: 0, thb: 0, rec: 0 }
  for (const { asset, amount } of rows) sums[asset] = add(sums[asset], amount)
  return sums
}

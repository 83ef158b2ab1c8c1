import { compareBytes } from '../bytes.ts'
import { HASH_BYTES, MAX_INPUTS, MAX_OUTPUTS, OUTPUT_ID_BYTES } from '../constants.ts'
import type { ByteReader } from '../codec/byte-reader.ts'
import type { ByteWriter } from '../codec/byte-writer.ts'
import type { Refusal } from '../refusal.ts'
import { sumOf } from '../state/amounts.ts'
import { authorities } from '../state/authorities.ts'
import { zones } from '../state/meters.ts'
import { type Output, type OutputId, outputId, outputs, readOutputId } from '../state/outputs.ts'
import type { StateView } from '../state/state-view.ts'
import { moveSupply, supplies } from '../state/supplies.ts'
import type { MadeOutputs } from '../transactions/claims.ts'
import type { Kind } from '../transactions/kind.ts'
import { authorityAt, checkSupply, checkZones, isRefusal, spendable } from './checks.ts'

type Issued = Omit<Output, 'asset'>

/** Money that an authority issues against deposits, or takes out of circulation as it pays them back. */
export type TenderBody =
  | {
      action: 'issue'
      /** 1 to 256 outputs of `thb`. */
      outputs: readonly Issued[]
    }
  | {
      action: 'redeem'
      /** 1 to 256 outputs of `thb` of the authority itself, burned as a whole. */
      inputs: readonly OutputId[]
    }

const ACTIONS = ['issue', 'redeem'] as const

export const tender: Kind<TenderBody> = {
  name: 'tender',
  code: 3,
  family: 'authority',
  isForAuthorities: true,
  isNumbered: true,
  codec: { write: writeTender, read: readTender },
  claims: ({ body }) =>
    body.action === 'issue' ? { spends: [], makes: madeOf(body.outputs) } : { spends: body.inputs },
  reads: ({ body, address }) => [
    authorities.key(address),
    supplies.key('thb'),
    ...(body.action === 'issue'
      ? body.outputs.map(({ zone }) => zones.key(zone))
      : body.inputs.map((id) => outputs.key(id))),
  ],
  check({ body, address }, view) {
    const authority = authorityAt(view, address)
    if (isRefusal(authority)) return authority
    return body.action === 'issue' ? checkIssue(body.outputs, view) : checkRedeem(body.inputs, address, view)
  },
  apply({ body, id }, state) {
    if (body.action === 'issue') {
      for (const [index, made] of body.outputs.entries()) outputs.create(state, outputId(id, index), money(made))
      moveSupply(state, 'thb', { minted: sumOf(body.outputs), burned: 0 })
      return
    }
    const burned = sumOf(body.inputs.map((input) => outputs.get(state, input) ?? { amount: 0 }))
    for (const input of body.inputs) outputs.delete(state, input)
    moveSupply(state, 'thb', { minted: 0, burned })
  },
}

function madeOf(issued: readonly Issued[]): MadeOutputs {
  return {
    sure: issued.length,
    output(index) {
      const made = issued[index]
      return made === undefined ? undefined : money(made)
    },
  }
}

function money(made: Issued): Output {
  return { asset: 'thb', ...made }
}

function checkIssue(made: readonly Issued[], view: StateView): Refusal | undefined {
  return checkZones(view, made) ?? checkSupply(view, 'thb', { minted: sumOf(made), burned: 0 })
}

function checkRedeem(inputs: readonly OutputId[], owner: Uint8Array, view: StateView): Refusal | undefined {
  const spent = spendable(view, inputs, { owner, asset: 'thb' })
  return isRefusal(spent) ? spent : checkSupply(view, 'thb', { minted: 0, burned: sumOf(spent) })
}

function writeTender(body: TenderBody, writer: ByteWriter): void {
  writer.choice(body.action, ACTIONS)
  if (body.action === 'issue') {
    writer.list(body.outputs, ({ amount, zone, owner }) => writer.integer(amount).u16(zone).fixed(owner, HASH_BYTES))
  } else {
    writer.list(body.inputs.toSorted(compareBytes), (id) => writer.fixed(id, OUTPUT_ID_BYTES))
  }
}

function readTender(reader: ByteReader): TenderBody {
  const action = reader.choice(ACTIONS)
  if (action === 'redeem') {
    return { action, inputs: reader.ascending(1, MAX_INPUTS, () => readOutputId(reader), compareBytes) }
  }
  const made = reader.list(1, MAX_OUTPUTS, () => ({
    amount: reader.integer(1),
    zone: reader.u16(),
    owner: reader.fixed(HASH_BYTES),
  }))
  return { action, outputs: made }
}

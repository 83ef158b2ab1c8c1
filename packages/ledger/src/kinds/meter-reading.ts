import { compareBytes } from '../bytes.ts'
import { MAX_INPUTS, MAX_NAME_BYTES, OUTPUT_ID_BYTES } from '../constants.ts'
import { type Refusal, refuse } from '../refusal.ts'
import { sumOf } from '../state/amounts.ts'
import { authorities } from '../state/authorities.ts'
import { type Meter, meters, zones } from '../state/meters.ts'
import { type OutputId, outputId, outputs, readOutputId } from '../state/outputs.ts'
import type { Overlay } from '../state/overlay.ts'
import type { StateView } from '../state/state-view.ts'
import { moveSupply, supplies } from '../state/supplies.ts'
import type { MadeOutputs } from '../transactions/claims.ts'
import type { Kind } from '../transactions/kind.ts'
import type { Transaction } from '../transactions/transaction.ts'
import { authorityAt, checkCounters, checkSequence, checkSupply, isRefusal, spendable } from './checks.ts'

/** Energy that an authority certifies a meter to have counted since its last reading. */
export interface MeterReadingBody {
  /** Name of the meter. */
  meter: string
  /** The zone it stands in. */
  zone: number
  /** More than that of the meter's last reading, which begins with 0, by 2^32 at most. */
  sequence: number
  /** When it was read. */
  timeMs: number
  /** Minted for the owner of the meter, as output 0. */
  producedWh: number
  /** Burned from the inputs; what they hold besides is given back as output 1. */
  consumedWh: number
  /** Outputs of energy of the meter's owner, at most 256; none where nothing was consumed. */
  inputs: readonly OutputId[]
}

const PRODUCTION = 0
const CHANGE = 1

/** It is the meter's sequence number that keeps a reading from being applied twice. */
export const meterReading: Kind<MeterReadingBody> = {
  name: 'meter-reading',
  code: 2,
  family: 'energy',
  isForAuthorities: true,
  isNumbered: false,
  codec: {
    write({ meter, zone, sequence, timeMs, producedWh, consumedWh, inputs }, writer) {
      writer.text(meter).u16(zone).integer(sequence).integer(timeMs).integer(producedWh).integer(consumedWh)
      writer.list(inputs.toSorted(compareBytes), (id) => writer.fixed(id, OUTPUT_ID_BYTES))
    },
    read: (reader) => ({
      meter: reader.text(MAX_NAME_BYTES),
      zone: reader.u16(),
      sequence: reader.integer(1),
      timeMs: reader.integer(),
      producedWh: reader.integer(),
      consumedWh: reader.integer(),
      inputs: reader.ascending(0, MAX_INPUTS, () => readOutputId(reader), compareBytes),
    }),
  },
  claims: ({ body }) => ({
    spends: body.inputs,
    makes: madeOf(body),
    reading: { meter: body.meter, sequence: body.sequence },
  }),
  reads: ({ body, address }) => [
    authorities.key(address),
    meters.key(body.meter),
    zones.key(body.zone),
    supplies.key('energy'),
    ...body.inputs.map((id) => outputs.key(id)),
  ],
  check(transaction, view) {
    const { body, address } = transaction
    const authority = authorityAt(view, address)
    if (isRefusal(authority)) return authority
    if (authority.zones.length > 0 && !authority.zones.includes(body.zone)) {
      return refuse('wrong-zone', `zone ${body.zone} is none of the authority's: ${authority.zones.join(', ')}`)
    }
    const meter = meters.get(view, body.meter)
    if (meter === undefined) return refuse('unknown-meter', `meter ${body.meter} is none of the chain`)
    return checkMeter(meter, body) ?? checkBurn(meter, body, view) ?? checkTotals(meter, body, view)
  },
  apply(transaction, state) {
    const { meter: name, zone: number, sequence, producedWh, consumedWh } = transaction.body
    const [meter, zone] = [meters.get(state, name), zones.get(state, number)]
    if (meter === undefined || zone === undefined) return
    moveOutputs(transaction, meter, state)
    moveSupply(state, 'energy', { minted: producedWh, burned: consumedWh })
    meters.put(state, name, { ...meter, sequence, ...counted(meter, transaction.body) })
    zones.put(state, number, { ...zone, ...counted(zone, transaction.body) })
  },
}

function madeOf({ meter, zone, producedWh, inputs }: MeterReadingBody): MadeOutputs {
  const sure = producedWh > 0 ? 1 : 0
  return {
    sure,
    // Whether there is change, only the state can say.
    most: inputs.length > 0 ? CHANGE + 1 : sure,
    reads: [meters.key(meter)],
    output(index, view) {
      const owner = index === PRODUCTION && sure > 0 ? meters.get(view, meter)?.owner : undefined
      return owner === undefined ? undefined : { asset: 'energy', amount: producedWh, owner, zone }
    },
  }
}

function checkMeter(meter: Meter, { zone, sequence, meter: name }: MeterReadingBody): Refusal | undefined {
  if (meter.zone !== zone) return refuse('wrong-zone', `meter ${name} stands in zone ${meter.zone}, not in ${zone}`)
  return checkSequence(`the reading of meter ${name}`, sequence, meter.sequence)
}

function checkBurn(meter: Meter, { consumedWh, inputs }: MeterReadingBody, view: StateView): Refusal | undefined {
  const spent = spendable(view, inputs, { owner: meter.owner, asset: 'energy' })
  if (isRefusal(spent)) return spent
  const held = sumOf(spent)
  if (held === Infinity) return refuse('amount-overflow', 'the inputs are more than 2^53 - 1')
  const isNeedless = consumedWh === 0 && inputs.length > 0
  if (held >= consumedWh && !isNeedless) return undefined
  return refuse('not-conserved', `${consumedWh} Wh were consumed, and the inputs hold ${held}`)
}

function checkTotals(meter: Meter, body: MeterReadingBody, view: StateView): Refusal | undefined {
  const { producedWh, consumedWh } = body
  const zone = zones.get(view, body.zone)
  if (zone === undefined) return refuse('unknown-zone', `zone ${body.zone} is none of the chain`)
  return (
    checkCounters([
      [meter.producedWh, producedWh],
      [meter.consumedWh, consumedWh],
      [zone.producedWh, producedWh],
      [zone.consumedWh, consumedWh],
    ]) ?? checkSupply(view, 'energy', { minted: producedWh, burned: consumedWh })
  )
}

function counted(
  counters: { producedWh: number; consumedWh: number },
  { producedWh, consumedWh }: MeterReadingBody,
): { producedWh: number; consumedWh: number } {
  return { producedWh: counters.producedWh + producedWh, consumedWh: counters.consumedWh + consumedWh }
}

function moveOutputs({ body, id }: Transaction<MeterReadingBody>, { owner }: Meter, state: Overlay): void {
  const { producedWh, consumedWh, zone, inputs } = body
  const held = sumOf(inputs.map((input) => outputs.get(state, input) ?? { amount: 0 }))
  for (const input of inputs) outputs.delete(state, input)
  const made = [
    [PRODUCTION, producedWh],
    [CHANGE, held - consumedWh],
  ] as const
  for (const [index, amount] of made) {
    if (amount > 0) outputs.create(state, outputId(id, index), { asset: 'energy', amount, owner, zone })
  }
}

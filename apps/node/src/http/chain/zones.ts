import { type Asset, type Meter, meters, toHex, zones } from '@gridmesh/ledger'
import type { z } from 'zod'
import type { EnergyChain } from '../../chain/energy-chain.ts'
import { type OutputScan, type OutputVisitor, tableRange, type VisitOptions } from './output-scan.ts'
import type { meterView, zonesView } from './schemas.ts'

type Held = Record<Asset, number>

/** The zones, with what their meters counted and what their outputs hold. @throws {HttpRefusalError} when the signal aborts */
export async function zonesOf(
  chain: EnergyChain,
  scan: OutputScan,
  options: Pick<VisitOptions, 'signal'> = {},
): Promise<z.infer<typeof zonesView>> {
  const at = chain.head
  const [held, counts] = [new Map<number, Held>(), new Map<number, number>()]
  const onOutput: OutputVisitor = (_id, { zone, asset, amount }) => {
    const sums = held.get(zone) ?? { energy: 0, thb: 0, rec: 0 }
    sums[asset] += amount
    held.set(zone, sums)
  }
  const onMeter = ({ zone }: Meter): unknown => counts.set(zone, (counts.get(zone) ?? 0) + 1)
  await scan.visit(onOutput, { onMeter, ...options })
  const rows: z.infer<typeof zonesView>['zones'] = []
  for await (const [key, value] of chain.state.entries(tableRange(zones.key(0)))) {
    const { name, producedWh, consumedWh } = zones.parse(value)
    const zone = Buffer.from(key).readUInt16BE(1)
    const sums = held.get(zone) ?? { energy: 0, thb: 0, rec: 0 }
    const count = counts.get(zone) ?? 0
    rows.push({ zone, name, produced_wh: producedWh, consumed_wh: consumedWh, meters: count, held: sums })
  }
  return { at, zones: rows }
}

/** A meter by its name; `undefined` where the chain has none of it. */
export async function meterOf(chain: EnergyChain, name: string): Promise<z.infer<typeof meterView> | undefined> {
  const row = await chain.state.get(meters.key(name))
  if (row === undefined) return undefined
  const { zone, owner, sequence, producedWh, consumedWh } = meters.parse(row)
  return { name, zone, owner: toHex(owner), sequence, produced_wh: producedWh, consumed_wh: consumedWh }
}

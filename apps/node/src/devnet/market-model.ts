import type { z } from 'zod'
import type { inputs } from '../energy/inputs.ts'
import { INTERVALS, type Reading } from './sample-day.ts'

/** Satang per kWh in a zone that only produces. */
const FLOOR_SATANG = 220
/** What scarcity adds at most: a zone that only consumes pays floor and span. */
const SPAN_SATANG = 360
/** How far sellers ask below, and buyers bid above, the price of the zone. */
const SPREAD_SATANG = 10

/** An order of the replay, before the node gives it an id. */
export type ReplayOrder = z.input<(typeof inputs)['energy-order']>
/** Market data of the replay. */
export type ReplayMarketData = z.input<(typeof inputs)['market-data']>

/**
 * Price of a zone in one interval: floor + span × consumption / (consumption + production). It rises with scarcity
 * and stays between the two bounds.
 */
export function zonePriceSatang(readings: readonly Reading[]): number {
  const { production, consumption } = totals(readings)
  const scarcity = production + consumption === 0 ? 0.5 : consumption / (production + consumption)
  return Math.round(FLOOR_SATANG + SPAN_SATANG * scarcity)
}

/** The order of one meter: it sells what it has left, or buys what it lacks; `undefined` where it is even. */
export function orderOf({ productionWh, consumptionWh, zone }: Reading, priceSatang: number): ReplayOrder | undefined {
  const net = productionWh - consumptionWh
  if (net === 0) return undefined
  const type = net > 0 ? 'sell' : 'buy'
  const priceSatangPerKwh = priceSatang + (net > 0 ? -SPREAD_SATANG : SPREAD_SATANG)
  return { type, priceSatangPerKwh, quantityWh: Math.abs(net), zone }
}

/** What can be traded within a zone in one interval, in Wh. */
export function tradableWh(readings: readonly Reading[]): number {
  const nets = readings.map(({ productionWh, consumptionWh }) => productionWh - consumptionWh)
  const offered = nets.filter((net) => net > 0).reduce((sum, net) => sum + net, 0)
  const wanted = nets.filter((net) => net < 0).reduce((sum, net) => sum - net, 0)
  return Math.min(offered, wanted)
}

/** Keeps the market of one zone over the day. */
export class ZoneMarket {
  readonly #zone: Reading['zone']
  readonly #volumes: number[] = []
  #peakWh = 0

  constructor(zone: Reading['zone']) {
    this.#zone = zone
  }

  /** Takes the readings of the next interval. Congestion is the load as a share of the highest load so far. */
  next(readings: readonly Reading[]): ReplayMarketData {
    this.#volumes.push(tradableWh(readings))
    if (this.#volumes.length > INTERVALS) this.#volumes.shift()
    const { consumption } = totals(readings)
    this.#peakWh = Math.max(this.#peakWh, consumption)
    return {
      zone: this.#zone,
      priceSatangPerKwh: zonePriceSatang(readings),
      volume24hWh: this.#volumes.reduce((sum, volume) => sum + volume, 0),
      congestion: this.#peakWh === 0 ? 0 : consumption / this.#peakWh,
    }
  }
}

function totals(readings: readonly Reading[]): { production: number; consumption: number } {
  let production = 0
  let consumption = 0
  for (const { productionWh, consumptionWh } of readings) {
    production += productionWh
    consumption += consumptionWh
  }
  return { production, consumption }
}

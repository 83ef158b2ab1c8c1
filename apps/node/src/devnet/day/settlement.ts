import { type LedgerSigner, meterReading, outputId, signTransaction, type Transaction } from '@gridmesh/ledger'
import { UnknownMeterError } from '../../errors.ts'
import { zonePriceSatang } from '../market-model.ts'
import { ZONES } from '../plan.ts'
import type { Reading } from '../sample-day.ts'
import { type Fill, match, type Quantity } from './match.ts'
import { gridOf } from './members.ts'
import type { Payment, Trader } from './trader.ts'

const WH_PER_KWH = 1_000

/** What a day is settled with. */
export interface SettlementInit {
  /** By the name of the meter; the grid's of each zone among them. */
  traders: ReadonlyMap<string, Trader>
  /** Of an authority, which certifies readings. */
  authority: LedgerSigner
  chainId: Uint8Array
  nowMs: () => number
}

/**
 * Makes the transactions of a day, interval by interval. Whoever is about to use more energy than it has buys it in its
 * zone, of members that have too much and else of the grid. Then the readings are certified: they mint what was produced
 * and burn what was used; and the grid is certified what its zone will lack.
 */
export class Settlement {
  readonly #init: SettlementInit

  constructor(init: SettlementInit) {
    this.#init = init
  }

  /** What is bought and paid for an interval. @throws {UnknownMeterError} */
  trade(readings: readonly Reading[]): Transaction[] {
    return ZONES.flatMap((zone) => {
      const local = readings.filter((reading) => reading.zone === zone)
      const { offers, needs } = this.#market(zone, local)
      return this.#settle(match(offers, needs), zonePriceSatang(local))
    })
  }

  /** What was measured in an interval, and what the grid feeds in for the next one. @throws {UnknownMeterError} */
  certify(readings: readonly Reading[], next: readonly Reading[]): Transaction[] {
    const measured = readings.flatMap((reading) => this.#read(this.#trader(reading.meter), reading))
    const fedIn = ZONES.flatMap((zone) => {
      const { offers, needs } = this.#market(
        zone,
        next.filter((reading) => reading.zone === zone),
      )
      const productionWh = Math.max(0, sumOf(needs) - sumOf(offers))
      return this.#read(this.#trader(gridOf(zone)), { productionWh })
    })
    return [...measured, ...fedIn]
  }

  /** What can be sold, the grid last, and what is lacked. */
  #market(
    zone: Reading['zone'],
    readings: readonly Reading[],
  ): { offers: Quantity<Trader>[]; needs: Quantity<Trader>[] } {
    const used = new Map(readings.map(({ meter, consumptionWh }) => [this.#trader(meter), consumptionWh]))
    const grid = this.#trader(gridOf(zone))
    const members = [...this.#init.traders.values()].filter((one) => one.zone === grid.zone && one !== grid)
    const balances = [...members, grid].map((of) => ({ of, wh: of.energy.total - (used.get(of) ?? 0) }))
    const offers = balances.filter(({ wh }) => wh > 0)
    const needs = balances.filter(({ wh }) => wh < 0).map(({ of, wh }) => ({ of, wh: -wh }))
    return { offers, needs }
  }

  /** One transaction for each seller and for each buyer. */
  #settle(fills: readonly Fill<Trader>[], priceSatang: number): Transaction[] {
    const { chainId } = this.#init
    const delivered = grouped(fills, ({ seller, buyer, wh }) => [seller, { to: buyer, amount: wh }])
    const paid = grouped(fills, ({ seller, buyer, wh }) => [
      buyer,
      { to: seller, amount: Math.ceil((wh * priceSatang) / WH_PER_KWH) },
    ])
    return [
      ...[...delivered].flatMap(([seller, payments]) => seller.pay('energy', payments, chainId)),
      ...[...paid].flatMap(([buyer, payments]) => buyer.pay('thb', payments, chainId)),
    ]
  }

  #read(trader: Trader, { productionWh = 0, consumptionWh = 0 }: Partial<Reading>): Transaction[] {
    if (productionWh + consumptionWh === 0) return []
    const { authority: signer, chainId, nowMs } = this.#init
    const { name: meter, zone, energy } = trader
    const inputs = consumptionWh === 0 ? [] : energy.takeMost()
    const body = {
      meter,
      zone,
      sequence: ++trader.sequence,
      timeMs: nowMs(),
      producedWh: productionWh,
      consumedWh: consumptionWh,
      inputs: inputs.map(({ id }) => id),
    }
    const transaction = signTransaction(meterReading, body, { chainId, signer })
    const change = inputs.reduce((sum, { amount }) => sum + amount, 0) - consumptionWh
    for (const [index, amount] of [productionWh, change].entries()) {
      if (amount > 0) energy.put({ id: outputId(transaction.id, index), amount, zone })
    }
    return [transaction]
  }

  #trader(meter: string): Trader {
    const trader = this.#init.traders.get(meter)
    if (trader === undefined) throw new UnknownMeterError(meter)
    return trader
  }
}

function grouped(
  fills: readonly Fill<Trader>[],
  entryOf: (fill: Fill<Trader>) => [Trader, Payment],
): Map<Trader, Payment[]> {
  const groups = new Map<Trader, Payment[]>()
  for (const fill of fills) {
    const [trader, payment] = entryOf(fill)
    groups.set(trader, [...(groups.get(trader) ?? []), payment])
  }
  return groups
}

function sumOf(quantities: readonly Quantity<Trader>[]): number {
  return quantities.reduce((sum, { wh }) => sum + wh, 0)
}

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ZoneMarket, orderOf, tradableWh, zonePriceSatang } from '../src/devnet/market-model.ts'
import type { Reading } from '../src/devnet/sample-day.ts'
import { inputs } from '../src/energy/inputs.ts'

const reading: fc.Arbitrary<Reading> = fc.record({
  interval: fc.constant(0),
  meter: fc.constant('meter'),
  kind: fc.constantFrom('solar', 'household', 'factory'),
  zone: fc.constant('north'),
  productionWh: fc.nat(100_000),
  consumptionWh: fc.nat(100_000),
})
const readings = fc.array(reading, { maxLength: 30 })

it('keeps prices within the bounds, higher where less is produced', () => {
  fc.assert(
    fc.property(readings, (list) => {
      const price = zonePriceSatang(list)
      expect(price).toBeGreaterThanOrEqual(220)
      expect(price).toBeLessThanOrEqual(580)
      const poorer = list.map((one) => ({ ...one, productionWh: Math.floor(one.productionWh / 2) }))
      expect(zonePriceSatang(poorer)).toBeGreaterThanOrEqual(price)
    }),
  )
})

it('turns each reading into a valid order over exactly what is left or lacking', () => {
  fc.assert(
    fc.property(reading, (one) => {
      const order = orderOf(one, 300)
      const net = one.productionWh - one.consumptionWh
      fc.pre(net !== 0)
      expect(inputs['energy-order'].safeParse(order).success).toBe(true)
      expect(order).toMatchObject({ type: net > 0 ? 'sell' : 'buy', quantityWh: Math.abs(net) })
    }),
  )
})

it('makes no order of a reading that is even', () => {
  fc.assert(
    fc.property(reading, (one) => {
      expect(orderOf({ ...one, productionWh: one.consumptionWh }, 300)).toBeUndefined()
    }),
  )
})

it('adds up what was tradable over the last 96 intervals and no longer', () => {
  fc.assert(
    fc.property(readings, fc.integer({ min: 1, max: 200 }), (list, intervals) => {
      const market = new ZoneMarket('north')
      let data = market.next(list)
      for (let i = 1; i < intervals; i++) data = market.next(list)
      expect(data.volume24hWh).toBe(tradableWh(list) * Math.min(intervals, 96))
      expect(inputs['market-data'].safeParse(data).success).toBe(true)
    }),
  )
})

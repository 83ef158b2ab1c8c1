import fc from 'fast-check'
import { expect, it } from 'vitest'
import { energyKindNames, energyKinds } from '../src/energy/kinds.ts'
import { energyOrder } from '../src/energy/schemas.ts'

const order = fc.record({
  id: fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/),
  type: fc.constantFrom('buy' as const, 'sell' as const),
  priceSatangPerKwh: fc.integer({ min: 0, max: 100_000 }),
  quantityWh: fc.integer({ min: 1, max: 1_000_000_000 }),
  zone: fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/),
  expiresAtMs: fc.nat(),
})

it('decodes every order that it encodes, within the size of the kind', () => {
  const { codec, maxBytes } = energyKinds['energy-order'].message
  fc.assert(
    fc.property(order, (value) => {
      const bytes = codec.encode(value)
      expect(bytes.length).toBeLessThanOrEqual(maxBytes)
      expect(codec.decode(bytes)).toEqual(value)
    }),
  )
})

it('refuses random bytes with an error, never a value', () => {
  for (const name of energyKindNames) {
    const { codec } = energyKinds[name].message
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => codec.decode(bytes)).toThrow(Error)
      }),
    )
  }
})

it('names the path of a fault', () => {
  const fault = energyOrder.safeParse({
    id: 'a',
    type: 'sell',
    priceSatangPerKwh: 1,
    quantityWh: 0,
    zone: 'north',
    expiresAtMs: 1,
  })
  expect(fault.error?.issues[0]?.path).toEqual(['quantityWh'])
})

it('lets only authorities speak for the grid, at once where it is urgent', () => {
  const view = energyKindNames.map((name) => [name, energyKinds[name].authorityOnly, energyKinds[name].message.lane])
  expect(view).toEqual([
    ['energy-order', false, 'normal'],
    ['order-match', true, 'normal'],
    ['market-data', true, 'normal'],
    ['grid-emergency', true, 'critical'],
    ['system-shutdown', true, 'critical'],
  ])
})

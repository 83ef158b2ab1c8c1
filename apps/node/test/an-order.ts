/** An order to sell that is good for an hour. */
export function anOrder(id: string) {
  return {
    id,
    type: 'sell',
    priceSatangPerKwh: 410,
    quantityWh: 2_500,
    zone: 'central',
    expiresAtMs: Date.now() + 3_600_000,
  } as const
}

import { z } from 'zod'
import { textOf } from '../faults.ts'

/** Largest quantity in one order: 1 GWh, far above any meter and far below what a safe integer holds. */
const MAX_QUANTITY_WH = 1_000_000_000
/** Largest price: 1,000 baht for a kWh. */
const MAX_PRICE_SATANG = 100_000
/** Zones one emergency can name. */
const MAX_ZONES = 64

const id = textOf(/^[A-Za-z0-9._:-]{1,64}$/, '1 to 64 letters, digits or any of . _ : -').describe(
  'Chosen by the sender, unique among its messages',
)
export const zone = textOf(
  /^[a-z][a-z0-9-]{0,31}$/,
  'the name of a zone: up to 32 lower-case letters, digits and dashes, a letter first',
).describe('A zone of the genesis file')
const timeMs = z.int().nonnegative().describe('Milliseconds since the epoch')
const quantityWh = z.int().positive().max(MAX_QUANTITY_WH).describe('Energy in watt-hours')
const priceSatangPerKwh = z.int().nonnegative().max(MAX_PRICE_SATANG).describe('Satang per kilowatt-hour')

/** An offer to buy or to sell energy. */
export const energyOrder = z.strictObject({
  id,
  type: z.enum(['buy', 'sell']),
  priceSatangPerKwh,
  quantityWh,
  zone,
  expiresAtMs: timeMs,
})

/** Two orders that met. */
export const orderMatch = z.strictObject({
  id,
  buyOrderId: id,
  sellOrderId: id,
  priceSatangPerKwh,
  quantityWh,
  zone,
  matchedAtMs: timeMs,
})

/** The state of the market in one zone. */
export const marketData = z.strictObject({
  zone,
  priceSatangPerKwh,
  volume24hWh: z.int().nonnegative().describe('Energy traded in the last 24 hours, in watt-hours'),
  congestion: z.number().min(0).max(1).describe('Load of the fullest line of the zone, 0 to 1'),
  timeMs,
})

/** A fault in the grid that everybody must know of at once. */
export const gridEmergency = z.strictObject({
  id,
  severity: z.enum(['warning', 'severe', 'critical']),
  zones: z.array(zone).min(1).max(MAX_ZONES),
  requiredAction: z.enum(['monitor', 'reduce-load', 'stop-trading', 'disconnect']),
  message: z.string().max(1_000).describe('For people'),
})

/** An authority asks every node to stop. */
export const systemShutdown = z.strictObject({
  id,
  reason: z.string().min(1).max(1_000),
  effectiveAtMs: timeMs.describe('When nodes that obey stop, in milliseconds since the epoch; the earliest one counts'),
})

export type EnergyOrder = z.infer<typeof energyOrder>
export type OrderMatch = z.infer<typeof orderMatch>
export type MarketData = z.infer<typeof marketData>
export type GridEmergency = z.infer<typeof gridEmergency>
export type SystemShutdown = z.infer<typeof systemShutdown>

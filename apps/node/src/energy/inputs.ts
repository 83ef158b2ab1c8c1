import { randomUUID } from 'node:crypto'
import type { z } from 'zod'
import { energyOrder, gridEmergency, marketData, orderMatch, systemShutdown } from './schemas.ts'

/** Life of an order that names no expiry, in ms. */
const DEFAULT_ORDER_LIFE_MS = 3_600_000

const newId = (id: z.ZodString) => id.default(() => randomUUID())
const now = (time: z.ZodInt) => time.default(() => Date.now())

/** What a person writes of each kind: as on the wire, but ids and times may be left out. */
export const inputs = {
  'energy-order': energyOrder.extend({
    id: newId(energyOrder.shape.id),
    expiresAtMs: energyOrder.shape.expiresAtMs.default(() => Date.now() + DEFAULT_ORDER_LIFE_MS),
  }),
  'order-match': orderMatch.extend({ id: newId(orderMatch.shape.id), matchedAtMs: now(orderMatch.shape.matchedAtMs) }),
  'market-data': marketData.extend({ timeMs: now(marketData.shape.timeMs) }),
  'grid-emergency': gridEmergency.extend({
    id: newId(gridEmergency.shape.id),
    message: gridEmergency.shape.message.default(''),
  }),
  'system-shutdown': systemShutdown.extend({
    id: newId(systemShutdown.shape.id),
    effectiveAtMs: now(systemShutdown.shape.effectiveAtMs),
  }),
}

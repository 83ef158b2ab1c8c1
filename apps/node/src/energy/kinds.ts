import type { MessageKind } from '@gridmesh/interfaces'
import { defineMessage, jsonCodec } from '@gridmesh/message-router'
import type { z } from 'zod'
import {
  type EnergyOrder,
  type GridEmergency,
  type MarketData,
  type OrderMatch,
  type SystemShutdown,
  energyOrder,
  gridEmergency,
  marketData,
  orderMatch,
  systemShutdown,
} from './schemas.ts'

/** One kind of energy message, and what the node does around it. */
export interface EnergyKind<T> {
  readonly message: MessageKind<T>
  /** Only a key that the genesis file lists as authority may send it. */
  readonly authorityOnly: boolean
  /** Zones the value speaks of. */
  zones(value: T): readonly string[]
  /** From when on the value says nothing any more, in ms since the epoch; `Infinity` for never. */
  expiresAtMs(value: T): number
}

type Traits<T> = Pick<MessageKind<T>, 'lane' | 'maxBytes'> & Pick<EnergyKind<T>, 'zones'> & Partial<EnergyKind<T>>

function kind<T>(name: string, schema: z.ZodType<T>, traits: Traits<T>): EnergyKind<T> {
  const { lane, maxBytes, authorityOnly = false, zones, expiresAtMs = () => Infinity } = traits
  const codec = jsonCodec((value) => schema.parse(value))
  return { message: defineMessage({ kind: name, codec, lane, maxBytes }), authorityOnly, zones, expiresAtMs }
}

/** Every kind of message that the energy network speaks, by name. */
export const energyKinds = {
  'energy-order': kind<EnergyOrder>('energy-order', energyOrder, {
    lane: 'normal',
    maxBytes: 1_024,
    zones: ({ zone }) => [zone],
    expiresAtMs: ({ expiresAtMs }) => expiresAtMs,
  }),
  'order-match': kind<OrderMatch>('order-match', orderMatch, {
    lane: 'normal',
    maxBytes: 1_024,
    authorityOnly: true,
    zones: ({ zone }) => [zone],
  }),
  'market-data': kind<MarketData>('market-data', marketData, {
    lane: 'normal',
    maxBytes: 1_024,
    authorityOnly: true,
    zones: ({ zone }) => [zone],
  }),
  'grid-emergency': kind<GridEmergency>('grid-emergency', gridEmergency, {
    lane: 'critical',
    maxBytes: 8_192,
    authorityOnly: true,
    zones: ({ zones }) => zones,
  }),
  'system-shutdown': kind<SystemShutdown>('system-shutdown', systemShutdown, {
    lane: 'critical',
    maxBytes: 4_096,
    authorityOnly: true,
    zones: () => [],
  }),
} as const

/** Name of a kind of energy message. */
export type EnergyKindName = keyof typeof energyKinds

/** The names of all kinds. */
export const energyKindNames = [
  'energy-order',
  'order-match',
  'market-data',
  'grid-emergency',
  'system-shutdown',
] as const satisfies readonly EnergyKindName[]

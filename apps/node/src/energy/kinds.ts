import type { MessageKind } from '@gridmesh/interfaces'
import { defineMessage, jsonCodec } from '@gridmesh/message-router'
import type { z } from 'zod'
import { energyOrder, gridEmergency, marketData, orderMatch, systemShutdown } from './schemas.ts'

/** One kind of energy message, and what the node does around it. */
export interface EnergyKind<T> {
  readonly message: MessageKind<T>
  readonly schema: z.ZodType<T>
  /** Only a key that the genesis file lists as authority may send it. */
  readonly authorityOnly: boolean
  /** Zones the value speaks of. */
  zones(value: T): readonly string[]
}

function kind<T>(
  name: string,
  schema: z.ZodType<T>,
  options: { lane: MessageKind<T>['lane']; maxBytes: number; authorityOnly?: boolean; zones: (value: T) => string[] },
): EnergyKind<T> {
  const { lane, maxBytes, authorityOnly = false, zones } = options
  const codec = jsonCodec((value) => schema.parse(value))
  return { message: defineMessage({ kind: name, codec, lane, maxBytes }), schema, authorityOnly, zones }
}

/** Every kind of message that the energy network speaks, by name. */
export const energyKinds = {
  'energy-order': kind('energy-order', energyOrder, { lane: 'normal', maxBytes: 1_024, zones: ({ zone }) => [zone] }),
  'order-match': kind('order-match', orderMatch, {
    lane: 'normal',
    maxBytes: 1_024,
    authorityOnly: true,
    zones: ({ zone }) => [zone],
  }),
  'market-data': kind('market-data', marketData, {
    lane: 'normal',
    maxBytes: 1_024,
    authorityOnly: true,
    zones: ({ zone }) => [zone],
  }),
  'grid-emergency': kind('grid-emergency', gridEmergency, {
    lane: 'critical',
    maxBytes: 8_192,
    authorityOnly: true,
    zones: ({ zones }) => zones,
  }),
  'system-shutdown': kind('system-shutdown', systemShutdown, {
    lane: 'critical',
    maxBytes: 4_096,
    authorityOnly: true,
    zones: () => [],
  }),
} as const

/** Name of a kind of energy message. */
export type EnergyKindName = keyof typeof energyKinds

/** The value that messages of kind `K` carry. */
export type EnergyValue<K extends EnergyKindName> = (typeof energyKinds)[K] extends EnergyKind<infer T> ? T : never

/** The names of all kinds. */
export const energyKindNames = Object.keys(energyKinds) as EnergyKindName[]

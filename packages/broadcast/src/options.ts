import type { BroadcastStrategy, Lane } from '@gridmesh/interfaces'
import * as defaults from './constants.ts'
import type { BroadcastInit } from './index.ts'

/** What applies where no number is given: whole numbers above 0. */
const COUNTS = {
  maxMessageBytes: defaults.DEFAULT_MAX_MESSAGE_BYTES,
  hopLimit: defaults.DEFAULT_HOP_LIMIT,
  maxIds: defaults.DEFAULT_MAX_IDS,
  maxConcurrentSends: defaults.DEFAULT_MAX_CONCURRENT_SENDS,
  maxQueuedSends: defaults.DEFAULT_MAX_QUEUED_SENDS,
  maxDeliveries: defaults.DEFAULT_MAX_DELIVERIES,
  maxPeersPerDelivery: defaults.DEFAULT_MAX_PEERS_PER_DELIVERY,
  maxAcksPerBatch: defaults.DEFAULT_MAX_ACKS_PER_BATCH,
  maxAcksPerSecond: defaults.DEFAULT_MAX_ACKS_PER_SECOND,
  maxPendingVerdicts: defaults.DEFAULT_MAX_PENDING_VERDICTS,
}

/** Times above 0. */
const TIMES = {
  idLifetimeMs: defaults.DEFAULT_ID_LIFETIME_MS,
  sendDeadlineMs: defaults.DEFAULT_SEND_DEADLINE_MS,
  deliveryLifetimeMs: defaults.DEFAULT_DELIVERY_LIFETIME_MS,
  handlerDeadlineMs: defaults.DEFAULT_HANDLER_DEADLINE_MS,
}

/** Numbers that may be 0. */
const AMOUNTS = {
  meshWaitMs: defaults.DEFAULT_MESH_WAIT_MS,
  ackDelayMs: defaults.DEFAULT_ACK_DELAY_MS,
  usefulWeight: defaults.DEFAULT_USEFUL_WEIGHT,
}

type NumberOption = keyof typeof COUNTS | keyof typeof TIMES | keyof typeof AMOUNTS

/** Options with every default applied. */
export interface BroadcastOptions extends Record<NumberOption, number> {
  gossipFactor: number
  acks: boolean
  /** How the messages of each lane spread; the critical lane in two ways at once. */
  strategies: Readonly<Record<Lane, readonly BroadcastStrategy[]>>
}

/** Applies the defaults. @throws {RangeError} when a number makes no sense */
export function resolveOptions(init: BroadcastInit): BroadcastOptions {
  const { gossipFactor = defaults.DEFAULT_GOSSIP_FACTOR, acks = true } = init
  if (!(gossipFactor >= 0 && gossipFactor <= 1)) throw new RangeError(`gossipFactor ${gossipFactor} must be 0 to 1`)
  const numbers = {
    ...resolve(init, COUNTS, (value) => value > 0 && Number.isInteger(value), 'a whole number above 0'),
    ...resolve(init, TIMES, (value) => value > 0, 'above 0'),
    ...resolve(init, AMOUNTS, (value) => value >= 0, '0 or more'),
  }
  if (numbers.maxAcksPerBatch > defaults.MAX_ACK_IDS) {
    throw new RangeError(`maxAcksPerBatch ${numbers.maxAcksPerBatch} must be at most ${defaults.MAX_ACK_IDS}`)
  }
  return { ...numbers, gossipFactor, acks, strategies: resolveStrategies(init.strategies ?? {}) }
}

function resolve<K extends NumberOption>(
  init: Pick<BroadcastInit, NumberOption>,
  fallbacks: Record<K, number>,
  isValid: (value: number) => boolean,
  expected: string,
): Record<K, number> {
  const resolved = { ...fallbacks }
  for (const name in fallbacks) {
    const value: number = init[name] ?? fallbacks[name]
    if (!isValid(value)) throw new RangeError(`${name} ${value} must be ${expected}`)
    resolved[name] = value
  }
  return resolved
}

function resolveStrategies(strategies: Partial<Record<Lane, BroadcastStrategy>>): BroadcastOptions['strategies'] {
  const { critical, high = 'gossip', normal = 'gossip', bulk = 'gossip' } = strategies
  return {
    critical: critical === undefined ? ['flood', 'gossip'] : [critical],
    high: [high],
    normal: [normal],
    bulk: [bulk],
  }
}

import type { BroadcastStrategy, Lane } from '@gridmesh/interfaces'
import * as defaults from './constants.ts'
import type { BroadcastInit } from './index.ts'
import { demandStrategy } from './plan.ts'

/** All that is kept of a message beside its payload. */
const MAX_FRAME_BYTES = defaults.MAX_FRAME_OVERHEAD_BYTES + defaults.MAX_ANNOUNCEMENT_BYTES + defaults.TREE_ENTRY_BYTES

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
  pullAboveBytes: defaults.DEFAULT_PULL_ABOVE_BYTES,
  maxPulls: defaults.DEFAULT_MAX_PULLS,
  maxPullsPerPeer: defaults.DEFAULT_MAX_PULLS_PER_PEER,
  maxPullBytes: defaults.DEFAULT_MAX_PULL_BYTES,
  maxChunksInFlight: defaults.DEFAULT_MAX_CHUNKS_IN_FLIGHT,
  maxChunksInFlightPerPeer: defaults.DEFAULT_MAX_CHUNKS_IN_FLIGHT_PER_PEER,
  maxRetainedBytes: defaults.DEFAULT_MAX_RETAINED_BYTES,
  maxTreeBytes: defaults.DEFAULT_MAX_TREE_BYTES,
}

/** Times above 0 that no timer is set to. */
const LIFETIMES = {
  idLifetimeMs: defaults.DEFAULT_ID_LIFETIME_MS,
  treeLifetimeMs: defaults.DEFAULT_TREE_LIFETIME_MS,
}

/** Times above 0 that a timer is set to. */
const TIMES = {
  sendDeadlineMs: defaults.DEFAULT_SEND_DEADLINE_MS,
  deliveryLifetimeMs: defaults.DEFAULT_DELIVERY_LIFETIME_MS,
  handlerDeadlineMs: defaults.DEFAULT_HANDLER_DEADLINE_MS,
  pullDeadlineMs: defaults.DEFAULT_PULL_DEADLINE_MS,
  chunkDeadlineMs: defaults.DEFAULT_CHUNK_DEADLINE_MS,
  chunkLateMs: defaults.DEFAULT_CHUNK_LATE_MS,
  retainMs: defaults.DEFAULT_RETAIN_MS,
  graftAfterMs: defaults.DEFAULT_GRAFT_AFTER_MS,
}

/** Times that a timer is set to, and may be 0. */
const WAITS = {
  meshWaitMs: defaults.DEFAULT_MESH_WAIT_MS,
  sourceWaitMs: defaults.DEFAULT_SOURCE_WAIT_MS,
}

/** Numbers that may be 0. */
const AMOUNTS = {
  ackDelayMs: defaults.DEFAULT_ACK_DELAY_MS,
  ihaveDelayMs: defaults.DEFAULT_IHAVE_DELAY_MS,
  usefulWeight: defaults.DEFAULT_USEFUL_WEIGHT,
}

type NumberOption =
  | keyof typeof COUNTS
  | keyof typeof LIFETIMES
  | keyof typeof TIMES
  | keyof typeof WAITS
  | keyof typeof AMOUNTS

/** Options with every default applied. */
export interface BroadcastOptions extends Record<NumberOption, number> {
  gossipFactor: number
  acks: boolean
  /** Longest payload that travels in a frame: the longer ones are pulled. */
  maxPushedBytes: number
  /** How the messages of each lane spread; the critical lane in two ways at once. */
  strategies: Readonly<Record<Lane, readonly BroadcastStrategy[]>>
}

/** Applies the defaults. @throws {RangeError} when a number makes no sense, or there is no such strategy */
export function resolveOptions(init: BroadcastInit): BroadcastOptions {
  const { gossipFactor = defaults.DEFAULT_GOSSIP_FACTOR, acks = true } = init
  if (!(gossipFactor >= 0 && gossipFactor <= 1)) throw new RangeError(`gossipFactor ${gossipFactor} must be 0 to 1`)
  const longest = defaults.MAX_TIMER_MS
  const numbers = {
    ...resolve(init, COUNTS, (value) => value > 0 && Number.isInteger(value), 'a whole number above 0'),
    ...resolve(init, LIFETIMES, (value) => value > 0, 'above 0'),
    ...resolve(init, TIMES, (value) => value > 0 && value <= longest, `above 0 and at most ${longest}`),
    ...resolve(init, WAITS, (value) => value >= 0 && value <= longest, `0 to ${longest}`),
    ...resolve(init, AMOUNTS, (value) => value >= 0, '0 or more'),
  }
  checkBounds(numbers)
  const maxPushedBytes = Math.min(numbers.pullAboveBytes, numbers.maxMessageBytes)
  return { ...numbers, maxPushedBytes, gossipFactor, acks, strategies: resolveStrategies(init.strategies ?? {}) }
}

/** What one number means for another. */
function checkBounds(numbers: Record<NumberOption, number>): void {
  const { maxMessageBytes } = numbers
  const most = {
    ackDelayMs: defaults.MAX_ACK_DELAY_MS,
    ihaveDelayMs: defaults.MAX_ACK_DELAY_MS,
    maxAcksPerBatch: defaults.MAX_ACK_IDS,
    maxMessageBytes: defaults.HARD_MAX_MESSAGE_BYTES,
  } as const
  for (const name of ['ackDelayMs', 'ihaveDelayMs', 'maxAcksPerBatch', 'maxMessageBytes'] as const) {
    if (numbers[name] > most[name]) throw new RangeError(`${name} ${numbers[name]} must be at most ${most[name]}`)
  }
  // A payload that does not fit alone could never be pulled, or never be given to who asks for it.
  const least = {
    pullAboveBytes: defaults.MIN_PULL_ABOVE_BYTES,
    maxPullBytes: maxMessageBytes,
    maxRetainedBytes: maxMessageBytes,
    maxTreeBytes: Math.min(numbers.pullAboveBytes, maxMessageBytes) + MAX_FRAME_BYTES,
  }
  for (const name of ['pullAboveBytes', 'maxPullBytes', 'maxRetainedBytes', 'maxTreeBytes'] as const) {
    if (numbers[name] < least[name]) throw new RangeError(`${name} ${numbers[name]} must be at least ${least[name]}`)
  }
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
  for (const [lane, strategy] of Object.entries({ critical, high, normal, bulk })) {
    if (strategy !== undefined) demandStrategy(`strategies.${lane}`, strategy)
  }
  return {
    critical: critical === undefined ? ['flood', 'gossip'] : [critical],
    high: [high],
    normal: [normal],
    bulk: [bulk],
  }
}

import type { ComponentLogger, Libp2pEvents, Metrics, TypedEventTarget } from '@libp2p/interface'
import type { Datastore } from 'interface-datastore'
import {
  DEFAULT_MAX_ADDRESSES,
  DEFAULT_NEW_BUCKETS,
  DEFAULT_SAVE_INTERVAL_MS,
  DEFAULT_SLOTS_PER_BUCKET,
  DEFAULT_STORAGE_TIMEOUT_MS,
  DEFAULT_STORED_PER_RUN,
  DEFAULT_TRIED_BUCKETS,
} from './constants.ts'
import { demandCounts, demandTimes } from './demand.ts'
import { StoredPeers } from './stored-peers.ts'
import type { Strategy } from './strategy.ts'

/** Options of the address book. */
export interface StoredInit {
  /** Buckets for peers heard of; a network group that tells of peers reaches a sixteenth of them. @default 256 */
  newBuckets?: number
  /** Buckets for peers reached; peers of one network group reach a sixteenth of them. @default 64 */
  triedBuckets?: number
  /** Peers a bucket holds; what is full is not overrun. @default 16 */
  slotsPerBucket?: number
  /** Addresses kept of one peer; further ones are dropped. @default 8 */
  maxAddresses?: number
  /** Peers offered in one round. @default 32 */
  maxPerRun?: number
  /** Time between two writes of what changed, in ms; the last is when the node stops. @default 60_000 */
  saveIntervalMs?: number
  /** Time that one read or write of the datastore may take, in ms. @default 10_000 */
  storageTimeoutMs?: number
}

/** What the address book needs. */
export interface StoredComponents {
  /** Where peers are kept over a restart. */
  datastore: Datastore
  /** libp2p's bus, which tells what peers say of themselves. */
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
  metrics?: Metrics
}

/**
 * Creates the strategy `stored`: peers known from earlier, over restarts too.
 * @throws {RangeError} when an option is out of range
 */
export function stored(init: StoredInit = {}): (components: StoredComponents) => Strategy {
  const { newBuckets = DEFAULT_NEW_BUCKETS, triedBuckets = DEFAULT_TRIED_BUCKETS } = init
  const { slotsPerBucket = DEFAULT_SLOTS_PER_BUCKET, maxAddresses = DEFAULT_MAX_ADDRESSES } = init
  const { maxPerRun = DEFAULT_STORED_PER_RUN } = init
  const { saveIntervalMs = DEFAULT_SAVE_INTERVAL_MS, storageTimeoutMs = DEFAULT_STORAGE_TIMEOUT_MS } = init
  const counts = { newBuckets, triedBuckets, slotsPerBucket, maxAddresses, maxPerRun }
  const times = { saveIntervalMs, storageTimeoutMs }
  demandCounts(counts)
  demandTimes(times)
  return (components) => new StoredPeers(components, { ...counts, ...times })
}

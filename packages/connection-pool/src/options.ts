import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import {
  DEFAULT_ATTEMPTS_PER_IP_PER_SECOND,
  DEFAULT_CLOSE_TIMEOUT_MS,
  DEFAULT_DIAL_TIMEOUT_MS,
  DEFAULT_GOODBYE_TIMEOUT_MS,
  DEFAULT_IDLE_TIMEOUT_MS,
  DEFAULT_MAX_ADDRESSES_PER_DIAL,
  DEFAULT_MAX_CONNECTIONS_PER_PEER,
  DEFAULT_MAX_DIALS,
  DEFAULT_MAX_INBOUND,
  DEFAULT_MAX_OUTBOUND,
  DEFAULT_MAX_PENDING,
  DEFAULT_MAX_PER_IP,
  DEFAULT_MAX_PER_NETWORK,
  DEFAULT_MAX_PROBES,
  DEFAULT_MAX_QUEUED_DIALS,
  DEFAULT_MAX_TRACKED_IPS,
  DEFAULT_MAX_TURN_AWAYS,
  DEFAULT_MIN_PEERS,
  DEFAULT_PROTECTED_BY_LATENCY,
  DEFAULT_PROTECTED_BY_USE,
  DEFAULT_PROTECTED_REGIONS,
  DEFAULT_PROTECTED_ROLES,
  DEFAULT_QUEUE_TIMEOUT_MS,
  DEFAULT_RECONCILE_INTERVAL_MS,
  DEFAULT_ROLE_TIMEOUT_MS,
  MAX_TIMER_MS,
} from './constants.ts'
import type { ConnectionPoolInit } from './index.ts'

/** The options with every default applied. */
export interface PoolOptions extends Readonly<Required<Omit<ConnectionPoolInit, 'reservedPeers' | 'reservedRoles'>>> {
  /** Keys of the peers that have a slot each. */
  readonly reservedPeers: ReadonlySet<string>
  /** Slots by role. */
  readonly reservedRoles: ReadonlyMap<string, number>
}

const DEFAULTS: Omit<PoolOptions, 'reservedPeers' | 'reservedRoles'> = {
  maxInbound: DEFAULT_MAX_INBOUND,
  maxOutbound: DEFAULT_MAX_OUTBOUND,
  maxProbes: DEFAULT_MAX_PROBES,
  maxTurnAways: DEFAULT_MAX_TURN_AWAYS,
  maxPending: DEFAULT_MAX_PENDING,
  maxPerIp: DEFAULT_MAX_PER_IP,
  maxPerNetwork: DEFAULT_MAX_PER_NETWORK,
  maxConnectionsPerPeer: DEFAULT_MAX_CONNECTIONS_PER_PEER,
  attemptsPerIpPerSecond: DEFAULT_ATTEMPTS_PER_IP_PER_SECOND,
  maxTrackedIps: DEFAULT_MAX_TRACKED_IPS,
  exemptLoopback: false,
  maxDials: DEFAULT_MAX_DIALS,
  maxQueuedDials: DEFAULT_MAX_QUEUED_DIALS,
  maxAddressesPerDial: DEFAULT_MAX_ADDRESSES_PER_DIAL,
  dialTimeoutMs: DEFAULT_DIAL_TIMEOUT_MS,
  queueTimeoutMs: DEFAULT_QUEUE_TIMEOUT_MS,
  protectedByLatency: DEFAULT_PROTECTED_BY_LATENCY,
  protectedByUse: DEFAULT_PROTECTED_BY_USE,
  protectedRegions: DEFAULT_PROTECTED_REGIONS,
  protectedRoles: DEFAULT_PROTECTED_ROLES,
  minPeers: DEFAULT_MIN_PEERS,
  idleTimeoutMs: DEFAULT_IDLE_TIMEOUT_MS,
  reconcileIntervalMs: DEFAULT_RECONCILE_INTERVAL_MS,
  roleTimeoutMs: DEFAULT_ROLE_TIMEOUT_MS,
  goodbyeTimeoutMs: DEFAULT_GOODBYE_TIMEOUT_MS,
  closeTimeoutMs: DEFAULT_CLOSE_TIMEOUT_MS,
}

const COUNTS_FROM_0 = [
  'maxInbound',
  'maxOutbound',
  'maxProbes',
  'maxTurnAways',
  'maxQueuedDials',
  'protectedByLatency',
  'protectedByUse',
  'protectedRegions',
  'protectedRoles',
  'minPeers',
] as const
const COUNTS_FROM_1 = [
  'maxPending',
  'maxPerIp',
  'maxPerNetwork',
  'maxConnectionsPerPeer',
  'attemptsPerIpPerSecond',
  'maxTrackedIps',
  'maxDials',
  'maxAddressesPerDial',
] as const
const TIMERS = [
  'dialTimeoutMs',
  'queueTimeoutMs',
  'reconcileIntervalMs',
  'roleTimeoutMs',
  'goodbyeTimeoutMs',
  'closeTimeoutMs',
] as const

/**
 * Applies the defaults.
 * @throws {RangeError} for a value that no pool can keep
 * @throws {TypeError} for a reserved peer that is no peer id
 */
export function resolveOptions(init: ConnectionPoolInit = {}): PoolOptions {
  const { reservedPeers = [], reservedRoles = {}, ...rest } = init
  const options = { ...DEFAULTS, ...rest }
  for (const name of COUNTS_FROM_0) demandCount(name, options[name], 0)
  for (const name of COUNTS_FROM_1) demandCount(name, options[name], 1)
  for (const name of TIMERS) {
    demand(name, options[name], options[name] > 0 && options[name] <= MAX_TIMER_MS, `above 0, at most ${MAX_TIMER_MS}`)
  }
  demand('idleTimeoutMs', options.idleTimeoutMs, options.idleTimeoutMs > 0, 'above 0')
  for (const [role, slots] of Object.entries(reservedRoles)) demandCount(`reservedRoles.${role}`, slots, 0)
  return {
    ...options,
    reservedPeers: new Set(reservedPeers.map(keyOf)),
    reservedRoles: new Map(Object.entries(reservedRoles)),
  }
}

/** The reserved slots, of peers and of roles. */
export function reservedSlots({ reservedPeers, reservedRoles }: PoolOptions): number {
  return [...reservedRoles.values()].reduce((sum, slots) => sum + slots, reservedPeers.size)
}

/** The text by which a peer is known here, whichever of its spellings is given. */
function keyOf(peer: PeerId | string): string {
  if (typeof peer !== 'string') return peer.toString()
  try {
    return peerIdFromString(peer).toString()
  } catch (cause) {
    throw new TypeError(`reservedPeers "${peer}" must be a peer id`, { cause })
  }
}

function demandCount(name: string, value: number, least: number): void {
  demand(name, value, Number.isSafeInteger(value) && value >= least, `a whole number, ${least} or more`)
}

function demand(name: string, value: number, isFine: boolean, rule: string): void {
  if (!isFine) throw new RangeError(`${name} ${value} must be ${rule}`)
}

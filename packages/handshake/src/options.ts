import type { Hello, PeerStatus } from '@gridmesh/interfaces'
import {
  DEFAULT_DEADLINE_MS,
  DEFAULT_MAX_CAPABILITIES,
  DEFAULT_MAX_CLOCK_SKEW_MS,
  DEFAULT_MAX_CONNECTIONS_PER_PEER,
  DEFAULT_MAX_FRAME_BYTES,
  DEFAULT_MAX_HANDSHAKES,
  DEFAULT_MAX_LISTEN_ADDRESSES,
  DEFAULT_MAX_STATUS_PER_SECOND,
  DEFAULT_PROTOCOL_RANGE,
  DEFAULT_STATUS_INTERVAL_MS,
  DEFAULT_UNKNOWN_PEERS,
  DEFAULT_USER_AGENT,
  MAX_NAME_BYTES,
  MAX_TEXT_BYTES,
  MAX_TIMER_MS,
} from './constants.ts'
import type { HandshakeInit } from './index.ts'
import { textFault } from './text.ts'

/** The part of our Hello that never changes. */
export type Identity = Omit<Hello, 'height' | 'tipHash' | 'listenAddresses' | 'timeMs' | 'credentials'>

/** The options that say what is taken of a peer, with their defaults applied. */
export interface Limits {
  unknownPeers: 'disconnect' | 'tolerate'
  maxClockSkewMs: number
  deadlineMs: number
  statusIntervalMs: number
  maxHandshakes: number
  maxConnectionsPerPeer: number
  maxStatusPerSecond: number
  maxFrameBytes: number
  maxCapabilities: number
  maxListenAddresses: number
}

/** Applies the defaults and checks. @throws {RangeError} when one is out of its range */
export function readLimits(init: HandshakeInit): Limits {
  const { unknownPeers = DEFAULT_UNKNOWN_PEERS } = init
  if (unknownPeers !== 'disconnect' && unknownPeers !== 'tolerate') {
    throw new RangeError(`unknownPeers ${JSON.stringify(unknownPeers)} must be 'disconnect' or 'tolerate'`)
  }
  const limits = {
    maxClockSkewMs: init.maxClockSkewMs ?? DEFAULT_MAX_CLOCK_SKEW_MS,
    deadlineMs: init.deadlineMs ?? DEFAULT_DEADLINE_MS,
    statusIntervalMs: init.statusIntervalMs ?? DEFAULT_STATUS_INTERVAL_MS,
    maxHandshakes: init.maxHandshakes ?? DEFAULT_MAX_HANDSHAKES,
    maxConnectionsPerPeer: init.maxConnectionsPerPeer ?? DEFAULT_MAX_CONNECTIONS_PER_PEER,
    maxStatusPerSecond: init.maxStatusPerSecond ?? DEFAULT_MAX_STATUS_PER_SECOND,
    maxFrameBytes: init.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES,
    maxCapabilities: init.maxCapabilities ?? DEFAULT_MAX_CAPABILITIES,
    maxListenAddresses: init.maxListenAddresses ?? DEFAULT_MAX_LISTEN_ADDRESSES,
  }
  for (const [name, value] of Object.entries(limits)) {
    if (!(value > 0)) throw new RangeError(`${name} ${value} must be above 0`)
  }
  for (const name of ['deadlineMs', 'statusIntervalMs'] as const) {
    if (limits[name] > MAX_TIMER_MS) throw new RangeError(`${name} ${limits[name]} must be at most ${MAX_TIMER_MS}`)
  }
  // With room for one, two nodes that dial each other at once could each refuse the other's connection.
  const { maxConnectionsPerPeer } = limits
  if (maxConnectionsPerPeer < 2)
    throw new RangeError(`maxConnectionsPerPeer ${maxConnectionsPerPeer} must be 2 or more`)
  return { ...limits, unknownPeers }
}

/**
 * Builds the constant part of our Hello.
 * @throws {RangeError} when a field would not be accepted by a peer; TypeError when it is no text, or no list
 */
export function readIdentity(init: HandshakeInit): Identity {
  const { chainId, genesisHash, role, region, quota } = init
  const { capabilities = [], userAgent = DEFAULT_USER_AGENT, protocol = DEFAULT_PROTOCOL_RANGE } = init
  for (const [name, value] of Object.entries({ chainId, genesisHash })) {
    checkText(name, value, MAX_TEXT_BYTES)
    if (value === '') throw new RangeError(`${name} must not be empty`)
  }
  checkText('role', role, MAX_NAME_BYTES)
  checkText('region', region, MAX_NAME_BYTES)
  checkText('userAgent', userAgent, MAX_TEXT_BYTES)
  if (!Array.isArray(capabilities)) throw new TypeError(`capabilities ${String(capabilities)} must be a list of names`)
  for (const capability of capabilities) checkText('capabilities', capability, MAX_NAME_BYTES)
  // Peers refuse more than the default, whatever we take ourselves.
  if (capabilities.length > DEFAULT_MAX_CAPABILITIES) {
    throw new RangeError(`${capabilities.length} capabilities are above the limit of ${DEFAULT_MAX_CAPABILITIES}`)
  }
  const { min, max } = protocol
  if (!(Number.isInteger(min) && Number.isInteger(max) && min >= 1 && min <= max && max < 2 ** 32)) {
    throw new RangeError(`protocol ${min} to ${max} must be whole numbers from 1 on, the lower one first`)
  }
  const identity = { protocol: { min, max }, chainId, genesisHash, role, region, userAgent }
  return { ...identity, capabilities: [...new Set(capabilities)], ...(quota != null && { quota: readQuota(quota) }) }
}

/** Checks a status of our own. @throws {RangeError} when a peer would not accept it */
export function readStatus({ height, tipHash }: PeerStatus): PeerStatus {
  if (!(Number.isSafeInteger(height) && height >= 0)) throw new RangeError(`height ${height} must be a whole number`)
  checkText('tipHash', tipHash, MAX_TEXT_BYTES)
  return { height, tipHash }
}

function readQuota(quota: NonNullable<Hello['quota']>): NonNullable<Hello['quota']> {
  const { messagesPerSecond, bytesPerSecond } = quota
  for (const [name, value] of Object.entries({ messagesPerSecond, bytesPerSecond })) {
    if (!(value > 0 && value < Infinity)) throw new RangeError(`quota.${name} ${value} must be above 0`)
  }
  return { messagesPerSecond, bytesPerSecond }
}

function checkText(name: string, value: string, maxBytes: number): void {
  // Of a variable of the environment that is not set, say: peers would get a Hello without it, and say nothing.
  if (typeof value !== 'string') throw new TypeError(`${name} ${String(value)} must be a text`)
  const fault = textFault(value, maxBytes)
  if (fault != null) throw new RangeError(`${name} "${value}" ${fault}`)
}

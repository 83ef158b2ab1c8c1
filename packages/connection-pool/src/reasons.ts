import type { Reason } from '@gridmesh/interfaces'
import type { Direction } from './ticket.ts'

/** Codes of refusals and evictions, stable. */
export const REASON_CODES = [
  'self',
  'banned',
  'duplicate',
  'inbound-full',
  'outbound-full',
  'ip-full',
  'network-full',
  'pending-full',
  'too-many-attempts',
  'too-many-ips',
  'probe-full',
  'resting',
  'leaving',
  'stopped',
  'evicted',
  'role-not-reserved',
  'idle',
  'probe-over',
] as const

/** Why the pool refused or ended a connection. */
export type ReasonCode = (typeof REASON_CODES)[number]

/** A reason that always names its limit, and the value of that. */
export interface PoolReason extends Reason {
  code: ReasonCode
  limit: string
  value: number
}

function reason(code: ReasonCode, limit: string, value: number, message: string): PoolReason {
  return { code, message, limit, value }
}

export function isSelf(): PoolReason {
  return reason('self', 'connectionsToSelf', 0, 'this node does not connect to itself')
}

export function isBanned(untilMs: number): PoolReason {
  const until = new Date(untilMs).toISOString()
  return reason('banned', 'bannedUntilMs', untilMs, `the peer is banned until ${until}`)
}

export function isDuplicate(value: number): PoolReason {
  const message = `the peer has ${value} newer connections; maxConnectionsPerPeer is ${value}`
  return reason('duplicate', 'maxConnectionsPerPeer', value, message)
}

export function isFull(direction: Direction, value: number): PoolReason {
  const message = `all ${direction} slots are taken by peers that rank no lower`
  return direction === 'inbound'
    ? reason('inbound-full', 'maxInbound', value, `${message}; maxInbound is ${value}`)
    : reason('outbound-full', 'maxOutbound', value, `${message}; maxOutbound is ${value}`)
}

export function isIpFull(ip: string, value: number): PoolReason {
  return reason('ip-full', 'maxPerIp', value, `${ip} has as many connections as one IP may; maxPerIp is ${value}`)
}

export function isNetworkFull(network: string, value: number): PoolReason {
  const message = `${network} has as many connections as one network may; maxPerNetwork is ${value}`
  return reason('network-full', 'maxPerNetwork', value, message)
}

export function isPendingFull(value: number): PoolReason {
  const message = `too many connections are not identified yet; maxPending is ${value}`
  return reason('pending-full', 'maxPending', value, message)
}

export function hasTooManyAttempts(ip: string, value: number): PoolReason {
  const message = `${ip} tries too often; attemptsPerIpPerSecond is ${value}`
  return reason('too-many-attempts', 'attemptsPerIpPerSecond', value, message)
}

export function triesAsManyIps(network: string, ips: number, value: number): PoolReason {
  const message = `${network} tries as often as ${ips} IPs may; attemptsPerIpPerSecond is ${value}`
  return reason('too-many-attempts', 'attemptsPerIpPerSecond', value, message)
}

export function hasTooManyIps(value: number): PoolReason {
  const message = `too many addresses tried within a second; maxTrackedIps is ${value}`
  return reason('too-many-ips', 'maxTrackedIps', value, message)
}

export function isProbeFull(value: number): PoolReason {
  return reason('probe-full', 'maxProbes', value, `as many probes as may be are under way; maxProbes is ${value}`)
}

export function isResting(leftMs: number): PoolReason {
  const message = `its last dials came to nothing, and libp2p dials it no sooner than in ${Math.ceil(leftMs)} ms`
  return reason('resting', 'dialsWhileResting', 0, message)
}

export function isLeaving(cause: string): PoolReason {
  const message = `its last connection is still being closed, because ${cause}`
  return reason('leaving', 'connectionsWhileLeaving', 0, message)
}

export function isStopped(): PoolReason {
  return reason('stopped', 'connectionsWhileStopped', 0, 'this node is stopped')
}

/** Why a peer goes that others rank above. */
export function isEvicted(direction: Direction, value: number): PoolReason {
  const limit = direction === 'inbound' ? 'maxInbound' : 'maxOutbound'
  return reason('evicted', limit, value, `a peer that ranks higher needed the slot; ${limit} is ${value}`)
}

/** Why a peer goes that sat in a slot reserved for a role it turned out not to have. */
export function isNotReserved(role: string, value: number): PoolReason {
  const message = `the slot is reserved for the role ${role}; reservedRoles.${role} is ${value}`
  return reason('role-not-reserved', `reservedRoles.${role}`, value, message)
}

/** Why a peer goes that had a slot for nothing. */
export function isIdle(value: number): PoolReason {
  const message = `another peer needed the slot, and no message came or went for idleTimeoutMs, ${value} ms`
  return reason('idle', 'idleTimeoutMs', value, message)
}

export function isProbeOver(value: number): PoolReason {
  return reason('probe-over', 'maxProbes', value, 'the connection was a test, and the test is over')
}

import { isGlobalUnicastIp, isPrivateIp } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { hostOf } from './host.ts'
import { isRelayed } from './network-group.ts'
import type { SourcedCandidate } from './strategy.ts'

/** Within what an address means one and the same: a machine, a private network, or the world; the narrowest is the least. */
const MACHINE = 0
const NETWORK = 1
const WORLD = 2

/** Loopback, and what stands for no address: a dial of that ends at this machine, too. */
const OWN_IP = /^(?:127\.|0\.|0:0:0:0:0:0:0:[01]$)/
/** Names that hosts files give to the machine itself, and what cannot be a name. */
const OWN_NAME = /^$|(?:^|[.-])(?:localhost|loopback)\d?(?:\.localdomain\d?)?$/
/** Names that no public DNS answers: of one label, or kept for private networks. */
const LOCAL_NAME = /^[^.]+$|\.(?:local|internal|home\.arpa)$/

/**
 * The candidate with those of its addresses that somebody at one of `tellers` can know: on this machine only who is on
 * it as well, in a private network only who is at a private address. From anybody else such an address means another
 * machine, or is meant to have us look for open ports here. A public name counts as known to all, wherever it leads.
 * Returns `undefined` where it loses the last address.
 */
export function believed<C extends SourcedCandidate>(candidate: C, tellers: readonly Multiaddr[]): C | undefined {
  // Who comes through a relay may be anywhere.
  const nearest = Math.min(...tellers.map((teller) => (isRelayed(teller) ? WORLD : reachOf(teller))))
  const isCredible = (address: Multiaddr): boolean => reachOf(address) >= nearest
  const addresses = candidate.addresses.filter(isCredible)
  if (addresses.length === 0 && candidate.addresses.length > 0) return undefined
  const { record } = candidate
  const signed = record !== undefined && { record: { seq: record.seq, addresses: record.addresses.filter(isCredible) } }
  return { ...candidate, addresses, ...signed }
}

/** Whether an address means something on its own machine only: loopback, or one without a host (memory, unix). */
export function isOnOneMachine(address: Multiaddr): boolean {
  return reachOf(address) === MACHINE
}

function reachOf(address: Multiaddr): number {
  const host = hostOf(address)
  if (host === undefined) return MACHINE
  const { kind, text } = host
  if (kind === 'dns') return reachOfName(text)
  if (OWN_IP.test(text)) return MACHINE
  const isGlobal = kind === 'ip4' || isGlobalUnicastIp(text)
  return isGlobal && isPrivateIp(text) !== true ? WORLD : NETWORK
}

function reachOfName(name: string): number {
  if (OWN_NAME.test(name)) return MACHINE
  return LOCAL_NAME.test(name) ? NETWORK : WORLD
}

import { isPrivateIp } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { hostOf } from './host.ts'

/** Within what an address means one and the same: a machine, a private network, or the world; the narrowest is the least. */
const MACHINE = 0
const NETWORK = 1
const WORLD = 2

/** Loopback, and what stands for no address: a dial of that ends at this machine, too. */
const OWN_IP = /^(?:127\.|0\.|0:0:0:0:0:0:0:[01]$)/
const OWN_NAME = /(?:^|\.)localhost$/i

/** Whether an address means something on its own machine only: loopback, or one without a host (memory, unix). */
export function isOnOneMachine(address: Multiaddr): boolean {
  return reachOf(address) === MACHINE
}

function reachOf(address: Multiaddr): number {
  const host = hostOf(address)
  if (host === undefined) return MACHINE
  const { kind, text } = host
  if (kind === 'dns') return OWN_NAME.test(text) ? MACHINE : WORLD
  if (OWN_IP.test(text)) return MACHINE
  return isPrivateIp(text) === true ? NETWORK : WORLD
}

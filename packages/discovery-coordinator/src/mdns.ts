import type { ComponentLogger } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import { mdns as libp2pMdns } from '@libp2p/mdns'
import { DEFAULT_FEED_PEERS } from './constants.ts'
import { demandCounts, demandTimes } from './demand.ts'
import { DiscoveryFeed } from './discovery-feed.ts'
import type { Strategy } from './strategy.ts'

/** Options of mDNS. */
export interface MdnsInit {
  /** Announced peers kept between two rounds; beyond it those announced longest ago are dropped. @default 256 */
  maxPeers?: number
  /** Time between two queries, in ms. @default 10_000 */
  queryIntervalMs?: number
  /** What networks that share a LAN tell each other apart by. @default '_p2p._udp.local' */
  serviceTag?: string
  /** UDP port. @default 5_353 */
  port?: number
  /** Whether queries of others are answered. @default true */
  isAnnouncing?: boolean
}

/** What mDNS needs. */
export interface MdnsComponents {
  addressManager: AddressManager
  logger: ComponentLogger
}

/**
 * Creates the strategy `mdns`: peers on the local network, by `@libp2p/mdns`, which need not be configured on the node
 * itself then.
 * @throws {RangeError} when an option is out of range
 */
export function mdns(init: MdnsInit = {}): (components: MdnsComponents) => Strategy {
  const { maxPeers = DEFAULT_FEED_PEERS, queryIntervalMs, serviceTag, port, isAnnouncing } = init
  demandCounts({ maxPeers, ...(port !== undefined && { port }) })
  demandTimes({ ...(queryIntervalMs !== undefined && { queryIntervalMs }) })
  const create = libp2pMdns({
    ...(queryIntervalMs !== undefined && { interval: queryIntervalMs }),
    ...(serviceTag !== undefined && { serviceTag }),
    ...(port !== undefined && { port }),
    ...(isAnnouncing !== undefined && { broadcast: isAnnouncing }),
  })
  return (components) => new DiscoveryFeed('mdns', create(components), maxPeers)
}

import type { Hello } from '@gridmesh/interfaces'
import type { NetworkView, ReadyShare } from './index.ts'

/** What of a peer the state of the network is read from. */
export interface ViewedPeer {
  readonly key: string
  readonly isReady: boolean
  readonly hello?: Hello | undefined
}

/** What else is known, beside the peers. */
export interface ViewContext {
  /** Ids of authorities that are known by configuration, without ourselves. */
  readonly authorities: readonly string[]
  readonly authorityRoles: readonly string[]
  /** Peers that were lost without a goodbye. */
  readonly lost: readonly string[]
  /** Whether a ready peer answers its pings. */
  isHealthy(key: string): boolean
  /** Regions that are told apart; the most populous are kept. */
  readonly maxRegions: number
}

type PeersView = Pick<NetworkView, 'authorities' | 'regions' | 'expected' | 'tips'>

/** Reads authorities, regions, expected peers and tips from the known peers, the banned left out by the caller. */
export function viewPeers(peers: readonly ViewedPeer[], context: ViewContext): PeersView {
  const ready = peers.filter(({ isReady }) => isReady)
  const readyKeys = new Set(ready.map(({ key }) => key))
  const authorities = new Set(context.authorities)
  for (const { key, hello } of peers) {
    if (hello !== undefined && context.authorityRoles.includes(hello.role)) authorities.add(key)
  }
  // Knowing a peer is no reason to expect it: a node is connected to few of those it has heard of.
  const expected = new Set([...readyKeys, ...context.lost, ...authorities])
  const isReachable = (key: string): boolean => readyKeys.has(key) && context.isHealthy(key)
  return {
    authorities: readyShare([...authorities], (key) => readyKeys.has(key)),
    regions: viewRegions(peers, context.maxRegions),
    expected: { peers: expected.size, unreachable: [...expected].filter((key) => !isReachable(key)).length },
    tips: viewTips(ready),
  }
}

function viewRegions(peers: readonly ViewedPeer[], maxRegions: number): Map<string, ReadyShare> {
  const byRegion = Map.groupBy(peers, ({ hello }) => hello?.region ?? '')
  byRegion.delete('')
  return new Map(
    [...byRegion]
      .toSorted(([a, inA], [b, inB]) => inB.length - inA.length || (a < b ? -1 : 1))
      .slice(0, maxRegions)
      .map(([region, members]) => [region, readyShare(members, ({ isReady }) => isReady)]),
  )
}

/** Only tips of the same height can be compared: at another height an honest peer has another one. */
function viewTips(ready: readonly ViewedPeer[]): NetworkView['tips'] {
  const hellos = ready.flatMap(({ hello }) => (hello === undefined ? [] : [hello]))
  let compared = 0
  let dissenting = 0
  for (const rivals of Map.groupBy(hellos, ({ height }) => height).values()) {
    if (rivals.length < 2) continue
    const camps = [...Map.groupBy(rivals, ({ tipHash }) => tipHash).values()]
    compared += rivals.length
    dissenting += rivals.length - Math.max(...camps.map(({ length }) => length))
  }
  return { compared, dissenting }
}

function readyShare<T>(items: readonly T[], isReady: (item: T) => boolean): ReadyShare {
  return { ready: items.filter((item) => isReady(item)).length, known: items.length }
}

import type { Candidate } from '@gridmesh/interfaces'
import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { shuffle } from './book-table.ts'
import type { SourcedCandidate, Strategy } from './strategy.ts'

/** Offers the peers of a list, each time all of them in another order, so that a network does not begin with the same. */
export function configuredPeers(
  name: string,
  list: readonly (string | Multiaddr)[],
  options: { isFallback: boolean },
): Strategy {
  const peers = readList(list)
  return {
    name,
    ...options,
    isConfigured: true,
    async *discover(): AsyncGenerator<SourcedCandidate> {
      yield* shuffle([...peers])
    },
  }
}

/** One candidate per peer id, with all its addresses. */
function readList(list: readonly (string | Multiaddr)[]): Candidate[] {
  const peers = new Map<string, Candidate>()
  for (const entry of list) {
    const { id, address } = readEntry(entry)
    const known = peers.get(id)?.addresses ?? []
    peers.set(id, { id: peerIdFromString(id), addresses: [...known, address] })
  }
  return [...peers.values()]
}

function readEntry(entry: string | Multiaddr): { id: string; address: Multiaddr } {
  try {
    const address = multiaddr(entry)
    const id = address.getComponents().findLast(({ code }) => code === CODE_P2P)?.value
    if (id !== undefined) return { id: peerIdFromString(id).toString(), address }
  } catch (err) {
    throw new TypeError(`"${entry.toString()}" is no multiaddr: it must be one with /p2p/<peer id>`, { cause: err })
  }
  throw new TypeError(`"${entry.toString()}" names no peer: it must be a multiaddr with /p2p/<peer id>`)
}

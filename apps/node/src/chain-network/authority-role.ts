import type { Hello, Reason } from '@gridmesh/interfaces'
import { addressOf, toHex } from '@gridmesh/ledger'
import type { PeerId } from '@libp2p/interface'
import type { NodeConfig } from '../config/schema.ts'
import type { Genesis } from '../genesis.ts'
import type { NodeChain } from './node-chain.ts'

/** The role whose peers others make room for. */
export const AUTHORITY_ROLE = 'authority'

/** Whether a peer is an authority, as far as the node knows now. */
export type IsAuthority = (peer: PeerId) => boolean

/** Knows the authorities of the genesis file. */
export function authoritiesOfGenesis({ authorities }: Genesis): IsAuthority {
  return (peer) => authorities.has(peer.toString())
}

/** Knows the authorities after the newest block of a chain: those of the genesis file, registered and revoked since. */
export function authoritiesOfChain({ chain }: Pick<NodeChain, 'chain'>): IsAuthority {
  return ({ publicKey }) =>
    publicKey?.type === 'Ed25519' && chain.consensus.head().authorities.includes(toHex(addressOf(publicKey.raw)))
}

/**
 * Judges in the handshake whether a peer may say that it is an authority: a stranger would take the slots that are kept
 * for them. Whom the operator names as a peer may, for a node that has not caught up does not know the newest ones. In
 * networks that list no authorities everybody may.
 */
export function authoriseRole(
  { p2p, discovery, pool }: NodeConfig,
  { authorities }: Genesis,
  isAuthority: IsAuthority,
): (hello: Hello, peer: PeerId) => true | Reason {
  const addressed = [...p2p.bootstrap, ...discovery.staticPeers].map((address) => address.split('/').at(-1))
  const named = new Set([...addressed, ...pool.reservedPeers])
  return ({ role }, peer) => {
    if (role !== AUTHORITY_ROLE || authorities.size === 0) return true
    if (named.has(peer.toString()) || isAuthority(peer)) return true
    // No code of the handshake's: those are given up for good, and an authority may be registered any time.
    const message = `role "${AUTHORITY_ROLE}" came of ${peer.toString()}, and this node knows it for no authority`
    return { code: 'not-authority', message, limit: 'role' }
  }
}

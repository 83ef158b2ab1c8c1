import type { Multiaddr } from '@multiformats/multiaddr'
import { mergeAddresses } from './book-entry.ts'

/** What a peer signed of where it is. */
export interface SignedAddresses {
  /** A later record of the same peer has a higher one. */
  readonly seq: bigint
  readonly addresses: readonly Multiaddr[]
}

/** The later of two records of one peer. Whoever has an old one can tell it again, so what comes last need not be it. */
export function latestOf(
  known: SignedAddresses | undefined,
  said: SignedAddresses | undefined,
  maxAddresses: number,
): SignedAddresses | undefined {
  if (said === undefined || (known !== undefined && known.seq > said.seq)) return known
  return { seq: said.seq, addresses: mergeAddresses(said.addresses, [], maxAddresses) }
}

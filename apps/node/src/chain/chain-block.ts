import type { ConsensusRules, HeaderFacts, PoaStanding } from '@gridmesh/consensus'
import { addressOf, type Block, type Header, toHex, txRoot } from '@gridmesh/ledger'

/** What the consensus makes of a block. */
export type Standing = PoaStanding
/** By what rules headers are judged. */
export type ChainRules = ConsensusRules<Standing>

const EMPTY_ROOT = toHex(txRoot([]))

/** A block in its place: its header, and what follows from the branch that it ends. */
export interface ChainBlock {
  readonly header: Header
  readonly facts: HeaderFacts
  readonly standing: Standing
  /** Addresses of the authorities after it, hex; the same array for the same authorities. */
  readonly authorities: readonly string[]
  /** Height of the newest block of its branch, itself included, that changed the authorities; 0 where none did. */
  readonly changedAt: number
  /** The authorities before that block, while it is not final by the standing of this one. */
  readonly former?: readonly string[] | undefined
}

/** A block as it came: what was read, and of which bytes. */
export interface FullBlock {
  readonly block: Block
  readonly bytes: Uint8Array
}

/** Why a block is refused: the stable codes of ledger, consensus and this folder. */
export interface BlockFault {
  readonly code: string
  readonly message: string
}

/** What the consensus has to know of a header. */
export function factsOf({ height, hash, parent, timeMs, proposer, txRoot: root }: Header): HeaderFacts {
  const isFilled = toHex(root) !== EMPTY_ROOT
  return { height, hash: toHex(hash), parent: toHex(parent), timeMs, proposer: toHex(addressOf(proposer)), isFilled }
}

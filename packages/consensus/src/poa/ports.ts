import type {
  Clock,
  ConsensusChain,
  ConsensusMempool,
  ConsensusNetwork,
  HeaderCodec,
  Signer,
  SigningRecord,
} from '../ports.ts'
import type { PoaRules } from './rules.ts'
import type { PoaStanding } from './standing.ts'

/** Who proposes, and what was signed before. */
export interface Identity {
  signer: Signer
  record: SigningRecord
}

/** What the engine meets the rest of a node by. */
export interface PoaPorts {
  /** The rules that the chain judges by. */
  rules: PoaRules
  chain: ConsensusChain<PoaStanding>
  mempool: ConsensusMempool
  network: ConsensusNetwork
  headers: HeaderCodec
  /** For an authority; any other node only follows. */
  identity?: Identity
  /** Whether this node has caught up with the others, as far as it knows: nothing is proposed before. Always without. */
  isReady?: () => boolean
  /** Calendar time; `Date.now` without it. */
  clock?: Clock
}

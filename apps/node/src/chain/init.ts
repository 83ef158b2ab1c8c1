import type { BlockStoreInit, KeyValueStore } from '@gridmesh/block-store'
import type { Clock, ConsensusNetwork, PoaInit, PoaRulesInit, SigningRecord } from '@gridmesh/consensus'
import type { Genesis, LedgerSigner, Registry } from '@gridmesh/ledger'
import type { MempoolInit, MempoolLog } from '@gridmesh/mempool'
import type { CheckpointInit } from './checkpoints/options.ts'
import type { ChainLimitsInit } from './options.ts'
import type { VerifyClaims } from './verifier.ts'

/** What an energy chain is made of. */
export interface EnergyChainInit {
  /** Directory of the blocks and of what was signed, made where it is not there. Either this or `store`. */
  directory?: string
  /** Where the blocks are, in the place of a directory; closed with the chain. */
  store?: KeyValueStore
  /** What the chain begins with. */
  genesis: Genesis
  /** Of an authority, which makes blocks. @default none: the chain follows */
  signer?: LedgerSigner
  /** What was signed; without a `directory` it must be given where there is a `signer`. @default a file in `directory` */
  record?: SigningRecord
  /** Checks the signatures of transactions, a batch at a time; that of a block is checked on the event loop. @default libsodium there, too */
  verify?: VerifyClaims
  /** Where the engine's own messages go. @default nobody hears them */
  network?: ConsensusNetwork
  /** Whether the node has caught up: no block is made before. @default always */
  isReady?: () => boolean
  /** Calendar time. @default `Date.now` */
  clock?: Clock
  /** Kinds of transactions. @default those of the ledger */
  registry?: Registry
  /** Rules of the consensus, the same on every node but for `maxClockAheadMs`, and options of the engine. */
  consensus?: PoaRulesInit & PoaInit
  /** Options of the mempool. */
  mempool?: MempoolInit
  /** Keeps what the mempool holds over a restart. @default nothing is kept */
  mempoolLog?: MempoolLog
  /** Options of the block store. */
  blockStore?: BlockStoreInit
  /** Whether outputs are found by their owner as well; where they were not before, the index is built by `open`. @default false */
  ownerIndex?: boolean
  /** Which states are given to others, and how one is taken. */
  checkpoints?: CheckpointInit
  /** Bounds of the chain itself. */
  limits?: ChainLimitsInit
}

/**
 * @packageDocumentation
 *
 * The energy chain as a pure state machine: what transactions and blocks are, which of them are valid, what they do to
 * the state, and a root over the state that is kept up at the cost of its changes. No network, no files, no clocks.
 *
 * For chains of known authorities: energy, money and certificates in outputs that are spent once, meter readings that
 * mint and burn, and decisions by vote. Not for choosing proposers, storing blocks or fetching them: a store, a mempool
 * and a consensus are built on it.
 *
 * @example
 *
 * ```ts
 * import { type Block, defaultRegistry, type Header, type LedgerState, validateBlock } from '@gridmesh/ledger'
 *
 * function judge(state: LedgerState, parent: Header, block: Block): string {
 *   const verdict = validateBlock(state, parent, block, { registry: defaultRegistry })
 *   return verdict.status === 'valid' ? `changes ${verdict.changes.length} keys` : verdict.message
 * }
 * ```
 */
export { type AssetAudit, type Audit, audit } from './audit.ts'
export { type Block, blockBytes, decodeBlock, encodeBlock, txRootOf } from './blocks/block.ts'
export { buildBlock, type BuildBlockInit, type BuiltBlock } from './blocks/build-block.ts'
export { type BlockReads, checkSuccession, readsOfBlock } from './blocks/check-header.ts'
export type { Rules } from './blocks/execution.ts'
export {
  type BlockKind,
  chainIdOf,
  decodeHeader,
  type Header,
  type HeaderFields,
  headerSignatureOf,
  signHeader,
} from './blocks/header.ts'
export {
  type BlockVerdict,
  type LedgerState,
  type StateStep,
  undoBlock,
  validateBlock,
} from './blocks/validate-block.ts'
export { toHex } from './bytes.ts'
export { ByteReader } from './codec/byte-reader.ts'
export { ByteWriter } from './codec/byte-writer.ts'
export { type Codec, decode, encode } from './codec/codec.ts'
export * from './constants.ts'
export { addressOf, sha256 } from './crypto/sha256.ts'
export { type LedgerSigner, type SignatureClaim, signerOf, type Verify, verifySignature } from './crypto/signatures.ts'
export * from './errors.ts'
export {
  authority,
  type AuthorityTip,
  type ForkChoice,
  type HashedTip,
  type HeightTip,
  longest,
  type ReputationTip,
  timestampReputation,
} from './fork-choice.ts'
export { buildGenesis, type GenesisBlock } from './genesis/build-genesis.ts'
export { type Genesis, parseGenesis, readGenesis } from './genesis/parse-genesis.ts'
export { authorityRegister, type AuthorityRegisterBody, registerAction } from './kinds/authority-register.ts'
export { authorityRevoke, type AuthorityRevokeBody, revokeAction } from './kinds/authority-revoke.ts'
export type { ProposalRef } from './kinds/decisions.ts'
export { defaultKinds, defaultRegistry } from './kinds/default-registry.ts'
export { gridStateUpdate } from './kinds/grid-state.ts'
export { meterReading, type MeterReadingBody } from './kinds/meter-reading.ts'
export { proposal, type ProposalBody } from './kinds/proposal.ts'
export { tender, type TenderBody } from './kinds/tender.ts'
export { transfer, type TransferBody } from './kinds/transfer.ts'
export { vote, type VoteBody } from './kinds/vote.ts'
export * from './refusal.ts'
export { authorities, type Authority, authorityList } from './state/authorities.ts'
export { chainName } from './state/chain-name.ts'
export { FetchedState } from './state/fetched-state.ts'
export { type GridState, gridState } from './state/grid-states.ts'
export { type Meter, meters, type Zone, zones } from './state/meters.ts'
export { nextNonce, nonces } from './state/nonces.ts'
export { type Asset, ASSETS, type Output, type OutputId, outputId, outputs } from './state/outputs.ts'
export { Overlay } from './state/overlay.ts'
export { type Action, type CastVote, type Proposal, proposals } from './state/proposals.ts'
export { type Change, invert, MemoryState, type StateView } from './state/state-view.ts'
export { type Supply, supplies } from './state/supplies.ts'
export { Table } from './state/table.ts'
export { type Validator, validators } from './state/validators.ts'
export { applyTransaction, checkTransaction, readsOf } from './transactions/apply.ts'
export { type Claims, claimsOf, type MadeOutputs } from './transactions/claims.ts'
export type { BlockContext, Family, Kind } from './transactions/kind.ts'
export { Registry } from './transactions/registry.ts'
export {
  decodeTransaction,
  signatureOf,
  type SignTransactionInit,
  signTransaction,
  type Transaction,
} from './transactions/transaction.ts'
export { bucketOf, type Entry, type EntryReader, type Piece, type PieceFault, verifyPiece } from './tree/piece.ts'
export { decodePiece, encodePiece } from './tree/piece-codec.ts'
export { KeysByBucket } from './tree/keys-by-bucket.ts'
export { StateTree, type TreeSnapshot, type TreeUpdate } from './tree/state-tree.ts'
export { txRoot } from './tree/tx-root.ts'

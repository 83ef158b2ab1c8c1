import type { BlockStore } from '@gridmesh/block-store'
import type { BeginOptions, Refusal, StateImport, StateTarget } from '@gridmesh/block-sync'
import type { ChainTip } from '@gridmesh/interfaces'
import {
  type Block,
  BUCKETS,
  decodeBlock,
  headerSignatureOf,
  type Registry,
  toHex,
  verifySignature,
} from '@gridmesh/ledger'
import type { FullBlock } from '../chain-block.ts'
import { CheckpointBehindError } from '../errors.ts'
import { FalseImport } from './false-import.ts'
import type { CheckpointOptions } from './options.ts'
import { PieceImport, type PieceImportParts } from './piece-import.ts'
import { stageName } from './stage-name.ts'

/** What checkpoints are taken with. */
export interface StateTargetParts extends Pick<PieceImportParts, 'adopt'> {
  store: BlockStore
  registry: Registry
  chainId: Uint8Array
  options: CheckpointOptions
  finalised: () => ChainTip
}

/** Takes the state at a checkpoint: piece by piece, each proved by the header of its block, and kept over a restart. */
export class EnergyStateTarget implements StateTarget {
  readonly #parts: StateTargetParts

  constructor(parts: StateTargetParts) {
    this.#parts = parts
  }

  trusted(): ChainTip | undefined {
    return this.#parts.options.trusted
  }

  /** @throws {CheckpointBehindError} when the block is not above what is final here @throws {ImportUnderWayError} */
  async begin(bytes: Uint8Array, { signal, pieces: least = 1 }: BeginOptions): Promise<StateImport> {
    const { store, registry, options, finalised, adopt } = this.#parts
    signal.throwIfAborted()
    // A copy: the import may take long, and the bytes may be a view of something larger.
    const own = Uint8Array.from(bytes)
    const full: FullBlock = { bytes: own, block: decodeBlock(own, registry) }
    const { height, hash } = full.block.header
    if (height <= finalised().height) throw new CheckpointBehindError(height, finalised().height)
    let { pieces } = options
    while (pieces < Math.min(least, BUCKETS)) pieces *= 2
    const fault = this.#faultOf(full.block)
    // Who gives pieces of a block that cannot be one of this chain claims it: refused pieces are what tells on them.
    if (fault !== undefined) return new FalseImport(pieces, fault)
    const staged = await store.stageState(stageName({ height, hash, pieces }))
    return new PieceImport({ full, staged, pieces, adopt })
  }

  #faultOf({ header }: Block): Refusal | undefined {
    const { chainId } = this.#parts
    if (header.kind === 'genesis' || toHex(header.chainId) !== toHex(chainId)) {
      return { code: 'wrong-chain', message: `chain ${toHex(header.chainId)}, and this is ${toHex(chainId)}` }
    }
    if (verifySignature(headerSignatureOf(header))) return undefined
    const message = `the signature of ${toHex(header.proposer)} does not hold`
    return { code: 'invalid-block-signature', message }
  }
}

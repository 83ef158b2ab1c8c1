import type { BlockStore } from '@gridmesh/block-store'
import { type ConsensusChain, type HeaderCodec, type PoaEngine, type PoaRules, poaRules } from '@gridmesh/consensus'
import type { HeaderFacts } from '@gridmesh/block-sync'
import type { ChainBackend, ChainTip, ImportOutcome } from '@gridmesh/interfaces'
import { addressOf, defaultRegistry, type Registry, toHex } from '@gridmesh/ledger'
import { Mempool } from '@gridmesh/mempool'
import type { AbortOptions } from '@libp2p/interface'
import { TypedEventEmitter } from 'main-event'
import { EnergyBackend } from './backend.ts'
import { BlockChecks } from './block-checks.ts'
import type { ChainBlock, Standing } from './chain-block.ts'
import { lowestOf } from './checkpoints/block-history.ts'
import { checkpointPorts, type CheckpointPorts } from './checkpoints/checkpoint-ports.ts'
import { Checkpoints } from './checkpoints/checkpoints.ts'
import { type CheckpointOptions, checkpointOptions } from './checkpoints/options.ts'
import { EnergyConsensusChain } from './consensus-chain.ts'
import { EarlyBlocks } from './early-blocks.ts'
import { endAll } from '../end-all.ts'
import { engineFor, type EngineParts, openIdentity } from './engine.ts'
import { ChainStoppedError } from './errors.ts'
import type { ChainEvents } from './events.ts'
import { Gate } from './gate.ts'
import { headerCodec } from './header-codec.ts'
import { Importer } from './importer.ts'
import { ImportQueue } from './import-queue.ts'
import type { EnergyChainInit } from './init.ts'
import { Marks } from './marks.ts'
import { LedgerMempoolChain } from './mempool-chain.ts'
import { type Moved, Mover } from './mover.ts'
import { openChain, type OpenedChain } from './open-chain.ts'
import { openStore } from './open-store.ts'
import { type ChainLimits, chainLimits } from './options.ts'
import { type OutputsOf, outputsIn } from './owner-index.ts'
import type { LedgerPoolTransaction } from './pool-transaction.ts'
import { SideBlocks } from './side-blocks.ts'
import { Verifier, verifyHere } from './verifier.ts'

/** What a chain holds beside its blocks, all of it bounded. */
export interface EnergyChainStats {
  sideBlocks: number
  sideBytes: number
  queuedBlocks: number
  earlyBlocks: number
  marks: number
}

interface OpenParts extends OpenedChain {
  store: BlockStore
  rules: PoaRules
  limits: ChainLimits
  checkpoints: Checkpoints
  options: CheckpointOptions
  lowest: HeaderFacts | undefined
  identity: EngineParts['identity']
}

/** The energy chain as one thing: ledger, store, mempool and consensus, joined, and without a network. */
export class EnergyChain extends TypedEventEmitter<ChainEvents> {
  /** Id of the chain, hex: the hash of its genesis block. */
  readonly chainId: string
  /** The kinds of transactions that it knows. */
  readonly registry: Registry
  /** For sync. */
  readonly backend: ChainBackend
  /** For an engine. */
  readonly consensus: ConsensusChain<Standing>
  readonly headers: HeaderCodec
  readonly mempool: Mempool<LedgerPoolTransaction>
  readonly engine: PoaEngine
  /** Entries of the state after the head; while branches are switched, after a block between. */
  readonly state: Pick<BlockStore, 'get' | 'getMany' | 'entries'>
  /** Finds outputs of that state by their owner; `undefined` without `ownerIndex`. */
  readonly outputsOf: OutputsOf | undefined
  /** Where a block, or a transaction, of the head's branch is. */
  readonly index: Pick<BlockStore, 'heightOf' | 'transaction'>
  /** Parts of the state after a final block, for others. */
  readonly stateReader: CheckpointPorts['stateReader']
  /** Takes such a state of others. */
  readonly stateTarget: CheckpointPorts['stateTarget']
  /** Takes the blocks before it. */
  readonly history: CheckpointPorts['history']
  readonly #store: BlockStore
  readonly #checkpoints: Checkpoints
  readonly #mover: Mover
  readonly #sides: SideBlocks
  readonly #marks: Marks
  readonly #early: EarlyBlocks
  readonly #verifier: Verifier
  readonly #queue: ImportQueue
  readonly #checks: BlockChecks
  readonly #importer: Importer
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  private constructor(parts: OpenParts, init: EnergyChainInit) {
    super()
    const { store, main, genesis, rules, limits, identity, ...checkpointing } = parts
    const { registry = defaultRegistry, verify = verifyHere, clock, mempoolLog } = init
    const { chainId } = genesis
    const nowMs = (): number => clock?.nowMs() ?? Date.now()
    const gate = new Gate()
    const better = (a: ChainBlock, b: ChainBlock): boolean => rules.better(rated(a), rated(b))
    this.chainId = toHex(chainId)
    this.registry = registry
    this.state = store
    this.outputsOf = init.ownerIndex === true ? outputsIn(store) : undefined
    this.index = store
    this.#store = store
    this.#checkpoints = checkpointing.checkpoints
    this.#verifier = new Verifier(verify, limits)
    this.#queue = new ImportQueue(limits)
    this.#sides = new SideBlocks(limits, better)
    this.#marks = new Marks(limits.maxMarks)
    this.#early = new EarlyBlocks(limits, (bytes) => this.#offer(bytes))
    const authorities = (): readonly string[] => this.#mover.head.authorities
    const verifier = this.#verifier
    const pooled = (): Iterable<LedgerPoolTransaction> => this.mempool.transactions()
    const chain = new LedgerMempoolChain({ main, gate, registry, verifier, chainId, authorities, pooled, nowMs })
    this.mempool = new Mempool({ chain, ...(mempoolLog !== undefined && { log: mempoolLog }) }, init.mempool)
    const pool = this.mempool
    this.#mover = new Mover({
      main,
      gate,
      pool,
      registry,
      onMoved: (moved) => this.#tell(moved),
      onFailed: (error) => void this.safeDispatchEvent('chain:failed', { detail: error }),
    })
    const [mover, sides] = [this.#mover, this.#sides]
    const isAuthority = (who: string): boolean => authorities().includes(who)
    const isVerified = (id: string): boolean => pool.has(id)
    const headers = headerCodec(genesis.block.header.bytes.byteLength)
    this.headers = headers
    this.#checks = new BlockChecks({ headers, verifier, registry, chainId, isVerified, isAuthority })
    this.#importer = new Importer({
      main,
      mover,
      sides,
      marks: this.#marks,
      early: this.#early,
      checks: this.#checks,
      rules,
      registry,
      better,
      limits,
      chainId,
      nowMs,
      onStuck: (fault) => void this.safeDispatchEvent('chain:stuck', { detail: fault }),
    })
    const joined = { store, main, mover, sides, queue: this.#queue, limits, rules, registry, chainId }
    const { stateReader, stateTarget, history } = checkpointPorts({ ...joined, ...checkpointing })
    this.stateReader = stateReader
    this.stateTarget = stateTarget
    this.history = history
    const importBlock = async (block: Uint8Array): Promise<ImportOutcome> => this.#import(block)
    this.backend = new EnergyBackend({ store, main, gate, mover, sides, importBlock: this.importBlock.bind(this) })
    const address = init.signer === undefined ? undefined : toHex(addressOf(init.signer.publicKey))
    const building = { main, gate, pool, rules, registry }
    this.consensus = new EnergyConsensusChain({ ...building, mover, importBlock, headers, address, events: this })
    this.engine = engineFor(init, { rules, chain: this.consensus, pool, headers, identity })
  }

  /**
   * Opens a chain: writes genesis into an empty store, and builds the tree over the state of any other.
   *
   * @throws {RangeError} @throws {TypeError} when an option makes no sense
   * @throws {WrongGenesisError} when the store holds another chain
   * @throws {StateMismatchError} @throws {UnreadableBlockError} when it does not hold what was written there
   * @throws {CorruptRecordError} when it is not known what the signer has signed
   * @throws what `BlockStore.open` throws
   */
  static async open(init: EnergyChainInit): Promise<EnergyChain> {
    const limits = chainLimits(init.limits ?? {})
    const rules = poaRules(init.consensus)
    const options = checkpointOptions(init.checkpoints)
    const store = await openStore(init)
    try {
      const { genesis, registry = defaultRegistry } = init
      const checkpoints = new Checkpoints({ store, rules, every: options.every })
      const opened = await openChain(store, { genesis, rules, registry, checkpoints })
      const lowest = await lowestOf(store)
      const identity = await openIdentity(init)
      return new EnergyChain({ ...opened, store, rules, limits, checkpoints, options, lowest, identity }, init)
    } catch (err) {
      await store.close()
      throw err
    }
  }

  /** The best block there is. */
  get head(): ChainTip {
    return this.backend.tip()
  }

  /** The newest block that can no longer be reverted. */
  get finalised(): ChainTip {
    return this.backend.finalised()
  }

  /** Begins to take transactions and, with a signer, to make blocks. Blocks are imported before, too. */
  async start(): Promise<void> {
    if (this.#stopping !== undefined) throw new ChainStoppedError()
    this.#starting ??= this.#begin()
    return this.#starting
  }

  /** Ends all of it, and closes the store: no timer is left. Again is the same. To go on, open it anew. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#end()
    return this.#stopping
  }

  /**
   * Judges a block and, where it is good, puts it in its place. Blocks are taken one at a time, in the order in which they
   * come; an abort counts while it waits. A refusal is of the block, an error says nothing of it. Bytes that are handed
   * over must not change until it resolves.
   *
   * @throws {ImportQueueFullError} @throws {SideBlocksFullError} @throws {VerifyFailedError}
   * @throws {ChainStoppedError} @throws {ChainFailedError}
   */
  async importBlock(block: Uint8Array, { signal }: AbortOptions = {}): Promise<ImportOutcome> {
    if (this.#stopping !== undefined) throw new ChainStoppedError()
    this.#observe(block)
    return this.#import(block, signal)
  }

  /** Looks at a block that is to be imported next, while another one is: its signatures need no state. */
  prepareBlock(block: Uint8Array): void {
    if (this.#stopping === undefined) this.#checks.prepare(block)
  }

  /** What is held beside the blocks. */
  stats(): EnergyChainStats {
    return {
      sideBlocks: this.#sides.size,
      sideBytes: this.#sides.bytes,
      queuedBlocks: this.#queue.size,
      earlyBlocks: this.#early.size,
      marks: this.#marks.size,
    }
  }

  async #begin(): Promise<void> {
    await this.mempool.start()
    await this.engine.start()
  }

  async #end(): Promise<void> {
    this.#early.close()
    this.#queue.refuseWaiting()
    await this.#starting?.catch(() => undefined)
    await endAll(
      // It may have signed a block, which still comes in.
      () => this.engine.stop(),
      () => this.#verifier.close(),
      () => this.#queue.close(),
      () => this.mempool.stop(),
      () => this.#checkpoints.clear(),
      () => this.#store.close(),
    )
  }

  async #import(block: Uint8Array, signal?: AbortSignal): Promise<ImportOutcome> {
    const prepare = (): void => this.#checks.prepare(block)
    return this.#queue.run(block.byteLength, async () => this.#importer.import(block), { signal, prepare })
  }

  /** What comes past the engine is evidence as well, whether the block is good or not. */
  #observe(block: Uint8Array): void {
    try {
      this.engine.observe(this.headers.ofBlock(block))
    } catch {
      // No block: the import says so.
    }
  }

  /** Nobody waits for what comes of it. */
  #offer(block: Uint8Array): void {
    this.#import(block).catch(() => undefined)
  }

  #tell({ blocks, reorg, head, final }: Moved): void {
    for (const block of blocks) this.safeDispatchEvent('chain:block', { detail: block })
    if (reorg !== undefined) this.safeDispatchEvent('chain:reorg', { detail: reorg })
    const { height, hash } = head.facts
    this.safeDispatchEvent('chain:head', { detail: { height, hash } })
    if (final !== undefined) this.safeDispatchEvent('chain:final', { detail: final })
  }
}

/** All that is kept descends from the newest final block. */
function rated({ facts: { height, hash, timeMs }, standing }: ChainBlock): Parameters<PoaRules['better']>[0] {
  return { height, hash, timeMs, standing, isFinalisedBranch: true }
}

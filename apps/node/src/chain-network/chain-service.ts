import { join } from 'node:path'
import { BlockServer, BlockSync, type BlockSyncInit } from '@gridmesh/block-sync'
import type { PoaInit, PoaRulesInit } from '@gridmesh/consensus'
import type { ChainTip, Handshake, Messages } from '@gridmesh/interfaces'
import type { Genesis as LedgerGenesis, LedgerSigner } from '@gridmesh/ledger'
import type { AddResult } from '@gridmesh/mempool'
import type { AbortOptions, ComponentLogger, Logger } from '@libp2p/interface'
import { endAll } from '../end-all.ts'
import { EnergyChain } from '../chain/energy-chain.ts'
import type { EnergyChainInit } from '../chain/init.ts'
import type { VerifyClaims } from '../chain/verifier.ts'
import { ChainMessages } from './chain-messages.ts'
import { type ChainMeters, ChainMetrics } from './chain-metrics.ts'
import { ChainPeers, type ChainPeersParts } from './chain-peers.ts'
import { tellChain } from './chain-log.ts'
import { statusKind } from './kinds.ts'
import { MempoolFile } from './mempool-file.ts'
import type { NodeChain } from './node-chain.ts'
import { peerRequests } from './peer-requests.ts'
import { Readiness } from './readiness.ts'
import { Reannouncer } from './reannouncer.ts'
import { ledgerReader } from './reader.ts'
import { StatusTeller } from './status-teller.ts'
import { type NodeVerifier, nodeVerifier } from './verify.ts'

/** Blocks that a peer has to be ahead for a sync to begin by itself; whoever misses one learns it by the next one. */
const DEFAULT_BEHIND = 3
/** Wait before a claim that nothing came of is looked at again, in ms; whoever missed a block makes its own branch meanwhile. */
const RETRY_MS = 2_000
const MAX_RETRY_MS = 30_000

/** What a chain on a network is made of. */
export interface ChainServiceInit {
  /** Name of the chain. */
  name: string
  genesis: LedgerGenesis
  /** Directory of all that the chain keeps, made where it is not there. Either this or a store in `parts`. */
  directory?: string
  /** Goes to the chain as it is: where it keeps what it has in the place of a directory, and bounds. @default none */
  parts?: ChainParts
  /** Of an authority. @default none: the node makes no blocks */
  signer?: LedgerSigner | undefined
  /** Rules of the consensus, the same on every node of the chain. */
  consensus?: PoaRulesInit & PoaInit
  /** Threads that check signatures; 0 checks on the event loop. */
  verifyThreads: number
  /** Blocks that peers have to be ahead for a state to be fetched in the place of blocks. @default none is */
  checkpointBehind?: number | undefined
  /** When a sync begins by itself, and how much it asks for at once. @default more than 3 blocks, and 100 */
  catchUp?: Pick<BlockSyncInit, 'behind' | 'rangeBlocks'>
  /** Checks signatures on the event loop. @default libsodium */
  verify?: VerifyClaims
  messages: Messages
  handshake: Pick<Handshake, 'capabilities' | 'setStatus'>
  peerManager: ChainPeersParts['peerManager']
  metrics: ChainMeters
  logger: ComponentLogger
}

/** What a chain may be given beside a network. */
export type ChainParts = Pick<
  EnergyChainInit,
  'store' | 'record' | 'mempoolLog' | 'limits' | 'mempool' | 'registry' | 'checkpoints' | 'ownerIndex'
>

interface Opened {
  chain: EnergyChain
  verifier: NodeVerifier
  mempoolFile: MempoolFile | undefined
}

/** The energy chain of a node, joined to its network. */
export class ChainService implements NodeChain {
  readonly name: string
  readonly zones: readonly string[]
  readonly chain: EnergyChain
  readonly sync: BlockSync
  readonly #init: ChainServiceInit
  readonly #opened: Opened
  readonly #log: Logger
  readonly #server: BlockServer
  readonly #peers: ChainPeers
  readonly #teller: StatusTeller
  readonly #messages: ChainMessages
  readonly #readiness: Readiness
  readonly #reannouncer: Reannouncer
  #failure: Error | undefined
  #starting: Promise<void> | undefined
  #quieting: Promise<void> | undefined

  private constructor(init: ChainServiceInit, opened: Opened) {
    const { chain, verifier } = opened
    const { messages, peerManager, handshake, logger } = init
    this.#init = init
    this.#opened = opened
    this.name = init.name
    this.zones = init.genesis.zones.map(({ name }) => name)
    this.chain = chain
    this.#log = logger.forComponent('gridmesh:chain')
    const reader = ledgerReader(verifier.verify, chain.registry)
    this.#server = new BlockServer({ chain: chain.backend, reader, state: chain.stateReader })
    this.#teller = new StatusTeller({
      peers: () => this.#peers.ids(),
      send: async (peer, signal) => void (await messages.send(peer, statusKind, this.#server.status(), { signal })),
    })
    this.#peers = new ChainPeers({
      peerManager,
      handshake,
      onReady: (peer) => this.#teller.add(peer),
      onGone: (peer) => this.#teller.forget(peer),
    })
    const requests = peerRequests(messages)
    const { backend, stateTarget: state, history } = chain
    const prepare = (block: Uint8Array): void => chain.prepareBlock(block)
    const ports = { chain: backend, reader, peers: this.#peers, requests, state, history, prepare }
    const { checkpointBehind = Infinity, catchUp } = init
    const waits = { retryMs: RETRY_MS, maxRetryMs: MAX_RETRY_MS }
    this.sync = new BlockSync(ports, { behind: DEFAULT_BEHIND, ...catchUp, checkpointBehind, ...waits })
    this.#readiness = new Readiness(this.sync, chain, this.#peers)
    const metrics = new ChainMetrics(chain, init.metrics)
    this.#messages = new ChainMessages({
      messages,
      chain,
      sync: this.sync,
      server: this.#server,
      peers: this.#peers,
      onRefused: (code) => metrics.refused(code),
      log: this.#log,
    })
    this.#reannouncer = new Reannouncer({
      own: () => chain.mempool.local(),
      hasPeers: () => this.#peers.ids().length > 0,
      announce: (own) => this.#announce(own),
    })
    this.#listen(metrics)
  }

  /**
   * Opens the chain that is kept in a directory, or begins it there. Nothing is said or heard before `start`.
   * @throws what `EnergyChain.open` throws
   */
  static async open(init: ChainServiceInit): Promise<ChainService> {
    const { directory, genesis, signer, consensus = {}, parts = {} } = init
    const verifier = nodeVerifier(init.verifyThreads, init.verify)
    const mempoolFile = directory === undefined ? undefined : new MempoolFile(join(directory, 'mempool.log'))
    let service: ChainService | undefined
    try {
      const chain = await EnergyChain.open({
        ...parts,
        ...(directory !== undefined && { directory }),
        ...(mempoolFile !== undefined && { mempoolLog: mempoolFile }),
        genesis,
        consensus,
        verify: verifier.verify,
        ...(signer !== undefined && { signer }),
        network: {
          async publish(kind, bytes) {
            if (service !== undefined) await service.#messages.publish(kind, bytes)
          },
        },
        isReady: () => service?.isReady ?? false,
      })
      service = new ChainService(init, { chain, verifier, mempoolFile })
      return service
    } catch (err) {
      await verifier.stop()
      throw err
    }
  }

  get failure(): Error | undefined {
    return this.#failure
  }

  /** Where the chain is, for the handshake. */
  get head(): ChainTip {
    return this.chain.head
  }

  /** Whether the node has caught up, as far as it knows, and may make blocks: not when it is to be quiet. */
  get isReady(): boolean {
    return this.#failure === undefined && this.#quieting === undefined && this.#readiness.isReady()
  }

  /** Joins the network, which has to be there; once it has been told to be quiet it does nothing. */
  async start(): Promise<void> {
    if (this.#quieting !== undefined) return
    this.#starting ??= this.#start()
    await this.#starting
  }

  async submit(bytes: Uint8Array, { signal }: AbortOptions = {}): Promise<AddResult> {
    if (this.#failure !== undefined) throw this.#failure
    const result = await this.chain.mempool.add(bytes, { signal, isLocal: true })
    if (result.status !== 'refused') this.#announce(bytes)
    return result
  }

  /** Takes and makes nothing any more. A block of our own that is signed still goes out, so the network has to be there. */
  async quiet(): Promise<void> {
    this.#quieting ??= this.#quiet()
    return this.#quieting
  }

  /** Closes all that is open; no timer or thread is left. */
  async close(): Promise<void> {
    const { verifier, mempoolFile } = this.#opened
    await endAll(
      () => this.quiet(),
      () => this.chain.stop(),
      () => verifier.stop(),
      () => mempoolFile?.close(),
    )
  }

  /**
   * Nobody waits for it to be sent: it is the mempool's by now, which bounds how many there are, and what came to nothing
   * is announced again.
   */
  #announce(transaction: Uint8Array): void {
    this.#messages
      .publishTransaction(transaction)
      .catch((err: unknown) => this.#log.error('a transaction was not passed on: %e', err))
  }

  async #start(): Promise<void> {
    this.#messages.start()
    this.#peers.start()
    this.#readiness.start()
    await this.chain.start()
    // What the mempool had kept may take seconds to read, and whoever waits for this to be quiet waits for nothing more.
    if (this.#quieting !== undefined) return
    this.sync.start()
    this.#reannouncer.start()
  }

  async #quiet(): Promise<void> {
    this.#messages.stop()
    this.#reannouncer.stop()
    this.#teller.stop()
    // It would start the engine after we have stopped it. Whether it failed is told to whoever started.
    await this.#starting?.catch(() => undefined)
    await Promise.all([this.sync.stop(), this.chain.engine.stop()])
    this.#peers.stop()
  }

  #listen(metrics: ChainMetrics): void {
    const { handshake } = this.#init
    this.chain.addEventListener('chain:head', ({ detail: { height, hash } }) => {
      handshake.setStatus({ height, tipHash: hash })
      this.#teller.changed()
    })
    this.chain.addEventListener('chain:failed', ({ detail }) => this.#fail(detail))
    this.sync.addEventListener('sync:peer', ({ detail }) => {
      if (detail.notice === 'reported') metrics.refused(detail.offence)
    })
    tellChain(this.#log, this)
    handshake.setStatus({ height: this.head.height, tipHash: this.head.hash })
  }

  /** The chain is of no use until it is opened anew; the rest of the node goes on. */
  #fail(error: Error): void {
    this.#failure = error
    this.#log.error('the chain has failed, and takes part in nothing until the node is started anew: %e', error)
    void this.#quietOrTell()
  }

  async #quietOrTell(): Promise<void> {
    try {
      await this.quiet()
    } catch (err) {
      this.#log.error('the chain did not get quiet: %e', err)
    }
  }
}

import { join } from 'node:path'
import { signerOf } from '@gridmesh/ledger'
import type { ComponentLogger, Ed25519PrivateKey, Libp2p, Metrics } from '@libp2p/interface'
import { openProblem } from '../chain/unusable.ts'
import type { NodeConfig } from '../config/schema.ts'
import { NoChainInGenesisError } from '../errors.ts'
import type { Genesis } from '../genesis.ts'
import type { NodeServices } from '../modules.ts'
import { AUTHORITY_ROLE } from './authority-role.ts'
import { rulesOf } from './chain-rules.ts'
import { ChainService } from './chain-service.ts'

const SEED_BYTES = 32

/** Of what a node is made that keeps a chain. */
export interface OpenNodeChainInit {
  config: NodeConfig
  genesis: Genesis
  privateKey: Ed25519PrivateKey
  libp2p: Libp2p<NodeServices>
  metrics: Metrics
  log: ComponentLogger
}

/**
 * Opens the chain of a node, where its configuration asks for one.
 * @throws {NoChainInGenesisError} when the genesis file has none
 * @throws {UnusableFileError} when the directory holds another chain, a broken one, or one that is in use
 */
export async function openNodeChain(init: OpenNodeChainInit): Promise<ChainService | undefined> {
  const { config, genesis, privateKey, libp2p, metrics, log } = init
  const { enabled, verifyThreads, syncBehind: behind, syncBatch: rangeBlocks } = config.chain
  const { checkpointEvery: every, checkpointBehind, checkpoint: trusted, ownerIndex } = config.chain
  if (!enabled) return undefined
  if (genesis.ledger === undefined) throw new NoChainInGenesisError(config.genesis)
  const { timeMs } = genesis.ledger
  if (timeMs > Date.now()) {
    const begins = new Date(timeMs).toISOString()
    log.forComponent('gridmesh:chain')(
      'the genesis file has the chain begin at %s: before that no block is made',
      begins,
    )
  }
  const { messages, handshake, peerManager } = libp2p.services
  const directory = join(config.dataDir, 'chain')
  const opening = ChainService.open({
    name: genesis.chainId,
    genesis: genesis.ledger,
    directory,
    // Whether the key is that of an authority the state says, block by block.
    signer: config.role === AUTHORITY_ROLE ? signerOf(privateKey.raw.subarray(0, SEED_BYTES)) : undefined,
    consensus: rulesOf(config.chain),
    verifyThreads,
    parts: { checkpoints: { every, ...(trusted !== undefined && { trusted }) }, ownerIndex },
    checkpointBehind,
    catchUp: { behind, rangeBlocks },
    messages,
    handshake,
    peerManager,
    metrics,
    logger: log,
  })
  return opening.catch((cause: unknown) => {
    throw openProblem(directory, cause)
  })
}

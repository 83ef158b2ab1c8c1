import { join } from 'node:path'
import type { ImportOutcome } from '@gridmesh/interfaces'
import { EnergyChain } from '../chain/energy-chain.ts'
import { openProblem } from '../chain/unusable.ts'
import { rulesOf } from '../chain-network/chain-rules.ts'
import { nodeVerifier } from '../chain-network/verify.ts'
import type { NodeConfig } from '../config/schema.ts'
import { NoChainInGenesisError, UnusableFileError } from '../errors.ts'
import { readGenesis } from '../genesis.ts'
import type { BlockFileReader } from './block-file.ts'

/** What became of a file of blocks. */
export interface ImportReport {
  imported: number
  /** Blocks that were there already. */
  known: number
  height: number
  hash: string
  /** Why it ended before the end of the file; `null` where it did not. */
  fault: string | null
}

/**
 * Imports blocks into the chain in the data directory of a node that does not run, each validated as if a peer had sent
 * it, until one is wrong or the file ends. What was imported before stays.
 *
 * @throws {UnusableFileError} when the chain cannot be opened or written, or the file is of another one
 * @throws {NoChainInGenesisError}
 */
export async function importBlocks(
  config: NodeConfig,
  file: BlockFileReader,
  onBlock: (offset: number) => void = () => {},
): Promise<ImportReport> {
  const verifier = nodeVerifier(config.chain.verifyThreads)
  try {
    const chain = await openOffline(config, verifier.verify)
    try {
      if (chain.chainId !== file.chainId) {
        const why = `its blocks are of chain ${file.chainId}, and the genesis file makes chain ${chain.chainId}`
        throw new UnusableFileError('block file', file.path, why)
      }
      return await importAll(chain, file, onBlock).catch((cause: unknown) => {
        throw openProblem(chainDirectory(config), cause)
      })
    } finally {
      await chain.stop()
    }
  } finally {
    await verifier.stop()
  }
}

/** Opens the chain of a node that does not run, without its key: nothing is signed. */
async function openOffline(
  config: NodeConfig,
  verify: ReturnType<typeof nodeVerifier>['verify'],
): Promise<EnergyChain> {
  const { ledger } = await readGenesis(config.genesis)
  if (ledger === undefined) throw new NoChainInGenesisError(config.genesis)
  const directory = chainDirectory(config)
  const consensus = rulesOf(config.chain)
  // As the node has it: an index that is not asked for would be deleted.
  const { ownerIndex } = config.chain
  try {
    return await EnergyChain.open({ directory, genesis: ledger, consensus, verify, ownerIndex })
  } catch (cause) {
    throw openProblem(directory, cause)
  }
}

function chainDirectory({ dataDir }: NodeConfig): string {
  return join(dataDir, 'chain')
}

async function importAll(
  chain: EnergyChain,
  file: BlockFileReader,
  onBlock: (offset: number) => void,
): Promise<ImportReport> {
  const report = { imported: 0, known: 0 }
  let fault: string | undefined
  for (;;) {
    const at = file.offset
    const block = await file.next().catch((err: unknown) => {
      if (!(err instanceof Error) || err.name !== 'BlockFileError') throw err
      fault = err.message
    })
    if (block === undefined) break
    const outcome = await chain.importBlock(block)
    if (outcome.status !== 'imported' && outcome.status !== 'known') {
      fault = `At byte ${at}: ${faultOf(outcome)}`
      break
    }
    report[outcome.status] += 1
    onBlock(file.offset)
  }
  return { ...report, ...chain.head, fault: fault ?? null }
}

function faultOf(outcome: Extract<ImportOutcome, { status: 'unknown-parent' | 'refused' }>): string {
  if (outcome.status === 'refused') return `the block is refused: ${outcome.code}: ${outcome.message}`
  return `the block builds on ${outcome.parent}, which is not here; import the blocks before it first`
}

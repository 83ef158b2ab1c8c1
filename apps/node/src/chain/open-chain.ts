import type { BlockStore } from '@gridmesh/block-store'
import {
  authorityList,
  buildGenesis,
  chainIdOf,
  decodeHeader,
  encodeBlock,
  type Genesis,
  type GenesisBlock,
  type Registry,
  toHex,
} from '@gridmesh/ledger'
import { AuthorityHistory } from './authorities.ts'
import { decodeRecord } from './block-record.ts'
import { type ChainBlock, type ChainRules, factsOf } from './chain-block.ts'
import type { Checkpoints } from './checkpoints/checkpoints.ts'
import { dropPassed } from './checkpoints/stage-name.ts'
import { UnreadableBlockError, WrongGenesisError } from './errors.ts'
import { MainChain } from './main-chain.ts'
import { readState } from './read-state.ts'
import { storedBlock } from './stored-block.ts'

/** By what a chain is opened. */
export interface OpenChainInit {
  /** What the chain begins with. */
  genesis: Genesis
  rules: ChainRules
  registry: Registry
  checkpoints: Checkpoints
}

/** A chain as it was opened, with the block that it began with. */
export interface OpenedChain {
  main: MainChain
  genesis: GenesisBlock
}

/**
 * Makes a chain of a store: writes genesis where it is empty, and builds the tree over its state.
 *
 * @throws {WrongGenesisError} when the store holds another chain
 * @throws {StateMismatchError} when its state is not that of its tip
 * @throws {UnreadableBlockError} @throws {CorruptStoreError}
 */
export async function openChain(store: BlockStore, init: OpenChainInit): Promise<OpenedChain> {
  const { rules, registry, checkpoints } = init
  const genesis = buildGenesis(init.genesis)
  const isNew = store.tip === undefined
  if (isNew) await writeGenesis(store, genesis, rules)
  const tip = await readTip(store, genesis)
  const { tree } = isNew ? genesis : await readState(store.entries(), tip.header)
  const history = await readHistory(store, tip)
  const finalised = store.finalised ?? 0
  const stored = await store.header(finalised)
  if (stored === undefined) throw new UnreadableBlockError(finalised, 'it is not there')
  const main = new MainChain({
    store,
    tree,
    rules,
    registry,
    checkpoints,
    history,
    tip,
    finalised: { height: finalised, hash: toHex(stored.hash) },
  })
  // Where the process died between a block and what it made final.
  await main.finalise()
  await dropPassed(store, main.finalised.height)
  return { main, genesis }
}

async function writeGenesis(store: BlockStore, { block, changes }: GenesisBlock, rules: ChainRules): Promise<void> {
  const standing = rules.begin(factsOf(block.header))
  await store.append(storedBlock({ block, bytes: encodeBlock(block) }, { standing, changedAt: 0 }), changes)
}

async function readTip(store: BlockStore, genesis: GenesisBlock): Promise<ChainBlock> {
  const height = store.tip?.height ?? 0
  const stored = await store.header(height)
  if (stored === undefined) throw new UnreadableBlockError(height, 'it is not there')
  const { header: bytes, standing, changedAt, former } = decodeRecord(height, stored.header)
  const header = decodeHeader(bytes)
  const [expected, received] = [toHex(genesis.chainId), toHex(chainIdOf(header))]
  if (expected !== received) throw new WrongGenesisError(expected, received)
  const list = await store.get(authorityList.key())
  const authorities = list === undefined ? [] : authorityList.parse(list).map(toHex)
  return { header, facts: factsOf(header), standing, changedAt, former, authorities }
}

async function readHistory(store: BlockStore, tip: ChainBlock): Promise<AuthorityHistory> {
  const history = new AuthorityHistory(tip.authorities)
  const first = (store.finalised ?? 0) + 1
  // Nothing above the newest change has changed them.
  for (let height = first; height <= tip.changedAt; height++) {
    const stored = await store.header(height)
    if (stored === undefined) throw new UnreadableBlockError(height, 'it is not there')
    const { changedAt, former } = decodeRecord(height, stored.header)
    if (changedAt === height && former !== undefined) history.restore(height, former)
  }
  return history
}

import type { BlockStore } from '@gridmesh/block-store'
import {
  authorityList,
  buildGenesis,
  type Change,
  chainIdOf,
  decodeHeader,
  encodeBlock,
  type GenesisBlock,
  parseGenesis,
  type Registry,
  StateTree,
  toHex,
} from '@gridmesh/ledger'
import { AuthorityHistory } from './authorities.ts'
import { decodeRecord, encodeRecord } from './block-record.ts'
import { type ChainBlock, type ChainRules, factsOf } from './chain-block.ts'
import { StateMismatchError, UnreadableBlockError, WrongGenesisError } from './errors.ts'
import { MainChain } from './main-chain.ts'

/** Entries that go into the tree at once. */
const TREE_BATCH = 4_096

/** By what a chain is opened. */
export interface OpenChainInit {
  /** Text of the ledger's genesis YAML. */
  genesis: string
  rules: ChainRules
  registry: Registry
}

/** A chain as it was opened, with the block that it began with. */
export interface OpenedChain {
  main: MainChain
  genesis: GenesisBlock
}

/**
 * Makes a chain of a store: writes genesis where it is empty, and builds the tree over its state.
 *
 * @throws {GenesisError} when the text is none
 * @throws {WrongGenesisError} when the store holds another chain
 * @throws {StateMismatchError} when its state is not that of its tip
 * @throws {UnreadableBlockError} @throws {CorruptStoreError}
 */
export async function openChain(store: BlockStore, init: OpenChainInit): Promise<OpenedChain> {
  const { rules, registry } = init
  const genesis = buildGenesis(parseGenesis(init.genesis))
  const isNew = store.tip === undefined
  if (isNew) await writeGenesis(store, genesis, rules)
  const tip = await readTip(store, genesis)
  const tree = isNew ? genesis.tree : await readTree(store, tip)
  const history = await readHistory(store, tip)
  const finalised = store.finalised ?? 0
  const stored = await store.header(finalised)
  if (stored === undefined) throw new UnreadableBlockError(finalised, 'it is not there')
  const main = new MainChain({
    store,
    tree,
    rules,
    registry,
    history,
    tip,
    finalised: { height: finalised, hash: toHex(stored.hash) },
  })
  // Where the process died between a block and what it made final.
  await main.finalise()
  return { main, genesis }
}

async function writeGenesis(store: BlockStore, { block, changes }: GenesisBlock, rules: ChainRules): Promise<void> {
  const { header } = block
  const standing = rules.begin(factsOf(header))
  const record = encodeRecord({ header: header.bytes, standing, changedAt: 0 })
  const body = encodeBlock(block).subarray(header.bytes.byteLength)
  const { height, hash, parent } = header
  await store.append({ height, hash, parent, header: record, body, transactions: [] }, changes)
}

async function readTip(store: BlockStore, genesis: GenesisBlock): Promise<ChainBlock> {
  const height = store.tip?.height ?? 0
  const stored = await store.header(height)
  if (stored === undefined) throw new UnreadableBlockError(height, 'it is not there')
  const { header: bytes, standing, changedAt } = decodeRecord(height, stored.header)
  const header = decodeHeader(bytes)
  const [expected, received] = [toHex(genesis.chainId), toHex(chainIdOf(header))]
  if (expected !== received) throw new WrongGenesisError(expected, received)
  const list = await store.get(authorityList.key())
  const authorities = list === undefined ? [] : authorityList.parse(list).map(toHex)
  return { header, facts: factsOf(header), standing, changedAt, authorities }
}

async function readTree(store: BlockStore, { header }: ChainBlock): Promise<StateTree> {
  const tree = new StateTree()
  let batch: Change[] = []
  for await (const [key, after] of store.entries()) {
    batch.push({ key, before: undefined, after })
    if (batch.length < TREE_BATCH) continue
    tree.apply(batch)
    batch = []
  }
  tree.apply(batch)
  const [expected, received] = [toHex(header.stateRoot), toHex(tree.root)]
  if (expected !== received) throw new StateMismatchError(header.height, expected, received)
  return tree
}

async function readHistory(store: BlockStore, tip: ChainBlock): Promise<AuthorityHistory> {
  const history = new AuthorityHistory(tip.authorities)
  const first = (store.finalised ?? 0) + 1
  // Nothing above the newest change has changed them.
  for (let height = first; height <= tip.changedAt; height++) {
    const stored = await store.header(height)
    if (stored === undefined) throw new UnreadableBlockError(height, 'it is not there')
    const { former } = decodeRecord(height, stored.header)
    if (former !== undefined) history.restore(height, former)
  }
  return history
}

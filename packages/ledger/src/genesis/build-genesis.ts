import type { Block } from '../blocks/block.ts'
import { unsignedHeader } from '../blocks/header.ts'
import { HASH_BYTES, PUBLIC_KEY_BYTES } from '../constants.ts'
import { addressOf } from '../crypto/sha256.ts'
import { sumOf } from '../state/amounts.ts'
import { addAuthority } from '../state/authorities.ts'
import { chainName } from '../state/chain-name.ts'
import { meters, zones } from '../state/meters.ts'
import { ASSETS, outputId, outputs } from '../state/outputs.ts'
import { Overlay } from '../state/overlay.ts'
import { type Change, MemoryState } from '../state/state-view.ts'
import { moveSupply, supplies } from '../state/supplies.ts'
import { validators } from '../state/validators.ts'
import { StateTree } from '../tree/state-tree.ts'
import { txRoot } from '../tree/tx-root.ts'
import type { Genesis } from './parse-genesis.ts'

/** The first block of a chain, and its state. */
export interface GenesisBlock {
  block: Block
  /** Hash of the block, and so the id of the chain. */
  chainId: Uint8Array
  /** The whole state, as changes of an empty one. */
  changes: Change[]
  /** The tree over it. */
  tree: StateTree
}

/** Makes the first block, whose proposer, parent and chain id are zeros, and which nobody signs. */
export function buildGenesis(genesis: Genesis): GenesisBlock {
  const state = new Overlay(new MemoryState())
  fill(state, genesis)
  const changes = state.changes()
  const tree = new StateTree()
  tree.apply(changes)
  const header = unsignedHeader({
    chainId: new Uint8Array(HASH_BYTES),
    height: 0,
    parent: new Uint8Array(HASH_BYTES),
    timeMs: genesis.timeMs,
    kind: 'genesis',
    proposer: new Uint8Array(PUBLIC_KEY_BYTES),
    txRoot: txRoot([]),
    stateRoot: tree.root,
    gridSequence: 0,
  })
  return { block: { header, transactions: [] }, chainId: header.hash, changes, tree }
}

function fill(state: Overlay, genesis: Genesis): void {
  const unread = { producedWh: 0, consumedWh: 0 }
  chainName.put(state, undefined, genesis.name)
  for (const asset of ASSETS) supplies.put(state, asset, { minted: 0, burned: 0 })
  for (const { zone, name } of genesis.zones) zones.put(state, zone, { name, ...unread })
  for (const authority of genesis.authorities) addAuthority(state, authority)
  for (const validator of genesis.validators) validators.put(state, addressOf(validator.publicKey), validator)
  for (const { name, zone, owner } of genesis.meters) meters.put(state, name, { zone, owner, sequence: 0, ...unread })
  for (const [i, output] of genesis.tender.entries()) {
    outputs.create(state, outputId(new Uint8Array(HASH_BYTES), i), { asset: 'thb', ...output })
  }
  moveSupply(state, 'thb', { minted: sumOf(genesis.tender), burned: 0 })
}

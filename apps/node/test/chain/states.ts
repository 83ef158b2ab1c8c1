import { type KeyValueStore } from '@gridmesh/block-store'
import type { Refusal, StateImport } from '@gridmesh/block-sync'
import { decodeHeader, toHex } from '@gridmesh/ledger'
import type { EnergyChain } from '../../src/chain/energy-chain.ts'
import type { EnergyChainInit } from '../../src/chain/init.ts'
import { at, genesisOf, grow, offer, opened, payment, RULES } from './chains.ts'

export const NEVER = { signal: new AbortController().signal }

/** A chain of so many blocks, each with one payment, that gives its state after every fifth. */
export async function chainOf(blocks: number, init: Partial<EnergyChainInit> = {}): Promise<EnergyChain> {
  const chain = await opened({ checkpoints: { every: 5 }, ...init })
  await chain.start()
  await growBy(chain, blocks)
  return chain
}

export async function growBy(chain: EnergyChain, blocks: number): Promise<void> {
  for (let i = 0; i < blocks; i++) {
    await offer(chain, payment(chain, chain.head.height))
    await grow(chain, 0, 1_000)
  }
}

export async function blockOf(chain: EnergyChain, hash: string): Promise<Uint8Array> {
  const [block] = await chain.backend.blocks([hash])
  if (block === undefined) throw new RangeError(`no block ${hash}`)
  return block
}

/** The root that the header of the head states. */
export async function rootOf(chain: EnergyChain): Promise<string> {
  const [header = new Uint8Array()] = await chain.backend.headers(chain.head.height, 1)
  return toHex(decodeHeader(header).stateRoot)
}

export async function pieceOf(chain: EnergyChain, piece: number, pieces: number): Promise<Uint8Array | undefined> {
  const block = chain.stateReader.checkpoint()
  return block === undefined ? undefined : chain.stateReader.piece({ block, piece, pieces }, NEVER)
}

/** Takes the state at the checkpoint of another chain, piece by piece, in an order. */
export async function take(chain: EnergyChain, from: EnergyChain, order?: readonly number[]): Promise<void> {
  const state = await begin(chain, from)
  const missing = order ?? Array.from({ length: state.pieces }, (_, i) => i)
  for (const piece of missing) {
    if (state.kept.includes(piece)) continue
    const refusal = await add(state, piece, await pieceOf(from, piece, state.pieces))
    if (refusal !== undefined) throw new RangeError(refusal.code)
  }
  await state.finish(NEVER)
}

/** Hands over one piece; gives why it is refused. */
export async function add(
  state: StateImport,
  piece: number,
  bytes: Uint8Array = new Uint8Array(),
): Promise<Refusal | undefined> {
  const [refusal] = await state.add([{ piece, bytes }], NEVER)
  return refusal
}

export async function begin(chain: EnergyChain, from: EnergyChain): Promise<StateImport> {
  const { hash } = from.stateReader.checkpoint() ?? from.head
  return chain.stateTarget.begin(await blockOf(from, hash), NEVER)
}

export const openOver = async (store: KeyValueStore, pieces: number): Promise<EnergyChain> =>
  opened({ store, genesis: genesisOf(), consensus: RULES, checkpoints: { pieces } })

export async function heightOf(chain: EnergyChain, height: number): Promise<Uint8Array> {
  return blockOf(chain, chain.headers.decode(at(await chain.backend.headers(height, 1), 0)).hash)
}

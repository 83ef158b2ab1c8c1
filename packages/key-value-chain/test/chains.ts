import { BlockStore, type KeyValueStore, memoryStore } from '@gridmesh/block-store'
import type { ImportOutcome } from '@gridmesh/interfaces'
import { type LedgerSigner, signerOf } from '@gridmesh/ledger'
import { onTestFinished } from 'vitest'
import {
  type Block,
  encodeBlock,
  type Genesis,
  type GenesisInit,
  type Header,
  KeyValueChain,
  type KeyValueChainInit,
  makeBlock,
  makeGenesis,
  type Operation,
  producerOf,
  signTransaction,
  type Transaction,
} from '../src/index.ts'

export const START_MS = Date.parse('2020-01-01T00:00:00Z')
/** The first two make blocks, the others are users. */
export const people = Array.from({ length: 5 }, (_, i) => signerOf(new Uint8Array(32).fill(i + 1)))
export const [ANN, BEN] = [2, 3] as const

export function at<T>(items: readonly T[], index: number): T {
  const item = items[index]
  if (item === undefined) throw new RangeError(`no item ${index} of ${items.length}`)
  return item
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

export function genesisOf(init: Partial<GenesisInit> = {}): Genesis {
  const producers = people.slice(0, 2).map(({ publicKey }) => publicKey)
  return makeGenesis({ name: 'test', startMs: START_MS, producers, finalDepth: 4, ...init })
}

export const GENESIS = genesisOf()

/** A chain that ends with the test. */
export async function opened(
  init: KeyValueChainInit = {},
  disk: KeyValueStore = memoryStore(),
  genesis: Genesis = GENESIS,
): Promise<KeyValueChain> {
  const store = await BlockStore.over(disk)
  const chain = await KeyValueChain.open({ store, genesis }, init)
  onTestFinished(async () => {
    await chain.close()
    await store.close()
  })
  return chain
}

/** Keys and values in words: `undefined` deletes. */
export function operationsOf(words: Readonly<Record<string, string | undefined>>): Operation[] {
  return Object.entries(words).map(([key, value]) =>
    value === undefined
      ? { type: 'delete', key: bytesOf(key) }
      : { type: 'set', key: bytesOf(key), value: bytesOf(value) },
  )
}

export function signed(
  who: number,
  nonce: number,
  words: Readonly<Record<string, string | undefined>>,
  chainId: Uint8Array = GENESIS.chainId,
): Transaction {
  return signTransaction({ chainId, signer: at(people, who), nonce, operations: operationsOf(words) })
}

/** Whose turn a slot is. */
export function signerOfSlot(slot: number, genesis: Genesis = GENESIS): LedgerSigner {
  const key = producerOf(genesis, slot)
  const signer = people.find(({ publicKey }) => key !== undefined && Buffer.compare(publicKey, key) === 0)
  if (signer === undefined) throw new RangeError(`nobody makes the block of slot ${slot}`)
  return signer
}

export function blockUpon(
  parent: Header,
  slot: number,
  transactions: readonly Transaction[] = [],
  genesis: Genesis = GENESIS,
): Block {
  return makeBlock({ genesis, parent, slot, transactions, signer: signerOfSlot(slot, genesis) })
}

/** A row of blocks, one in each `stride` slots. */
export function blocksUpon(
  parent: Header,
  count: number,
  { firstSlot, stride = 2 }: { firstSlot: number; stride?: number },
  transactionsOf: (index: number) => readonly Transaction[] = () => [],
  genesis: Genesis = GENESIS,
): Block[] {
  const blocks: Block[] = []
  for (let i = 0; i < count; i++) {
    const before = blocks.at(-1)?.header ?? parent
    blocks.push(blockUpon(before, firstSlot + i * stride, transactionsOf(i), genesis))
  }
  return blocks
}

/** As one word: what came of an import, or the code of a refusal. */
export function wordOf(outcome: ImportOutcome): string {
  return outcome.status === 'refused' ? outcome.code : outcome.status
}

export async function importAll(chain: KeyValueChain, blocks: readonly Block[]): Promise<string[]> {
  const words: string[] = []
  for (const block of blocks) words.push(wordOf(await chain.importBlock(encodeBlock(block))))
  return words
}

export async function valuesOf(chain: KeyValueChain): Promise<Record<string, string>> {
  const values: Record<string, string> = {}
  for await (const [key, value] of chain.entries()) values[textOf(key)] = textOf(value)
  return values
}

import { type KeyValueStore, memoryStore } from '@gridmesh/block-store'
import type { BuiltBlock, Signer } from '@gridmesh/consensus'
import type { ImportOutcome } from '@gridmesh/interfaces'
import {
  audit,
  type BlockKind,
  decodeBlock,
  defaultRegistry,
  encodeBlock,
  type Entry,
  type HeaderFields,
  type Kind,
  type LedgerSigner,
  meterReading,
  outputId,
  signHeader,
  signTransaction,
  StateTree,
  tender,
  toHex,
  type Transaction,
  transfer,
  txRoot,
} from '@gridmesh/ledger'
import { onTestFinished } from 'vitest'
import { factsOf } from '../../src/chain/chain-block.ts'
import { EnergyChain } from '../../src/chain/energy-chain.ts'
import type { EnergyChainInit } from '../../src/chain/init.ts'
import { addressOfPerson, at, DAN, ERIN, GENESIS_MS, genesisOf, people, RULES } from './genesis.ts'

export * from './genesis.ts'

/** A chain that ends with the test. */
export async function opened(init: Partial<EnergyChainInit> = {}): Promise<EnergyChain> {
  const where = init.directory === undefined ? { store: memoryStore() } : {}
  const chain = await EnergyChain.open({ ...where, genesis: genesisOf(), consensus: RULES, ...init })
  onTestFinished(async () => chain.stop())
  return chain
}

/** As the consensus signs. */
export function consensusSigner(who: number): Signer {
  const signer = at(people, who)
  return {
    publicKey: signer.publicKey,
    address: toHex(addressOfPerson(who)),
    sign: (message) => signer.sign(message),
  }
}

/** Builds a block on the head of a chain, by whoever is told, some ms after the head; it is not imported. */
export async function buildOn(chain: EnergyChain, who = 0, afterMs = 10_000): Promise<BuiltBlock> {
  const parent = chain.consensus.head()
  const built = await chain.consensus.build({
    parent,
    timeMs: parent.header.timeMs + afterMs,
    allowEmpty: true,
    signer: consensusSigner(who),
    signal: new AbortController().signal,
  })
  if (built === undefined) throw new RangeError('nothing was built')
  return built
}

/** Builds a block and imports it. */
export async function grow(chain: EnergyChain, who = 0, afterMs = 10_000): Promise<BuiltBlock> {
  const built = await buildOn(chain, who, afterMs)
  const outcome = await chain.importBlock(built.bytes)
  if (outcome.status !== 'imported') throw new RangeError(JSON.stringify(outcome))
  return built
}

/** As one word: what came of an import, or the code of a refusal. */
export function wordOf(outcome: ImportOutcome): string {
  return outcome.status === 'refused' ? outcome.code : outcome.status
}

export function signed<Body>(
  chain: EnergyChain,
  who: number,
  kind: Kind<Body>,
  body: Body,
  nonce?: number,
): Transaction {
  const signer: LedgerSigner = at(people, who)
  const chainId = Buffer.from(chain.chainId, 'hex')
  return signTransaction(kind, body, { chainId, signer, ...(nonce !== undefined && { nonce }) })
}

/** Pays one of Dan's outputs of genesis on to Erin. */
export function payment(chain: EnergyChain, index: number): Transaction {
  const made = { asset: 'thb', amount: 100, owner: addressOfPerson(ERIN), zone: 1 } as const
  return signed(chain, DAN, transfer, { inputs: [outputId(new Uint8Array(32), index)], outputs: [made] })
}

export function reading(chain: EnergyChain, sequence: number, producedWh = 500, authority = 0): Transaction {
  const body = { meter: 'roof', zone: 1, sequence, timeMs: GENESIS_MS, producedWh, consumedWh: 0, inputs: [] }
  return signed(chain, authority, meterReading, body)
}

export function issue(chain: EnergyChain, nonce: number, amount = 7, authority = 0): Transaction {
  const made = { amount, zone: 1, owner: addressOfPerson(ERIN) }
  return signed(chain, authority, tender, { action: 'issue', outputs: [made] }, nonce)
}

/** Offers transactions to the mempool of a chain, which has to run. */
export async function offer(chain: EnergyChain, ...transactions: Transaction[]): Promise<string[]> {
  const results = await Promise.all(transactions.map(({ bytes }) => chain.mempool.add(bytes)))
  await chain.mempool.whenIdle()
  return results.map((result) => (result.status === 'refused' ? result.code : result.status))
}

export async function entriesOf(chain: EnergyChain): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const entry of chain.state.entries()) entries.push(entry)
  return entries
}

/** The state of a chain in a few words: all its entries by their root, recomputed, and whether the supply is exact. */
export async function stateOf(
  chain: EnergyChain,
): Promise<{ root: string; isExact: boolean; thb: bigint; energy: bigint }> {
  const entries = await entriesOf(chain)
  const { isExact, assets } = audit(entries)
  return {
    root: toHex(StateTree.from(entries).root),
    isExact,
    thb: assets.thb.held,
    energy: assets.energy.held,
  }
}

/** All that a key-value store does, but that it is dead after so many batches more; each begins when `before` is done. */
export function dying(
  disk: KeyValueStore,
  before: () => Promise<void> = async () => Promise.resolve(),
): { store: KeyValueStore; dieAfter: (batches: number) => void } {
  let left = Infinity
  const store: KeyValueStore = {
    get: (key) => disk.get(key),
    getMany: (keys) => disk.getMany(keys),
    iterator: (range) => disk.iterator(range),
    snapshot: () => disk.snapshot(),
    clear: (range, options) => disk.clear(range, options),
    close: () => disk.close(),
    async batch(operations, options) {
      await before()
      if (left-- <= 0) throw new TypeError('the disk is gone')
      await disk.batch(operations, options)
    },
  }
  return { store, dieAfter: (batches) => (left = batches) }
}

/** The same block with other fields in its header, signed by whoever is told. */
export function resealed(block: Uint8Array, fields: Partial<HeaderFields>, who: number): BuiltBlock {
  const { header, transactions } = decodeBlock(block, defaultRegistry)
  const sealed = signHeader({ ...header, ...fields }, at(people, who))
  return { header: factsOf(sealed), bytes: encodeBlock({ header: sealed, transactions }) }
}

/** Empty blocks, one upon the other, that only a branch makes valid: their state roots are whatever is told. */
export function emptyBranch(parent: BuiltBlock, count: number, stateRoot: Uint8Array, who: number): BuiltBlock[] {
  const { header } = decodeBlock(parent.bytes, defaultRegistry)
  const branch: BuiltBlock[] = []
  for (let i = 1; i <= count; i++) {
    const before = branch.at(-1)?.header ?? parent.header
    const sealed = signHeader(
      {
        ...header,
        height: before.height + 1,
        parent: Buffer.from(before.hash, 'hex'),
        timeMs: before.timeMs + 10_000,
        kind: 'energy',
        txRoot: txRoot([]),
        stateRoot,
        proposer: at(people, who).publicKey,
      },
      at(people, who),
    )
    branch.push({ header: factsOf(sealed), bytes: encodeBlock({ header: sealed, transactions: [] }) })
  }
  return branch
}

/** Whose turn a height is, of so many authorities. */
export function whoseTurn(height: number, authorities: number): number {
  const order = Array.from({ length: authorities }, (_, who) => ({ who, address: toHex(addressOfPerson(who)) }))
  return at(
    order.toSorted((a, b) => (a.address < b.address ? -1 : 1)),
    height % authorities,
  ).who
}

/** The same header over other transactions, signed by whoever is told; its state root is what it was. */
export function refilled(
  block: Uint8Array,
  transactions: readonly Transaction[],
  kind: BlockKind,
  who: number,
): BuiltBlock {
  const { header } = decodeBlock(block, defaultRegistry)
  const sealed = signHeader({ ...header, kind, txRoot: txRoot(transactions.map(({ id }) => id)) }, at(people, who))
  return { header: factsOf(sealed), bytes: encodeBlock({ header: sealed, transactions }) }
}

import { BlockStore, memoryStore } from '@gridmesh/block-store'
import {
  type ChainBackendBlock,
  type ChainBackendWorld,
  chainBackendConformance,
  type FalseBlock,
} from '@gridmesh/interfaces/conformance'
import { toHex } from '@gridmesh/ledger'
import { expect, it } from 'vitest'
import { type Block, encodeBlock, KeyValueChain, makeBlock, signHeader } from '../src/index.ts'
import { ANN, at, BEN, blocksUpon, blockUpon, GENESIS, genesisOf, signed, signerOfSlot } from './chains.ts'

const main = blocksUpon(GENESIS.header, 8, { firstSlot: 2 }, (i) => [
  signed(ANN, i, { counter: String(i), [`key ${i}`]: 'x' }),
])
const better = blocksUpon(at(main, 4).header, 5, { firstSlot: 13 }, (i) =>
  i === 0 ? [signed(ANN, 5, { counter: undefined })] : [signed(BEN, i - 1, { [`other ${i}`]: 'y' })],
)
const outdated = blocksUpon(GENESIS.header, 12, { firstSlot: 3 })

function refusedAfter(after: number): FalseBlock[] {
  const parent = at([{ header: GENESIS.header }, ...main], after).header
  const slot = 2 * after + 2
  const good = blockUpon(parent, slot, [signed(BEN, 0, { a: '1' })])
  const header = { ...good.header }
  const wrong: Record<string, Block> = {
    'a block out of turn': makeBlock({
      genesis: GENESIS,
      parent,
      slot,
      transactions: [],
      signer: signerOfSlot(slot + 1),
    }),
    'a block of a slot before': blockUpon(parent, parent.slot),
    'a height left out': { ...good, header: signHeader({ ...header, height: after + 2 }, signerOfSlot(slot)) },
    'a header that somebody else signed': { ...good, header: signHeader(header, signerOfSlot(slot + 1)) },
    'a block of another chain': makeBlock({
      genesis: genesisOf({ name: 'another' }),
      parent,
      slot,
      transactions: [],
      signer: signerOfSlot(slot),
    }),
    'another body': { ...good, transactions: [] },
    'a nonce left out': blockUpon(parent, slot, [signed(BEN, 1, { a: '1' })]),
    'a transaction of another chain': blockUpon(parent, slot, [
      signed(BEN, 0, { a: '1' }, genesisOf({ name: 'another' }).chainId),
    ]),
    'a transaction twice': blockUpon(parent, slot, [signed(BEN, 0, { a: '1' }), signed(BEN, 0, { a: '1' })]),
  }
  return Object.entries(wrong).map(([fault, block]) => ({ fault, after, bytes: encodeBlock(block) }))
}

function known({ header, transactions }: Block): ChainBackendBlock {
  const { height, hash, parent, bytes } = header
  return {
    height,
    hash: toHex(hash),
    parent: toHex(parent),
    header: bytes,
    bytes: encodeBlock({ header, transactions }),
  }
}

async function create(): Promise<ChainBackendWorld> {
  const disk = memoryStore()
  let store = await BlockStore.over(disk)
  let chain = await KeyValueChain.open({ store, genesis: GENESIS })
  const stop = async (): Promise<void> => {
    await chain.close()
    await store.close()
  }
  return {
    chain,
    main: main.map(known),
    better: better.map(known),
    outdated: outdated.map(known),
    refused: [0, 1, 7].flatMap(refusedAfter),
    stop,
    reopen: async () => {
      // The store it had is left as it was.
      store = await BlockStore.over(disk)
      chain = await KeyValueChain.open({ store, genesis: GENESIS })
      return chain
    },
  }
}

it.each(chainBackendConformance({ create }).map(({ name, run }) => [name, run] as const))('%s', async (_, run) => {
  await expect(run()).resolves.toBeUndefined()
})

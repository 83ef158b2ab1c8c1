import { memoryStore } from '@gridmesh/block-store'
import type { BuiltBlock } from '@gridmesh/consensus'
import {
  type ChainBackendBlock,
  type ChainBackendWorld,
  chainBackendConformance,
  type FalseBlock,
} from '@gridmesh/interfaces/conformance'
import { decodeBlock, defaultRegistry } from '@gridmesh/ledger'
import { beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { EnergyChain } from '../../src/chain/energy-chain.ts'
import { buildOn, genesisOf, GENESIS_MS, grow, issue, offer, payment, resealed, RULES } from './chains.ts'

/** Blocks that come in turn are votes, and make others final; those that come later are not. */
const IN_TURN_MS = 500
const LATE_MS = 10_000
/** Of one authority, which is in turn whenever it is not late. */
const genesis = genesisOf(1)

let main: BuiltBlock[]
let better: BuiltBlock[]
let outdated: BuiltBlock[]
let refused: FalseBlock[]

const faked = { toFake: ['Date'], now: GENESIS_MS + 10_000_000 } satisfies Parameters<typeof vi.useFakeTimers>[0]

beforeEach(() => {
  vi.useFakeTimers(faked)
  return () => vi.useRealTimers()
})

beforeAll(async () => {
  vi.useFakeTimers(faked)
  main = await grown([], async (chain) => {
    await chain.start()
    await offer(chain, payment(chain, 0), issue(chain, 0))
    return [...(await growBy(chain, 4, IN_TURN_MS)), ...(await growBy(chain, 4, LATE_MS))]
  })
  better = await grown(main.slice(0, 5), async (chain) => growBy(chain, 5, LATE_MS + 1_000))
  outdated = await grown([], async (chain) => growBy(chain, 12, LATE_MS + 1_000))
  refused = [...(await refusedAfter(0)), ...(await refusedAfter(3))]
  vi.useRealTimers()
})

const open = async (store = memoryStore()): Promise<EnergyChain> =>
  EnergyChain.open({ store, genesis, consensus: RULES })

/** What is made upon some blocks, by a chain of its own. */
async function grown<T>(blocks: readonly BuiltBlock[], work: (chain: EnergyChain) => Promise<T>): Promise<T> {
  const chain = await open()
  try {
    for (const { bytes } of blocks) await chain.importBlock(bytes)
    return await work(chain)
  } finally {
    await chain.stop()
  }
}

async function growBy(chain: EnergyChain, count: number, afterMs: number): Promise<BuiltBlock[]> {
  const blocks: BuiltBlock[] = []
  while (blocks.length < count) blocks.push(await grow(chain, 0, afterMs))
  return blocks
}

async function refusedAfter(count: number): Promise<FalseBlock[]> {
  const { bytes } = await grown(main.slice(0, count), async (chain) => buildOn(chain))
  const torn = Uint8Array.from(bytes)
  // Within the signature, which is the end of the header.
  const inSignature = torn.byteLength - 5
  torn[inSignature] = (torn[inSignature] ?? 0) ^ 1
  const faults: readonly (readonly [string, Uint8Array])[] = [
    ['a signature that does not hold', torn],
    ['a block of nobody that may make one', resealed(bytes, {}, 3).bytes],
    ['another root of the state', resealed(bytes, { stateRoot: new Uint8Array(32).fill(9) }, 0).bytes],
    ['another root of transactions', resealed(bytes, { txRoot: new Uint8Array(32).fill(9) }, 0).bytes],
    ['another chain', resealed(bytes, { chainId: new Uint8Array(32).fill(9) }, 0).bytes],
    ['a time before its parent', resealed(bytes, { timeMs: GENESIS_MS }, 0).bytes],
    ['a height left out', resealed(bytes, { height: count + 2 }, 0).bytes],
  ]
  return faults.map(([fault, wrong]) => ({ fault, after: count, bytes: wrong }))
}

function known({ header: { height, hash, parent }, bytes }: BuiltBlock): ChainBackendBlock {
  return { height, hash, parent, header: decodeBlock(bytes, defaultRegistry).header.bytes, bytes }
}

async function create(): Promise<ChainBackendWorld> {
  const disk = memoryStore()
  let chain = await open(disk)
  return {
    chain: chain.backend,
    main: main.map(known),
    better: better.map(known),
    outdated: outdated.map(known),
    refused,
    reopen: async () => {
      // The chain there was is left as it was, as a crash leaves it: nothing is told to finish.
      chain = await open(disk)
      return chain.backend
    },
    stop: async () => chain.stop(),
  }
}

it.each(chainBackendConformance({ create }).map(({ name, run }) => [name, run] as const))('%s', async (_, run) => {
  await expect(run()).resolves.toBeUndefined()
})

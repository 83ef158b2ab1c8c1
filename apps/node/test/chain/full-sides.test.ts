import { BlockServer } from '@gridmesh/block-sync'
import { defaultRegistry } from '@gridmesh/ledger'
import { beforeEach, expect, it, vi } from 'vitest'
import { ledgerReader } from '../../src/chain-network/reader.ts'
import { verifyHere } from '../../src/chain/verifier.ts'
import { genesisOf, GENESIS_MS, grow, opened } from './chains.ts'
import { SyncNet, syncOnce } from './sync-net.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  return () => vi.useRealTimers()
})

it('catches up where peers give a branch that there is no room for beside the main chain, and blames nobody', async () => {
  const genesis = genesisOf(2)
  const chain = await opened({ genesis, limits: { maxSideBlocks: 2 } })
  const [full, lone] = [await opened({ genesis }), await opened({ genesis })]
  for (let height = 1; height <= 6; height++) {
    const { bytes } = await grow(full, 0)
    if (height <= 4) await chain.importBlock(bytes)
  }
  for (let height = 1; height <= 3; height++) await grow(lone, 1)

  const net = new SyncNet()
  const server = new BlockServer({ chain: lone.backend, reader: ledgerReader(verifyHere, defaultRegistry) })
  const claim = { tip: { height: 100, hash: 'ff'.repeat(32) }, finalised: lone.finalised }
  // Enough of them to confirm it to each other.
  for (const id of ['one', 'two', 'three']) {
    net.joinAs(id, {
      status: () => claim,
      headers: async (request, options) => server.headers(request, options),
      blocks: async (request, options) => server.blocks(request, options),
      statePiece: async (request, options) => server.statePiece(request, options),
    })
  }
  net.join('full', full)
  expect(await syncOnce(chain, net)).toMatchObject({ status: 'synced', tip: full.head, imported: 4 })
  expect(net.reports).toEqual([])
  expect(chain.stats().sideBlocks).toBe(2)
})

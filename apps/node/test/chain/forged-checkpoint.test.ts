import { BUCKETS, decodePiece, encodePiece, StateTree } from '@gridmesh/ledger'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { GENESIS_MS, opened } from './chains.ts'
import { FORGER, forgedBlock, forgedPiece, Forger } from './forger.ts'
import { chainOf, heightOf } from './states.ts'
import { SyncNet, syncOnce } from './sync-net.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 100_000_000 })
  return () => vi.useRealTimers()
})

const HONEST = ['a', 'b', 'c', 'd', 'e']
const options = { checkpoints: { every: 5, pieces: 4 } }

describe('a peer that makes up a checkpoint above the tips of all others', () => {
  it('does not make itself the authority of a node that begins', async () => {
    const full = await chainOf(9)
    const chain = await opened(options)
    const net = new SyncNet()
    net.joinAs('forger', new Forger(forgedBlock({ height: 1_000 })))
    for (const id of HONEST) net.join(id, full)

    expect(await syncOnce(chain, net)).toMatchObject({ status: 'synced', tip: full.head, imported: 4 })
    expect(chain.consensus.head().authorities).not.toContain(FORGER)
  })

  it.each([0, 1, 5])(
    'does not replace the final blocks of a node that is in sync, among %i honest ones',
    async (count) => {
      const full = await chainOf(9)
      const chain = await opened(options)
      for (let height = 1; height <= 9; height++) await chain.importBlock(await heightOf(full, height))
      const [head, finalised] = [chain.head, chain.finalised]
      expect(finalised.height).toBe(7)
      const net = new SyncNet()
      const forger = new Forger(forgedBlock({ height: 1_000 }))
      const [header] = await full.backend.headers(finalised.height, 1)
      net.joinAs('forger', {
        status: forger.status,
        blocks: forger.blocks,
        statePiece: forger.statePiece,
        // It has what is final here, as everybody can.
        headers: async ({ height }) =>
          height === finalised.height ? { status: 'found', headers: [header ?? new Uint8Array()] } : forger.headers(),
      })
      for (const id of HONEST.slice(0, count)) net.join(id, full)

      await syncOnce(chain, net)
      expect(chain.head).toEqual(head)
      expect(chain.finalised).toEqual(finalised)
      expect(await chain.consensus.hashAt(head.height)).toBe(head.hash)
    },
  )

  it('is believed where there is nobody else: it is the word of that peer alone', async () => {
    const chain = await opened(options)
    const net = new SyncNet()
    net.joinAs('forger', new Forger(forgedBlock({ height: 1_000 })))

    await syncOnce(chain, net)
    expect(chain.consensus.head().authorities).toEqual([FORGER])
  })
})

it('reports who gives a state without authorities, and does not fail for it', async () => {
  const list = decodePiece(forgedPiece(0, 1))
  const tree = new StateTree()
  // All that is left is money.
  const entries = list.entries.filter(([key]) => key.byteLength > 32)
  tree.apply(entries.map(([key, after]) => ({ key, before: undefined, after })))
  const net = new SyncNet()
  const block = forgedBlock({ height: 1_000, stateRoot: tree.root })
  const piece = encodePiece(tree.piece(0, BUCKETS, () => entries))
  net.joinAs('forger', new Forger(block, () => piece))
  const chain = await opened({ checkpoints: { pieces: 1 } })

  expect(await syncOnce(chain, net)).not.toMatchObject({ code: 'chain-failed' })
  expect(net.reports).toEqual([{ peer: 'forger', offence: 'false-piece' }])
  expect(chain.head.height).toBe(0)
})

it('goes on by blocks where a peer claims a height that no store can hold', async () => {
  const full = await chainOf(4)
  const chain = await opened(options)
  const net = new SyncNet()
  net.joinAs('forger', new Forger(forgedBlock({ height: 2 ** 50 })))
  for (const id of HONEST) net.join(id, full)

  expect(await syncOnce(chain, net)).toMatchObject({ status: 'synced', tip: full.head, imported: 4 })
})

import { toHex } from '@gridmesh/ledger'
import type { MempoolLog } from '@gridmesh/mempool'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { EnergyChain } from '../../src/chain/energy-chain.ts'
import { GENESIS_MS, grow, offer, opened, payment } from './chains.ts'
import { chainOf, take } from './states.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 100_000_000 })
  return () => vi.useRealTimers()
})

/** A log in memory, of which each start has a copy: as after a kill. */
function logOf(records: Uint8Array[] = []): MempoolLog & { copy(): MempoolLog } {
  return {
    read: () => [...records],
    append: (more) => void records.push(...more),
    rewrite: (all) => void records.splice(0, records.length, ...all),
    copy: () => logOf([...records]),
  }
}

const held = (chain: EnergyChain): string[] => Array.from(chain.mempool.transactions(), ({ id }) => id)
const idOf = (chain: EnergyChain, index: number): string => toHex(payment(chain, index).id)

describe('a chain that goes to a checkpoint', () => {
  it('gives back what its own blocks have that were not final, and what the others do not have', async () => {
    const full = await chainOf(7)
    const chain = await opened({ checkpoints: { pieces: 1 } })
    await chain.start()
    // The first is in a block of the others, too.
    await offer(chain, payment(chain, 0), payment(chain, 20))
    await grow(chain)
    await offer(chain, payment(chain, 30))
    expect([chain.head.height, chain.finalised.height, held(chain)]).toEqual([1, 0, [idOf(chain, 30)]])
    await take(chain, full)
    await vi.waitFor(() => expect(held(chain)).toEqual([idOf(chain, 20), idOf(chain, 30)]))
    expect(chain.head.height).toBe(5)
    await grow(chain)
    expect(held(chain)).toEqual([])
  })

  it('loses nothing that its mempool held where it is killed or stopped right after', async () => {
    const full = await chainOf(7)
    const log = logOf()
    const chain = await opened({ checkpoints: { pieces: 1 }, mempoolLog: log })
    await chain.start()
    await offer(chain, payment(chain, 30))
    await take(chain, full)
    const killed = log.copy()
    await chain.stop()
    for (const mempoolLog of [killed, log]) {
      const next = await opened({ mempoolLog })
      await next.start()
      expect(held(next)).toEqual([idOf(chain, 30)])
    }
  })
})

import type { PoaForkChoice } from '@gridmesh/consensus'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { at, entriesOf, GENESIS_MS, issue, opened, OUTPUTS, payment, reading, stateOf } from './chains.ts'
import { Net } from './network.ts'

const nets: Net[] = []

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
    now: GENESIS_MS + 1_000,
  })
})

afterEach(async () => {
  for (const net of nets.splice(0)) for (const node of net.nodes) await node.stop()
  vi.useRealTimers()
})

async function networkOf(size: number, seed: number, forkChoice?: PoaForkChoice): Promise<Net> {
  const net = new Net(size, seed, forkChoice)
  nets.push(net)
  await net.start()
  return net
}

/** Sends some payments, a reading and money every second, each at another node. */
async function trade(net: Net, seconds: number, from = 0): Promise<number> {
  const { length } = net.nodes
  for (let i = from; i < from + seconds; i++) {
    const node = at(net.nodes, i % length)
    if (node.isUp) {
      await net.submit(node.who, payment(node.chain, i % OUTPUTS))
      if (i % 3 === 0) await net.submit(node.who, reading(node.chain, i + 1, 500, node.who))
      // Of one authority each, so that nonces do not wait for what was lost.
      if (i < length) await net.submit(node.who, issue(node.chain, 0, 7, node.who))
    }
    await net.run(1_000)
  }
  return from + seconds
}

/** Stops all engines, lets all know the same blocks, and gives what each of them came to. */
async function outcomes(net: Net): Promise<{ head: unknown; finalised: unknown; state: unknown }[]> {
  for (const node of net.nodes) await node.chain.engine.stop()
  await net.run(1_000)
  await net.settle()
  return Promise.all(
    net.nodes.map(async ({ chain }) => ({ head: chain.head, finalised: chain.finalised, state: await stateOf(chain) })),
  )
}

describe('a network of authorities', () => {
  it.each([
    { size: 3, seed: 1 },
    { size: 4, seed: 2 },
    { size: 5, seed: 3 },
    { size: 3, seed: 8, forkChoice: 'timestampReputation' },
  ] as const)(
    'of $size agrees on head, final block, state and supply over delays and loss, seed $seed',
    async ({ size, seed, ...rest }) => {
      const net = await networkOf(size, seed, 'forkChoice' in rest ? rest.forkChoice : undefined)
      await trade(net, 12)
      const all = await outcomes(net)
      expect(all).toEqual(all.map(() => all[0]))
      expect(all[0]?.state).toMatchObject({ isExact: true })
      const { chain } = at(net.nodes, 0)
      expect(chain.head.height).toBeGreaterThan(10)
      expect(chain.finalised.height).toBeGreaterThan(1)
      // Energy was produced, money was paid and issued: what was traded is in the chain.
      expect((await stateOf(chain)).energy).toBeGreaterThan(0n)
      expect((await stateOf(chain)).thb).toBe(BigInt(OUTPUTS * 100 + size * 7))
      expect(net.faults).toEqual([])
      expect(net.rejections).toEqual([])
    },
  )

  it('goes on while one is away, which comes back from its store and catches up', async () => {
    const net = await networkOf(3, 4)
    const next = await trade(net, 5)
    const away = at(net.nodes, 1)
    const before = away.chain.head
    await away.stop()
    const later = await trade(net, 6, next)
    await away.start()
    expect(away.chain.head.height).toBeGreaterThanOrEqual(before.height)
    await trade(net, 6, later)
    const all = await outcomes(net)
    expect(all).toEqual(all.map(() => all[0]))
    expect(net.faults).toEqual([])
    expect(at(net.nodes, 0).chain.head.height).toBeGreaterThan(before.height)
  })

  it('heals when it was cut in two, and the smaller part gives its branch up', async () => {
    const net = await networkOf(5, 5)
    const next = await trade(net, 4)
    net.isLinked = (a, b) => a.who < 3 === b.who < 3
    const later = await trade(net, 12, next)
    const [many, few] = [at(net.nodes, 0), at(net.nodes, 4)]
    const apart = few.chain.head.hash
    expect(many.chain.head.hash).not.toBe(apart)
    net.isLinked = () => true
    const [reorgs, { finalised }] = [net.reorgs, few.chain]
    await trade(net, 8, later)
    const all = await outcomes(net)
    expect(all).toEqual(all.map(() => all[0]))
    expect(all[0]?.state).toMatchObject({ isExact: true })
    expect(net.reorgs).toBeGreaterThan(reorgs)
    expect(few.chain.finalised.height).toBeGreaterThan(finalised.height)
    expect(net.faults).toEqual([])
  })

  it('is followed by a late node without a key, block by block, to the same state', async () => {
    const net = await networkOf(3, 6)
    await trade(net, 8)
    await outcomes(net)
    const { chain } = at(net.nodes, 0)
    const late = await opened({ genesis: net.genesis })
    const headers = await chain.backend.headers(1, 2_000)
    const blocks = await chain.backend.blocks(headers.map((header) => chain.headers.decode(header).hash))
    for (const block of blocks) expect((await late.importBlock(block ?? new Uint8Array())).status).toBe('imported')
    expect([late.head, late.finalised]).toEqual([chain.head, chain.finalised])
    expect(await entriesOf(late)).toEqual(await entriesOf(chain))
  })

  it('leaves no timer when it stops, not in the middle of anything either', async () => {
    const net = await networkOf(3, 7)
    await trade(net, 2)
    const { chain } = at(net.nodes, 0)
    const stopping = net.nodes.map(async (node) => node.stop())
    await expect(chain.importBlock(new Uint8Array())).rejects.toMatchObject({
      name: 'ChainStoppedError',
      code: 'stopped',
    })
    await Promise.all(stopping)
    // Only what is on its way over the bus.
    await vi.advanceTimersByTimeAsync(200)
    expect(vi.getTimerCount()).toBe(0)
    await chain.stop()
  })
})

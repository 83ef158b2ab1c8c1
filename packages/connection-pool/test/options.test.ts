import { createLibp2p } from 'libp2p'
import { describe, expect, it } from 'vitest'
import { connectionPool, libp2pLimits } from '../src/index.ts'
import { resolveOptions } from '../src/options.ts'
import { at, makePeerIds } from './support.ts'

describe('options', () => {
  it.each([
    [{ maxInbound: -1 }, 'maxInbound -1'],
    [{ maxOutbound: 1.5 }, 'maxOutbound 1.5'],
    [{ maxPerIp: 0 }, 'maxPerIp 0'],
    [{ maxPerNetwork: Number.NaN }, 'maxPerNetwork NaN'],
    [{ maxDials: 0 }, 'maxDials 0'],
    [{ attemptsPerIpPerSecond: 0 }, 'attemptsPerIpPerSecond 0'],
    [{ dialTimeoutMs: Number.POSITIVE_INFINITY }, 'dialTimeoutMs Infinity'],
    [{ idleTimeoutMs: 0 }, 'idleTimeoutMs 0'],
    [{ reconcileIntervalMs: -5 }, 'reconcileIntervalMs -5'],
    [{ reservedRoles: { authority: -1 } }, 'reservedRoles.authority -1'],
  ])('refuses %o, and says what it was given', (init, message) => {
    expect(() => connectionPool(init)).toThrow(RangeError)
    expect(() => connectionPool(init)).toThrow(message)
  })

  it('knows a reserved peer by either of its texts, and refuses what is no peer id', async () => {
    const peer = at(await makePeerIds(1), 0)
    const texts = [peer.toString(), peer.toCID().toString(), peer]
    for (const reserved of texts) {
      expect([...resolveOptions({ reservedPeers: [reserved] }).reservedPeers]).toEqual([peer.toString()])
    }
    const init = { reservedPeers: ['12D3'] }
    expect(() => connectionPool(init)).toThrow(new TypeError('reservedPeers "12D3" must be a peer id'))
    expect(() => libp2pLimits(init)).toThrow(TypeError)
  })

  it('refuses to start under another name, by which nobody would find it', async () => {
    const node = await createLibp2p({ start: false, services: { pool: connectionPool().service } })
    await expect(node.start()).rejects.toMatchObject({ name: 'ServiceNameError', service: 'connectionPool' })
  })

  it('serves one node', async () => {
    const pool = connectionPool()
    await createLibp2p({ start: false, services: { connectionPool: pool.service } })
    await expect(createLibp2p({ start: false, services: { connectionPool: pool.service } })).rejects.toThrow(TypeError)
  })
})

it('puts the limits of libp2p beyond all of its own', async () => {
  const limits = libp2pLimits({
    maxInbound: 2,
    maxOutbound: 3,
    reservedRoles: { a: 2 },
    reservedPeers: await makePeerIds(1),
    maxDials: 200,
  })
  // Three reserved slots of two connections each, a probe, eight turned away and 64 pending.
  expect(limits.maxConnections).toBe(2 + 3 + 6 + 1 + 8 + 64)
  expect(limits.maxParallelDials).toBe(200)
  expect(limits.maxIncomingPendingConnections).toBeGreaterThan(64)
  expect(() => libp2pLimits({ maxInbound: -1 })).toThrow(RangeError)
})

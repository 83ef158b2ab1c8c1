import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { FOREIGN_KINDS, ForeignProcess } from '../src/foreign-process.ts'
import { soon } from '../src/meeting.ts'
import { type OurNode, startOurNode } from '../src/our-node.ts'

const PROTOCOLS = { noise: '/noise', tls: '/tls/1.0.0' }

describe.each(FOREIGN_KINDS)('$name', (kind) => {
  const theirs = kind.encryption
  const other = theirs === 'noise' ? 'tls' : 'noise'
  let ours: OurNode
  let foreign: ForeignProcess
  beforeAll(async () => {
    ;[ours, foreign] = await Promise.all([startOurNode({ encryption: other }), ForeignProcess.start(kind)])
  })
  afterAll(async () => {
    await foreign.kill()
    await ours.stop()
  })

  it(`cannot be dialled by a node of ours that offers ${other} alone, and the error says what it lacks`, async () => {
    const { peer, address } = await foreign.self
    const refusal = { name: 'EncryptionFailedError', message: expect.stringContaining(PROTOCOLS[other]) }
    await expect(ours.dial(multiaddr(address))).rejects.toMatchObject(refusal)
    const { connectionPool } = ours.services
    await expect(
      connectionPool.acquire(peerIdFromString(peer), { addresses: [multiaddr(address)] }),
    ).rejects.toMatchObject(refusal)
  })

  it(`cannot dial a node of ours that offers ${other} alone, and the error says that no channel was agreed on`, async () => {
    const dialled = foreign.ask('dial', { address: String(ours.getMultiaddrs()[0]) })
    await expect(dialled).rejects.toThrow(/^EncryptionFailedError: protocol selection failed/i)
    expect(ours.getConnections().length).toBe(0)
    // The attempt leaves no place taken.
    await vi.waitFor(() => {
      const { pending, inbound, outbound } = ours.services.connectionPool.usage()
      expect([pending.used, inbound.used, outbound.used]).toEqual([0, 0, 0])
    }, soon)
  })
})

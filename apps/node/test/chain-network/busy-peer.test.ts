import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect, it, vi } from 'vitest'
import { peerRequests } from '../../src/chain-network/peer-requests.ts'

/** What was waited for, in ms. */
const { waits } = vi.hoisted(() => ({ waits: new Array<number>() }))
vi.mock('node:timers/promises', () => ({ setTimeout: async (ms: number) => void waits.push(ms) }))

it.each([
  { saidMs: 0.01, waitedMs: 50 },
  { saidMs: 49, waitedMs: 50 },
  { saidMs: 51, waitedMs: 51 },
])('leaves a peer that is busy for $saidMs ms alone for $waitedMs ms', async ({ saidMs, waitedMs }) => {
  waits.length = 0
  const request = vi
    .fn<() => Promise<never>>()
    .mockRejectedValueOnce(Object.assign(new Error('busy'), { code: 'busy', retryAfterMs: saidMs }))
    .mockRejectedValueOnce(new RangeError('lost'))
  const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
  const asking = peerRequests({ request }).headers(peer, { limit: 1, height: 0 }, new AbortController())
  await expect(asking).rejects.toThrow('lost')
  expect(waits).toEqual([waitedMs])
})

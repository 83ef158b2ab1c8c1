import { queryObjects } from 'node:v8'
import type { Connection, Stream } from '@libp2p/interface'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Core } from '../src/core.ts'
import { PeerLink } from '../src/peer-link.ts'
import { StreamAdmission } from '../src/stream-admission.ts'
import { pair, raw } from './helpers.ts'

const take = vi.fn<() => object>(() => ({ ok: false, limit: 'streamsPerSecond', value: 1, retryAfterMs: 12 }))
const stubs = { rateLimiter: { take } }

beforeEach(() => take.mockClear())
afterEach(() => void vi.useRealTimers())

it('tells at most 16 refused streams at once why, and resets the others without a word', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const admission = new StreamAdmission({ siblings: stubs, log: { trace: () => {} } } as unknown as Core)
  const send = vi.fn<Stream['send']>()
  const refuse = async (): Promise<unknown> => {
    // Of a peer that never ends it.
    const stream = { send, close: () => new Promise(() => undefined) } as unknown as Stream
    const arrival = { lane: 'high', stream, connection: {} as Connection } as const
    return admission.admit(arrival, undefined as never, new AbortController().signal).catch((err: Error) => err.name)
  }
  const refused = Array.from({ length: 17 }, refuse)
  expect(send).toHaveBeenCalledTimes(16)
  expect(await refused.at(-1)).toBe('RateLimitedError')
})

it('keeps nothing of a peer whose only stream is refused', async () => {
  const link = await pair({}, { stubs })
  const stream = await raw(link.a, link.b)
  await vi.waitFor(() => expect(take).toHaveBeenCalledTimes(1))
  await stream.close()
  await vi.waitFor(() => expect(queryObjects(PeerLink)).toBe(0))
  expect(link.b.getConnections()).toHaveLength(1)
  await link.stop()
})

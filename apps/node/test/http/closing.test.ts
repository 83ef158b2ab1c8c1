import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect, it, vi } from 'vitest'
import { closeWithin } from '../../src/http/closing.ts'
import { startedApi } from './chain-api.ts'
import { client } from './client.ts'

const GET = 'GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
const POST =
  'POST /api/v1/transaction HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n'
const BODY = JSON.stringify({ bytes: '00' })
/** Longer than a test may take. */
const LONG_MS = 3_600_000

it('answers what is under way when it closes, refuses what comes then, and keeps no connection', async () => {
  const { node, api } = await startedApi()
  const [reached, answer, refused] = Array.from({ length: 3 }, () => Promise.withResolvers<void>())
  vi.spyOn(node, 'submit').mockImplementation(async () => {
    reached?.resolve()
    await answer?.promise
    return { status: 'added', id: 'abc' }
  })
  api.app.addHook('onError', async () => refused?.resolve())
  const { socket, closed } = client(await api.listen())
  socket.write(POST + BODY)
  await reached?.promise
  const closing = closeWithin(api.app, LONG_MS)
  socket.write(GET)
  await refused?.promise
  answer?.resolve()
  expect(await closed).toMatch(/^HTTP\/1.1 202 [^]*"id":"abc"[^]*HTTP\/1.1 503 [^]*"code":"stopping"/)
  await closing
})

it('ends the event streams when it closes, also of a client that does not read', async () => {
  const { api } = await startedApi()
  const url = await api.listen()
  const reading = client(url)
  reading.socket.write(GET)
  await once(reading.socket, 'data')
  const connected = once(api.app.server, 'connection')
  const stalled = client(url)
  stalled.socket.write(GET)
  const [served] = (await connected) as [Socket]
  await once(stalled.socket, 'data')
  stalled.socket.pause()
  const value = 'x'.repeat(32_000_000)
  api.feed.add({ kind: 'energy-order', sender: 'x', zones: [], timeMs: 0, receivedAtMs: 0, value })
  await vi.waitFor(() => expect(served.writableNeedDrain).toBe(true), { timeout: LONG_MS })
  await vi.waitFor(() => expect(reading.socket.bytesRead).toBeGreaterThan(value.length), { timeout: LONG_MS })
  await closeWithin(api.app, LONG_MS)
  // A stream that ends in order ends with an empty piece.
  expect((await reading.closed).endsWith('\r\n0\r\n\r\n')).toBe(true)
})

it.each([
  ['the time is over', 1, () => undefined],
  ['its signal aborts', LONG_MS, () => AbortSignal.timeout(1)],
  ['its signal aborts, which it has', LONG_MS, () => AbortSignal.abort()],
])('waits for a request that does not come to its end until %s', async (_, finishMs, signal) => {
  const { api } = await startedApi()
  const half = client(await api.listen())
  half.socket.write(POST)
  await once(api.app.server, 'request')
  await closeWithin(api.app, finishMs, signal())
  expect(await half.closed).toBe('')
})

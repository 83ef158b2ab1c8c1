import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pair } from './helpers.ts'

const MIB = 1_024 * 1_024
const limits = { init: { maxMessageBytes: 16 * MIB } }

const TIMEOUT_MS = 60_000

describe.each([
  ['Noise', 'noise'],
  ['TLS 1.3', 'tls'],
] as const)('over TCP, %s and yamux', (_, security) => {
  let link: Awaited<ReturnType<typeof pair>>

  beforeAll(async () => {
    link = await pair(limits, limits, security)
  })

  afterAll(async () => link.stop())

  it('carries 16 MiB there and back in one message', { timeout: TIMEOUT_MS }, async () => {
    link.answer.handle('echo', (question) => question)
    const question = new Uint8Array(16 * MIB)
    for (let i = 0; i < question.byteLength; i += 997) question[i] = i % 251
    const answer = await link.call.request(link.b.peerId, 'echo', question)
    expect(Buffer.compare(answer, question)).toBe(0)
  })

  it('streams 16 MiB there and back, and holds no more of it than the windows', { timeout: TIMEOUT_MS }, async () => {
    link.answer.handleStream('stream', async function* echo(items) {
      yield* items
    })
    const size = 64 * 1_024
    let sent = 0
    let received = 0
    let most = 0
    async function* source(): AsyncGenerator<Uint8Array> {
      for (; sent < 16 * MIB; sent += size) {
        most = Math.max(most, sent - received)
        yield new Uint8Array(size).fill(sent / size)
      }
    }
    for await (const answer of link.call.requestStream(link.b.peerId, 'stream', source(), { lane: 'bulk' })) {
      expect(answer[0]).toBe((received / size) % 256)
      received += answer.byteLength
    }
    expect(received).toBe(16 * MIB)
    // A window and an item in each direction.
    expect(most).toBeLessThanOrEqual(2 * (256 * 1_024 + 2 * size))
  })
})

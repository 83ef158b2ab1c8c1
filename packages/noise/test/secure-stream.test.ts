import { StreamMessageEvent } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it, vi } from 'vitest'
import type { NoiseCrypto } from '../src/index.ts'
import { collect, ended, fakeMetrics, listeners, makePeer, native, nextTurn, pattern, securedPair } from './helpers.ts'

const FULL = 65_519

/** Keeps the keys that connections are encrypted with: those that are used with no associated data. */
function spiedCrypto(): { crypto: NoiseCrypto; keys: Set<Uint8Array> } {
  const keys = new Set<Uint8Array>()
  const note = (ad: Uint8Array | null, key: Uint8Array): void => {
    if (ad === null) keys.add(key)
  }
  const crypto: NoiseCrypto = {
    ...native,
    encrypt(target, plaintext, nonce, ad, key) {
      note(ad, key)
      native.encrypt(target, plaintext, nonce, ad, key)
    },
    decrypt(target, ciphertext, nonce, ad, key) {
      note(ad, key)
      return native.decrypt(target, ciphertext, nonce, ad, key)
    },
  }
  return { crypto, keys }
}

describe('secure stream', () => {
  it('hands a whole write to the connection in one piece, and delivers in one event what came in one', async () => {
    const { outbound, inbound, below } = await securedPair({ chunkSize: 2 ** 20 })
    const send = vi.spyOn(below[0], 'send')
    const received = collect(inbound.connection)
    outbound.connection.send(new Uint8ArrayList(pattern(100_000), pattern(100_000)))
    await vi.waitFor(() => expect(received.size()).toBe(200_000))
    expect(send).toHaveBeenCalledOnce()
    expect(send.mock.calls[0]?.[0]).toBeInstanceOf(Uint8Array)
    expect(received.events()).toBe(1)
    expect(received.bytes()).toEqual(new Uint8ArrayList(pattern(100_000), pattern(100_000)).subarray())
  })

  it('encrypts in one message what one turn sends, in order, and at once what is large', async () => {
    const { outbound, inbound, below } = await securedPair()
    const send = vi.spyOn(below[0], 'send')
    const received = collect(inbound.connection)
    for (let first = 0; first < 5; first++) expect(outbound.connection.send(Uint8Array.of(first, 9))).toBe(true)
    expect(send).not.toHaveBeenCalled()
    await nextTurn()
    expect(send).toHaveBeenCalledOnce()
    expect(send.mock.calls[0]?.[0].byteLength).toBe(10 + 18)
    outbound.connection.send(pattern(1))
    outbound.connection.send(pattern(2_048))
    expect(send).toHaveBeenCalledTimes(2)
    await vi.waitFor(() => expect(received.size()).toBe(2_059))
    expect([...received.bytes().subarray(0, 11)]).toEqual([0, 9, 1, 9, 2, 9, 3, 9, 4, 9, 0])
  })

  it('keeps nothing back of what is said to much that has come', async () => {
    const { outbound, inbound, below } = await securedPair({ chunkSize: 2 ** 20 })
    const send = vi.spyOn(below[1], 'send')
    const sends: number[] = []
    below[1].addEventListener('message', () => sends.push(send.mock.calls.length))
    inbound.connection.addEventListener('message', () => inbound.connection.send(pattern(12)))
    outbound.connection.send(pattern(30_000))
    await vi.waitFor(() => expect(sends).toEqual([1]))
    outbound.connection.send(pattern(100))
    await vi.waitFor(() => expect(sends).toEqual([1, 1]))
    await nextTurn()
    expect(send).toHaveBeenCalledTimes(2)
  })

  it.each(['close', 'abort'] as const)('hands over what this turn has sent before it ends by %s', async (how) => {
    const { outbound, inbound, below } = await securedPair()
    const send = vi.spyOn(below[0], 'send')
    outbound.connection.send(pattern(3))
    if (how === 'close') await Promise.all([ended(inbound.connection), outbound.connection.close()])
    else outbound.connection.abort(new RangeError('enough'))
    expect(send).toHaveBeenCalledOnce()
    await nextTurn()
    expect(send).toHaveBeenCalledOnce()
  })

  it('drops what this turn has sent where the connection has ended meanwhile, and ends with its error', async () => {
    const { outbound, below } = await securedPair()
    const over = ended(outbound.connection)
    outbound.connection.send(pattern(3))
    below[0].abort(new RangeError('gone'))
    await nextTurn()
    await expect(over).resolves.toMatchObject({ error: { message: 'gone' } })
  })

  it('encrypts maxBatchBytes at once, and no more while the connection is full', async () => {
    const { outbound, inbound, below } = await securedPair({ outbound: { maxBatchBytes: FULL }, capacity: 2 })
    const send = vi.spyOn(below[0], 'send')
    const received = collect(inbound.connection)
    const drained = new Promise((resolve) => outbound.connection.addEventListener('drain', resolve, { once: true }))
    expect(outbound.connection.send(pattern(20 * FULL))).toBe(false)
    expect(send.mock.calls.length).toBeLessThan(20)
    expect(outbound.connection.writeBufferLength).toBe((20 - send.mock.calls.length) * FULL)
    await drained
    await vi.waitFor(() => expect(received.size()).toBe(20 * FULL))
    expect(send).toHaveBeenCalledTimes(20)
    expect(Buffer.compare(received.bytes(), pattern(20 * FULL))).toBe(0)
  })

  it('is aborted, and the connection with it, by 16,385 writes to a peer that reads nothing', async () => {
    const { outbound, below } = await securedPair({ capacity: 2 })
    below[1].pause()
    outbound.connection.send(pattern(40 * FULL))
    const over = ended(outbound.connection)
    const pong = new Uint8Array(12)
    for (let sent = 0; sent < 16_384; sent++) expect(outbound.connection.send(pong)).toBe(false)
    expect(outbound.connection.status).toBe('open')

    expect(outbound.connection.send(pong)).toBe(false)
    await expect(over).resolves.toMatchObject({ error: { name: 'StreamBufferError' }, local: true })
    expect(outbound.connection.writeBufferLength).toBe(0)
    expect(below[0].status).toBe('aborted')
  })

  it('counts no writes to a connection that caught up in between', async () => {
    const { outbound, inbound, below } = await securedPair({ capacity: 2 })
    const received = collect(inbound.connection)
    const pong = new Uint8Array(12)
    for (let round = 1; round <= 2; round++) {
      below[1].pause()
      outbound.connection.send(pattern(FULL))
      outbound.connection.send(pattern(FULL))
      for (let sent = 0; sent < 16_000; sent++) outbound.connection.send(pong)
      below[1].resume()
      await vi.waitFor(() => expect(received.size()).toBe(round * (2 * FULL + 16_000 * 12)))
    }
    expect(outbound.connection.status).toBe('open')
  })

  it('sends what is queued before it closes', async () => {
    const { outbound, inbound, below } = await securedPair({ outbound: { maxBatchBytes: FULL }, capacity: 2 })
    const received = collect(inbound.connection)
    const over = ended(inbound.connection)
    outbound.connection.send(pattern(10 * FULL))
    expect(outbound.connection.writeBufferLength).toBeGreaterThan(0)
    await outbound.connection.close()
    await expect(over).resolves.toEqual({ error: undefined, local: undefined })
    expect(received.size()).toBe(10 * FULL)
    expect(() => outbound.connection.send(pattern(1))).toThrow(expect.objectContaining({ name: 'StreamStateError' }))
    expect(below.map(({ status }) => status)).toEqual(['closed', 'closed'])
  })

  it('stops waiting for a full connection at the signal, and when the connection ends', async () => {
    const { outbound, below } = await securedPair({ outbound: { maxBatchBytes: FULL }, capacity: 2 })
    below[1].pause()
    outbound.connection.send(pattern(40 * FULL))
    const reason = new RangeError('enough')
    const controller = new AbortController()
    const closing = outbound.connection.close({ signal: controller.signal })
    controller.abort(reason)
    await expect(closing).rejects.toBe(reason)

    const second = await securedPair({ outbound: { maxBatchBytes: FULL }, capacity: 2 })
    second.below[1].pause()
    second.outbound.connection.send(pattern(40 * FULL))
    const waiting = second.outbound.connection.close()
    second.below[0].abort(reason)
    await expect(waiting).rejects.toBe(reason)
  })

  it('holds nothing of the connection after close, abort or reset, and has overwritten its keys', async () => {
    for (const how of ['close', 'abort', 'reset'] as const) {
      const { crypto, keys } = spiedCrypto()
      const { outbound, inbound, below } = await securedPair({ outbound: { crypto }, inbound: { crypto } })
      const received = [collect(inbound.connection), collect(outbound.connection)]
      outbound.connection.send(pattern(1))
      inbound.connection.send(pattern(1))
      await vi.waitFor(() => expect(received.map(({ size }) => size())).toEqual([1, 1]))
      // One for each direction, at each end.
      expect(keys.size).toBe(4)
      expect([...keys].some((key) => key.every((byte) => byte === 0))).toBe(false)
      const counts = below.map(listeners)
      const over = [ended(outbound.connection), ended(inbound.connection)]
      if (how === 'close') await outbound.connection.close()
      else if (how === 'abort') outbound.connection.abort(new RangeError('enough'))
      else below[1].abort(new RangeError('enough'))
      await Promise.all(over)
      for (const [index, connection] of below.entries()) {
        const [before, after] = [counts[index] ?? {}, listeners(connection)]
        for (const type of ['message', 'close', 'drain', 'remoteCloseWrite']) {
          expect(after[type]).toBe((before[type] ?? 0) - 1)
        }
      }
      expect([...keys].every((key) => key.every((byte) => byte === 0))).toBe(true)
    }
  })

  it('passes an abort to the other side as a reset', async () => {
    const { outbound, inbound, below } = await securedPair()
    const [here, there] = [ended(outbound.connection), ended(inbound.connection)]
    const error = new RangeError('enough')
    outbound.connection.abort(error)
    await expect(here).resolves.toEqual({ error, local: true })
    await expect(there).resolves.toMatchObject({ error: { name: 'StreamResetError' }, local: false })
    expect(below.map(({ status }) => status)).toEqual(['aborted', 'reset'])
  })

  it('decrypts nothing after an abort, not even of the same tick', async () => {
    const { counts, metrics } = fakeMetrics()
    const { outbound, inbound, below } = await securedPair({ inbound: { metrics } })
    const received: number[] = []
    inbound.connection.addEventListener('message', ({ data }) => {
      received.push(data.byteLength)
      inbound.connection.abort(new RangeError('enough'))
    })
    const sealed: (Uint8Array | Uint8ArrayList)[] = []
    vi.spyOn(below[0], 'send').mockImplementation((data) => sealed.push(data) > 0)
    for (const size of [1, 2, 3]) {
      outbound.connection.send(pattern(size))
      await nextTurn()
    }
    for (const data of sealed) below[1].dispatchEvent(new StreamMessageEvent(data))
    expect(received).toEqual([1])
    expect(counts['libp2p_noise_decrypted_packets_total']).toBe(1)
  })

  it('pauses and resumes the connection, and delivers what came meanwhile', async () => {
    const { outbound, inbound, below } = await securedPair()
    const received = collect(inbound.connection)
    inbound.connection.pause()
    expect(below[1].status).toBe('open')
    outbound.connection.send(pattern(10))
    outbound.connection.send(pattern(20))
    // A message the other way shows that there was time.
    const back = collect(outbound.connection)
    inbound.connection.send(pattern(5))
    inbound.connection.resume()
    await vi.waitFor(() => expect([received.size(), back.size()]).toEqual([30, 5]))
  })

  it('may be paused and resumed after the connection has ended', async () => {
    const { inbound, below } = await securedPair()
    inbound.connection.pause()
    const over = ended(inbound.connection)
    below[1].abort(new RangeError('enough'))
    await over
    expect(() => inbound.connection.resume()).toThrow(expect.objectContaining({ name: 'StreamStateError' }))
  })

  it('closes by halves over a stream that has halves', async () => {
    const [left, right] = await streamPair({ protocol: '/relayed/1' })
    const [a, b] = await Promise.all([makePeer(), makePeer()])
    const [outbound, inbound] = await Promise.all([a.encrypter.secureOutbound(left), b.encrypter.secureInbound(right)])
    const halfClosed = new Promise((resolve) => inbound.connection.addEventListener('remoteCloseWrite', resolve))
    const received = collect(outbound.connection)
    await outbound.connection.close()
    await halfClosed
    inbound.connection.send(pattern(70_000))
    await vi.waitFor(() => expect(received.size()).toBe(70_000))
    const over = [ended(outbound.connection), ended(inbound.connection)]
    await inbound.connection.close()
    expect(await Promise.all(over)).toEqual([
      { error: undefined, local: undefined },
      { error: undefined, local: undefined },
    ])
  })

  it('delivers many small messages of one tick in order', async () => {
    const { outbound, inbound } = await securedPair({ capacity: 3, chunkSize: 1_000 })
    const received = collect(inbound.connection)
    const sent = Array.from({ length: 1_000 }, (_, index) => pattern((index % 97) + 1))
    for (const message of sent) outbound.connection.send(message)
    const total = sent.reduce((sum, { length }) => sum + length, 0)
    await vi.waitFor(() => expect(received.size()).toBe(total))
    expect(Buffer.concat(sent).equals(received.bytes())).toBe(true)
  })
})

import { generateKeyPair } from '@libp2p/crypto/keys'
import { serviceCapabilities, type StreamMuxerFactory } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { describe, expect, it, vi } from 'vitest'
import { DEFAULT_HANDSHAKE_TIMEOUT_MS } from '../src/constants.ts'
import { noise, type NoiseInit } from '../src/index.ts'
import {
  collect,
  fakeMetrics,
  listeners,
  makePeer,
  native,
  pattern,
  type PeerInit,
  rejection,
  securedPair,
  wasm,
  toHex,
} from './helpers.ts'

/** Both handshakes of one connection, however they end. */
async function both(
  outbound: PeerInit,
  inbound: PeerInit,
  skip = false,
): Promise<PromiseSettledResult<string | undefined>[]> {
  const [a, b] = await Promise.all([makePeer(outbound), makePeer(inbound)])
  const [left, right] = multiaddrConnectionPair()
  const options = { skipStreamMuxerNegotiation: skip }
  return Promise.allSettled([
    a.encrypter.secureOutbound(left, options).then(({ streamMuxer }) => streamMuxer?.protocol),
    b.encrypter.secureInbound(right, options).then(({ streamMuxer }) => streamMuxer?.protocol),
  ])
}

describe('handshake', () => {
  it('proves to each side who the other is', async () => {
    for (const type of ['Ed25519', 'secp256k1', 'RSA'] as const) {
      const [a, b] = await Promise.all([makePeer({ privateKey: await generateKeyPair(type) }), makePeer()])
      const [left, right] = multiaddrConnectionPair()
      const [outbound, inbound] = await Promise.all([
        a.encrypter.secureOutbound(left, { remotePeer: b.peerId }),
        b.encrypter.secureInbound(right, { remotePeer: a.peerId }),
      ])
      expect(outbound.remotePeer.equals(b.peerId)).toBe(true)
      expect(inbound.remotePeer.equals(a.peerId)).toBe(true)
    }
  })

  it('fails where another peer answers than the one that was dialled, which does not learn who dialled', async () => {
    const [a, b, other] = await Promise.all([makePeer(), makePeer(), makePeer()])
    const [left, right] = multiaddrConnectionPair()
    const [outbound, inbound] = await Promise.allSettled([
      a.encrypter.secureOutbound(left, { remotePeer: other.peerId }),
      b.encrypter.secureInbound(right),
    ])
    expect(outbound).toMatchObject({ status: 'rejected', reason: { name: 'UnexpectedPeerError' } })
    const { message } = (outbound as PromiseRejectedResult).reason as Error
    expect(message).toContain(b.peerId.toString())
    expect(message).toContain(other.peerId.toString())
    expect(inbound).toMatchObject({ status: 'rejected', reason: { code: 'closed' } })
    expect([left.status, right.status]).toEqual(['aborted', 'reset'])
  })

  it('works between the two libraries, either way', async () => {
    for (const [first, second] of [[native, wasm] as const, [wasm, native] as const]) {
      const { outbound, inbound } = await securedPair({ outbound: { crypto: first }, inbound: { crypto: second } })
      const received = collect(inbound.connection)
      outbound.connection.send(pattern(200_000))
      await vi.waitFor(() => expect(received.size()).toBe(200_000))
      expect(received.bytes()).toEqual(pattern(200_000))
    }
  })

  it('delivers what the initiator sends right behind its last message', async () => {
    const [a, b] = await Promise.all([makePeer(), makePeer()])
    const [left, right] = multiaddrConnectionPair({ delay: 5 })
    const inbound = b.encrypter.secureInbound(right)
    const outbound = await a.encrypter.secureOutbound(left)
    outbound.connection.send(pattern(100))
    const received = collect((await inbound).connection)
    await vi.waitFor(() => expect(received.bytes()).toEqual(pattern(100)))
  })

  it('tells the other side of our certificates and stream muxers', async () => {
    const hash = Uint8Array.of(1, 2, 3)
    const { outbound, inbound } = await securedPair({
      outbound: { muxers: ['/yamux/1.0.0'], extensions: { webtransportCerthashes: [hash] } },
      inbound: { muxers: ['/yamux/1.0.0'] },
    })
    expect(inbound.remoteExtensions).toEqual({ webtransportCerthashes: [hash], streamMuxers: ['/yamux/1.0.0'] })
    expect(outbound.remoteExtensions).toEqual({ webtransportCerthashes: [], streamMuxers: ['/yamux/1.0.0'] })
  })

  it('chooses the first muxer of the initiator that both have, on both sides', async () => {
    const settled = await both({ muxers: ['/x', '/b', '/a'] }, { muxers: ['/a', '/b'] })
    expect(settled).toEqual([
      { status: 'fulfilled', value: '/b' },
      { status: 'fulfilled', value: '/b' },
    ])
  })

  it('chooses no muxer where one side names none, or negotiation is skipped', async () => {
    const none = { status: 'fulfilled', value: undefined }
    expect(await both({ muxers: [] }, { muxers: ['/a'] })).toEqual([none, none])
    expect(await both({ muxers: ['/b'] }, { muxers: ['/a'] }, true)).toEqual([none, none])
  })

  it('fails where both name muxers and none in common', async () => {
    const [outbound, inbound] = await both({ muxers: ['/b'] }, { muxers: ['/a'] })
    const message = expect.stringMatching(/\/b.*\/a/)
    expect(outbound).toMatchObject({ status: 'rejected', reason: { code: 'no-common-muxer', message } })
    expect(inbound?.status).toBe('rejected')
  })

  it('fails where the prologues differ', async () => {
    const [outbound] = await both({ prologueBytes: Uint8Array.of(1) }, { prologueBytes: Uint8Array.of(2) })
    expect(outbound).toMatchObject({ status: 'rejected', reason: { code: 'forged' } })
    const [same] = await both({ prologueBytes: Uint8Array.of(1) }, { prologueBytes: Uint8Array.of(1) })
    expect(same?.status).toBe('fulfilled')
  })

  it('uses one static key for all its handshakes, the given one where there is one', async () => {
    const used: string[] = []
    const crypto = {
      ...native,
      sharedSecret: (privateKey: Uint8Array, publicKey: Uint8Array) => {
        used.push(Buffer.from(privateKey).toString('hex'))
        return native.sharedSecret(privateKey, publicKey)
      },
    }
    const staticNoiseKey = pattern(32)
    const [a, b] = await Promise.all([makePeer({ crypto, staticNoiseKey }), makePeer()])
    for (let i = 0; i < 2; i++) {
      const [left, right] = multiaddrConnectionPair()
      await Promise.all([a.encrypter.secureOutbound(left), b.encrypter.secureInbound(right)])
    }
    expect(used.filter((key) => key === Buffer.from(staticNoiseKey).toString('hex'))).toHaveLength(2)
  })

  it('rejects with the reason of the signal, and leaves no listener and no timer', async () => {
    const { encrypter } = await makePeer()
    const [left, right] = multiaddrConnectionPair()
    const before = listeners(left)
    const controller = new AbortController()
    const pending = encrypter.secureOutbound(left, { signal: controller.signal })
    const reason = new RangeError('enough')
    setTimeout(() => controller.abort(reason))
    await expect(pending).rejects.toBe(reason)
    expect(left.status).toBe('aborted')
    expect(listeners(left)).toEqual(before)
    await expect(encrypter.secureInbound(right, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  it('leaves no listener and no timer behind a handshake that succeeded', async () => {
    const [started, cleared] = [vi.spyOn(globalThis, 'setTimeout'), vi.spyOn(globalThis, 'clearTimeout')]
    const handshakeTimeoutMs = 54_321
    const { below } = await securedPair({ outbound: { handshakeTimeoutMs }, inbound: { handshakeTimeoutMs } })
    const timers = started.mock.results.filter((_, index) => started.mock.calls[index]?.[1] === handshakeTimeoutMs)
    expect(timers).toHaveLength(2)
    for (const { value } of timers) expect(cleared).toHaveBeenCalledWith(value)
    vi.restoreAllMocks()
    // One of each by the encrypted stream, and those that the base classes have of their own.
    const [bare] = multiaddrConnectionPair()
    const own = listeners(bare)
    expect(listeners(below[0])).toEqual(
      Object.fromEntries(Object.entries(own).map(([type, count]) => [type, type === 'end' ? count : count + 1])),
    )
  })

  it.each([
    ['initiator', 'secureOutbound'],
    ['responder', 'secureInbound'],
  ] as const)('gives up as %s when handshakeTimeoutMs is over', async (_, method) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const { counts, metrics } = fakeMetrics()
      const { encrypter } = await makePeer({ metrics })
      const [left] = multiaddrConnectionPair()
      const before = listeners(left)
      const failed = rejection(encrypter[method](left))
      await vi.advanceTimersByTimeAsync(DEFAULT_HANDSHAKE_TIMEOUT_MS - 1)
      expect(left.status).toBe('open')
      await vi.advanceTimersByTimeAsync(1)
      expect(await failed).toMatchObject({ name: 'TimeoutError', message: expect.stringContaining('10000') })
      expect(left.status).toBe('aborted')
      expect(listeners(left)).toEqual(before)
      expect(counts['libp2p_noise_xxhandshake_error_total']).toBe(1)
    } finally {
      vi.useRealTimers()
    }
  })

  it('does not wait longer for a verifier that hangs', async () => {
    const [a, b] = await Promise.all([makePeer({ handshakeTimeoutMs: 50 }), makePeer()])
    const hanging = { ...b.privateKey, sign: () => new Promise<Uint8Array>(() => {}) } as typeof b.privateKey
    const c = await makePeer({ privateKey: hanging, handshakeTimeoutMs: 50 })
    const [left, right] = multiaddrConnectionPair()
    await expect(
      Promise.all([a.encrypter.secureOutbound(left), c.encrypter.secureInbound(right)]),
    ).rejects.toMatchObject({
      name: 'TimeoutError',
    })
  })

  it('counts by the names of @libp2p/noise', async () => {
    const { counts, metrics } = fakeMetrics()
    const { outbound, inbound } = await securedPair({ outbound: { metrics } })
    const received = collect(inbound.connection)
    const echoed = collect(outbound.connection)
    outbound.connection.send(new Uint8Array(65_520))
    inbound.connection.send(new Uint8Array(1))
    await vi.waitFor(() => expect([received.size(), echoed.size()]).toEqual([65_520, 1]))
    expect(counts).toEqual({
      libp2p_noise_xxhandshake_successes_total: 1,
      libp2p_noise_xxhandshake_error_total: 0,
      libp2p_noise_encrypted_packets_total: 2,
      libp2p_noise_decrypted_packets_total: 1,
      libp2p_noise_decrypt_errors_total: 0,
    })
  })

  it('fails with a RangeError where our own payload does not fit into a message', async () => {
    const webtransportCerthashes = [new Uint8Array(65_535)]
    const [outbound] = await both({ extensions: { webtransportCerthashes } }, {})
    expect(outbound).toMatchObject({ status: 'rejected', reason: { name: 'RangeError' } })
  })

  it('signs again at the next handshake where signing failed', async () => {
    const [a, b] = await Promise.all([makePeer(), makePeer()])
    const sign = vi.fn<typeof b.privateKey.sign>(b.privateKey.sign.bind(b.privateKey))
    sign.mockRejectedValueOnce(new TypeError('the signer is away'))
    const remote = Object.assign(Object.create(b.privateKey) as typeof b.privateKey, { sign })
    const { encrypter } = await makePeer({ privateKey: remote })
    const [left, right] = multiaddrConnectionPair()
    const failed = rejection(a.encrypter.secureOutbound(left))
    await expect(encrypter.secureInbound(right)).rejects.toThrow('the signer is away')
    expect(await failed).toMatchObject({ code: 'closed' })
    for (let i = 0; i < 2; i++) {
      const [again, target] = multiaddrConnectionPair()
      await Promise.all([a.encrypter.secureOutbound(again), encrypter.secureInbound(target)])
    }
    expect(sign).toHaveBeenCalledTimes(2)
  })

  it('names what it can do', async () => {
    const { encrypter } = await makePeer()
    expect(encrypter.protocol).toBe('/noise')
    expect(encrypter).toMatchObject({ [serviceCapabilities]: ['@libp2p/connection-encryption', '@libp2p/noise'] })
  })

  it.each([
    { staticNoiseKey: new Uint8Array(31) },
    { handshakeTimeoutMs: 0 },
    { handshakeTimeoutMs: Number.NaN },
    { handshakeTimeoutMs: 2 ** 31 },
    { maxHandshakeBytes: 1_023 },
    { maxHandshakeBytes: 65_536 },
    { maxBatchBytes: 65_518 },
    { maxBatchBytes: 65_519.5 },
  ] satisfies NoiseInit[])('refuses %o', async (init) => {
    await expect(makePeer(init)).rejects.toThrow(RangeError)
  })
})

it('overwrites every key that was derived where it fails after the last message', async () => {
  const derived: Uint8Array[] = []
  const hmacSha256 = (key: Uint8Array, data: Uint8Array): Uint8Array => {
    const output = native.hmacSha256(key, data)
    derived.push(output)
    return output
  }
  const muxers = new Map([['/a', {} as StreamMuxerFactory]])
  vi.spyOn(muxers, 'get').mockImplementation(() => {
    throw new TypeError('thrown by a test')
  })
  const remote = await makePeer({ muxers: ['/a'] })
  const encrypter = noise({ crypto: { ...native, hmacSha256 } })({
    privateKey: remote.privateKey,
    logger: defaultLogger(),
    upgrader: { getStreamMuxers: () => muxers },
  })
  const [left, right] = multiaddrConnectionPair()
  const outcome = await Promise.allSettled([encrypter.secureOutbound(left), remote.encrypter.secureInbound(right)])
  expect(outcome[0]).toMatchObject({ status: 'rejected', reason: { message: 'thrown by a test' } })
  expect(new Set(derived.map(toHex))).toEqual(new Set(['00'.repeat(32)]))
})

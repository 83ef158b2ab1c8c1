import { SendQueue } from '@gridmesh/chunking'
import type { Lane, RateCost, RateLimiter } from '@gridmesh/interfaces'
import type { Stream } from '@libp2p/interface'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { toWireError } from '../src/remote-errors.ts'
import { encodeCall, encodeCredit, encodeError, encodeName, encodePayload, encodeSignal, TYPE } from '../src/wire.ts'
import { flooder } from './flooder.ts'
import { bytes, collect, frames, gate, items, node, pair, peerManagerStub, raw, text } from './helpers.ts'

const PROTOCOL = '/gridmesh/unicast/1/high'
const SIGNAL: RateCost = { messages: 1, bytes: 2 }
const LIMITED = { ok: false, limit: 'messagesPerSecond', value: 100, retryAfterMs: 12 } as const
const peers = peerManagerStub()
const take = vi.fn<RateLimiter['take']>(() => ({ ok: true }))
const whenAllowed = vi.fn<RateLimiter['whenAllowed']>(async () => {})
let link: Awaited<ReturnType<typeof pair>>

beforeAll(async () => {
  const nearLimiter = { take: () => ({ ok: true }), whenAllowed }
  link = await pair(
    { stubs: { rateLimiter: nearLimiter, peerManager: peers } },
    { init: { maxDeadlineMs: 40 }, stubs: { rateLimiter: { take } } },
  )
  link.answer.handle('echo', (question) => question)
  link.answer.handleStream('echo-stream', async function* echo(source) {
    yield* source
  })
})

beforeEach(() => {
  peers.reports.length = 0
  take.mockReset()
  take.mockReturnValue({ ok: true })
  whenAllowed.mockReset()
  whenAllowed.mockResolvedValue()
})

afterEach(() => link.answer.unhandle('test'))

afterAll(async () => link.stop())

/** Costs that were charged for messages, in order. */
const charged = (): (RateCost | undefined)[] =>
  take.mock.calls.filter(([, , cost]) => cost?.messages != null).map(([, , cost]) => cost)

const open = (id: number, name = 'echo-stream') => encodeCall(TYPE.open, id, 0, undefined, encodeName(name), bytes(''))

/** Makes a call, and gives it up once its handler has it. */
async function giveUp(question: Uint8Array, lane: Lane): Promise<void> {
  const started = gate()
  link.answer.handle('test', () => {
    started.resolve()
    return new Promise(() => undefined)
  })
  const controller = new AbortController()
  const calling = link.call.send(link.b.peerId, 'test', question, { lane, signal: controller.signal })
  await started.promise
  controller.abort()
  await expect(calling).rejects.toMatchObject({ name: 'AbortError' })
}

describe('the signals of a stream', () => {
  it('are charged as messages: a credit, an end and a cancel, whether there is a call for them or not', async () => {
    const stream = await raw(link.a, link.b)
    const encode = frames()
    stream.send(encode(encodeCredit(7, 1), encodeSignal(TYPE.end, 7), encodeSignal(TYPE.cancel, 7)))
    await vi.waitFor(() => expect(charged()).toEqual([{ messages: 1, bytes: 3 }, SIGNAL, SIGNAL]))
    expect(take.mock.lastCall).toMatchObject([link.a.peerId, PROTOCOL, SIGNAL, 'high'])
    expect(take.mock.calls[0]).toMatchObject([link.a.peerId, PROTOCOL, { streams: 1 }, 'high'])
    stream.abort(new RangeError('done'))
  })

  it('are charged each, in a flood of a thousand, and so are items of calls that are over', async () => {
    const stream = await raw(link.a, link.b)
    const encode = frames()
    const late = Array.from({ length: 250 }, () => [
      encodeCredit(7, 1),
      encodeSignal(TYPE.end, 7),
      encodeSignal(TYPE.cancel, 7),
      encodePayload(TYPE.data, 7, bytes('late')),
    ])
    stream.send(encode(...late.flat()))
    await vi.waitFor(() => expect(charged()).toHaveLength(1_000))
    expect(stream.status).toBe('open')
    stream.abort(new RangeError('done'))
  })

  it.each([
    ['a credit', encodeCredit(1, 1)],
    ['an end', encodeSignal(TYPE.end, 1)],
  ])('end their call with the limit where they are over it: %s', async (_, message) => {
    const aborted = gate()
    link.answer.handleStream('test', async function* wait(_source, { signal }) {
      signal.addEventListener('abort', () => aborted.resolve())
      await aborted.promise
      yield bytes('')
    })
    const stream = await raw(link.a, link.b)
    const answers: Uint8Array[] = []
    stream.addEventListener('message', ({ data }) => answers.push(data.subarray()))
    const encode = frames()
    stream.send(encode(open(1, 'test')))
    await vi.waitFor(() => expect(charged()).toHaveLength(1))
    take.mockReturnValue(LIMITED)
    stream.send(encode(message))
    await aborted.promise
    await vi.waitFor(() => expect(text(Buffer.concat(answers))).toContain('messagesPerSecond'))
    stream.abort(new RangeError('done'))
  })

  it('are obeyed over the limit where they end work: a cancel', async () => {
    const started = gate()
    const aborted = gate()
    link.answer.handle('test', async (_question, { signal }) => {
      signal.addEventListener('abort', () => aborted.resolve())
      started.resolve()
      await aborted.promise
    })
    const stream = await raw(link.a, link.b)
    const encode = frames()
    stream.send(encode(encodeCall(TYPE.request, 1, 10_000, undefined, encodeName('test'), bytes(''))))
    await started.promise
    take.mockReturnValue(LIMITED)
    stream.send(encode(encodeSignal(TYPE.cancel, 1)))
    await aborted.promise
    expect(charged()).toHaveLength(2)
    stream.abort(new RangeError('done'))
  })

  it('wait, as calls and items do, until the far side takes them', async () => {
    const paced = (): number[] => whenAllowed.mock.calls.map(([, cost]) => cost?.bytes ?? -1)
    const lanes = (): unknown[] => whenAllowed.mock.calls.map(([, , options]) => options?.lane)
    const large = new Uint8Array(200_000)
    await collect(link.call.requestStream(link.b.peerId, 'echo-stream', items(large, bytes('end')), { lane: 'high' }))
    // The call, two items, the end, and the credit for the large answer.
    expect(paced().toSorted((a, b) => a - b)).toEqual([0, 2, 3, 5, 200_000])
    // In the lane of their call: the limiter lets the more urgent ones pass first.
    expect(new Set(lanes())).toEqual(new Set(['high']))
    whenAllowed.mockClear()
    await giveUp(bytes('123'), 'critical')
    expect(paced()).toEqual([3, 2])
    expect(lanes()).toEqual(['critical', 'critical'])
  })

  it('are left out, and nothing else is lost, where the far side takes none', async () => {
    // The call is let pass, and what tells of its end is not.
    whenAllowed.mockResolvedValueOnce().mockRejectedValue(new RangeError('the queue is full'))
    await giveUp(bytes(''), 'normal')
    expect(whenAllowed).toHaveBeenCalledTimes(2)
    whenAllowed.mockResolvedValue()
    expect(text(await link.call.request(link.b.peerId, 'echo', bytes('on')))).toBe('on')
  })
})

it.each([
  ['no deadline', 0],
  ['a later one', 600_000],
])('holds a handler no longer than maxDeadlineMs for a caller that names %s', async (_, deadlineMs) => {
  const aborted = gate()
  link.answer.handle('test', async (_question, { signal }) => {
    signal.addEventListener('abort', () => aborted.resolve())
    await aborted.promise
  })
  const stream = await raw(link.a, link.b)
  stream.send(frames()(encodeCall(TYPE.request, 1, deadlineMs, undefined, encodeName('test'), bytes(''))))
  await aborted.promise
  expect(stream.status).toBe('open')
  stream.abort(new RangeError('done'))
})

/** A peer that answers by hand, and a call to it under way. */
async function liar(answer: (stream: Stream, encode: ReturnType<typeof frames>) => void) {
  const remote = await node()
  await remote.unhandle(PROTOCOL)
  await remote.handle(PROTOCOL, (stream) => {
    stream.addEventListener('message', () => answer(stream, frames()), { once: true })
  })
  await link.a.dial(remote.getMultiaddrs())
  return remote
}

describe('an answering peer', () => {
  it('loses its stream for answers to calls that are over, beyond what was under way', async () => {
    const remote = await liar((stream, encode) => {
      stream.send(encode(...Array.from({ length: 10 }, () => encodePayload(TYPE.response, 0, bytes('again')))))
    })
    await link.call.request(remote.peerId, 'echo', bytes(''), { lane: 'high' })
    await vi.waitFor(() => expect(peers.reports).toMatchObject([{ class: 'protocol-violation' }]))
    await remote.stop()
  })

  it('may still answer a call that was given up', async () => {
    let reply: (() => void) | undefined
    const remote = await liar((stream, encode) => {
      reply = () => void stream.send(encode(encodePayload(TYPE.response, 0, new Uint8Array(40_000))))
    })
    const calling = link.call.request(remote.peerId, 'echo', bytes(''), { lane: 'high', deadlineMs: 30 })
    await expect(calling).rejects.toMatchObject({ name: 'TimeoutError' })
    reply?.()
    const [stream] = link.a.getConnections(remote.peerId).flatMap(({ streams }) => streams)
    await new Promise((done) => setImmediate(done))
    expect(stream?.status).toBe('open')
    expect(peers.reports.filter((report) => report.class === 'protocol-violation')).toEqual([])
    await remote.stop()
  })

  it('that takes nothing does not hold the source of a call that is over', async () => {
    const remote = await liar((stream) => stream.pause())
    const returned = gate()
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield new Uint8Array(3e6)
      } finally {
        returned.resolve()
      }
    }
    const controller = new AbortController()
    const options = { lane: 'high', signal: controller.signal } as const
    const answers = collect(link.call.requestStream(remote.peerId, 'echo', source(), options))
    await vi.waitUntil(() => link.a.getConnections(remote.peerId)[0]?.streams.some((each) => each.writableNeedsDrain))
    controller.abort()
    await expect(answers).rejects.toMatchObject({ name: 'AbortError' })
    await returned.promise
    await remote.stop()
  })

  it('may give an item of one streamed call up, and end that call, without the loss of another', async () => {
    const remote = await node()
    const asked: Uint8Array[] = []
    let answering: Stream | undefined
    await remote.unhandle(PROTOCOL)
    await remote.handle(PROTOCOL, (stream) => {
      answering = stream
      stream.addEventListener('message', ({ data }) => asked.push(data.subarray()))
    })
    await link.a.dial(remote.getMultiaddrs())
    const ask = async (name: string) => collect(link.call.requestStream(remote.peerId, name, items(), { lane: 'high' }))
    const [first, second] = [ask('first'), ask('second')]
    await vi.waitUntil(() => /first.*second/s.test(text(Buffer.concat(asked))))
    const queue = new SendQueue()
    const send = (): void => void answering?.send(queue.nextBatch() ?? bytes(''))
    const item = queue.add(encodePayload(TYPE.data, 0, new Uint8Array(100_000)), {})
    send()
    queue.cancel(item)
    queue.add(encodeError(0, toWireError(new RangeError('no more'))), {})
    queue.add(encodePayload(TYPE.data, 1, bytes('whole')), {})
    queue.add(encodeSignal(TYPE.end, 1), {})
    send()
    await expect(first).rejects.toMatchObject({ name: 'RemoteError', message: 'no more' })
    expect((await second).map(text)).toEqual(['whole'])
    await remote.stop()
  })

  it('loses its stream for more credits than items', async () => {
    const remote = await liar((stream, encode) => {
      stream.send(encode(...Array.from({ length: 3 }, () => encodeCredit(0, 0))))
    })
    const answers = collect(link.call.requestStream(remote.peerId, 'echo', items(), { lane: 'high' }))
    await expect(answers).rejects.toMatchObject({ name: 'LinkLostError', cause: { name: 'MalformedMessageError' } })
    expect(peers.reports).toMatchObject([{ class: 'protocol-violation' }])
    await remote.stop()
  })
})

describe('streams of a peer that is not ready', () => {
  it('wait at most two in a lane, and the others are refused with the limit', async () => {
    const { promise, resolve } = gate()
    const handshake = { isReady: () => false, whenReady: () => promise }
    const guarded = await node({}, { handshake })
    const { node: stranger } = await flooder()
    const connection = await stranger.dial(guarded.getMultiaddrs())
    const streams = await Promise.all(
      Array.from({ length: 30 }, async () => connection.newStream(PROTOCOL, { maxOutboundStreams: 100 })),
    )
    const refusals: string[] = []
    for (const stream of streams) stream.addEventListener('message', ({ data }) => refusals.push(text(data.subarray())))
    await vi.waitFor(() => expect(streams.filter(({ status }) => status === 'open')).toHaveLength(2), 4_000)
    expect(refusals.every((refusal) => refusal.includes('too-many-streams'))).toBe(true)
    expect(refusals[0]).toContain('streamsPerLane')
    resolve()
    await stranger.stop()
    await guarded.stop()
  })
})

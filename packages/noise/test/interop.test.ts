import type { ConnectionEncrypter, Libp2p, Stream } from '@libp2p/interface'
import { noise as theirs } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { noise as ours, type NoiseComponents } from '../src/index.ts'
import { collect, ended, pattern, wasm } from './helpers.ts'

const ECHO = '/echo/1'
const nodes: Libp2p[] = []

afterEach(async () => {
  // One after the other: two ends of a connection that close at once wait for each other's timeout.
  for (const node of nodes.splice(0)) await node.stop()
})

type Factory = (components: NoiseComponents & Parameters<ReturnType<typeof theirs>>[0]) => ConnectionEncrypter

async function create(encrypter: Factory): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [encrypter],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  })
  nodes.push(node)
  return node
}

/** A stream from the first to the second, which sends back whatever comes. */
async function echoStream(first: Factory, second: Factory): Promise<{ stream: Stream; from: Libp2p; to: Libp2p }> {
  const [from, to] = await Promise.all([create(first), create(second)])
  await to.handle(ECHO, async (stream) => {
    for await (const data of stream) {
      if (!stream.send(data)) await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
    }
    await stream.close()
  })
  const connection = await from.dial(to.getMultiaddrs())
  expect(connection.encryption).toBe('/noise')
  expect(connection.remotePeer.equals(to.peerId)).toBe(true)
  return { stream: await connection.newStream(ECHO), from, to }
}

/** Sends all parts, as fast as the stream takes them. */
async function sendAll(stream: Stream, parts: Iterable<Uint8Array>): Promise<void> {
  for (const part of parts) {
    if (!stream.send(part)) await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
  }
}

/** Parts of many different lengths, the same in every run. */
function* fragments(bytes: Uint8Array): Generator<Uint8Array> {
  let seed = 42
  for (let at = 0; at < bytes.length;) {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7f_ff_ff_ff
    const length = 1 + (seed % 150_000)
    yield bytes.subarray(at, at + length)
    at += length
  }
}

const PAIRS: { from: string; to: string; first: Factory; second: Factory }[] = [
  { from: 'ours', to: '@libp2p/noise', first: ours(), second: theirs() },
  { from: '@libp2p/noise', to: 'ours', first: theirs(), second: ours() },
  { from: 'ours', to: 'ours', first: ours(), second: ours() },
  { from: 'ours by WebAssembly', to: '@libp2p/noise', first: ours({ crypto: wasm }), second: theirs() },
]

describe.each(PAIRS)('over TCP, dialled by $from, to $to', ({ first, second }) => {
  it('echoes a small message, 1 MiB at once, 10 MiB in fragments, and many small messages of one tick', async () => {
    const { stream } = await echoStream(first, second)
    const received = collect(stream)
    const sent: Uint8Array[] = [pattern(128), pattern(2 ** 20), ...fragments(pattern(10 * 2 ** 20))]
    await sendAll(stream, sent)
    const small = Array.from({ length: 500 }, (_, index) => pattern((index % 50) + 1))
    for (const message of small) stream.send(message)
    const expected = Buffer.concat([...sent, ...small])
    await vi.waitFor(() => expect(received.size()).toBe(expected.length), { timeout: 30_000, interval: 20 })
    expect(expected.equals(received.bytes())).toBe(true)
  }, 60_000)

  it('closes a stream by halves, and sends all before', async () => {
    const { stream } = await echoStream(first, second)
    const received = collect(stream)
    const over = ended(stream)
    stream.send(pattern(200_000))
    await stream.close()
    await expect(over).resolves.toMatchObject({ error: undefined })
    expect(received.bytes()).toEqual(pattern(200_000))
  })

  it('passes an abort of the connection, and its close', async () => {
    const { from, to } = await echoStream(first, second)
    const gone = (): Promise<unknown> =>
      new Promise((resolve) => to.addEventListener('peer:disconnect', resolve, { once: true }))
    const aborted = gone()
    from.getConnections()[0]?.abort(new RangeError('enough'))
    await aborted
    await from.dial(to.getMultiaddrs())
    const closed = gone()
    await from.getConnections()[0]?.close()
    await closed
    await vi.waitFor(() => expect([from, to].map((each) => each.getConnections().length)).toEqual([0, 0]))
  })

  it('refuses a dial to another peer than the one that answers', async () => {
    const [from, to, other] = await Promise.all([create(first), create(second), create(second)])
    const [address] = to.getMultiaddrs()
    if (address === undefined) throw new TypeError('the node listens')
    const wrong = address.decapsulate('/p2p').encapsulate(`/p2p/${other.peerId.toString()}`)
    await expect(from.dial(wrong)).rejects.toThrow(to.peerId.toString())
  })
})

// Libp2p ends a connection that more than ten streams reach before it is set up, so none may be let through by then.
it.each(PAIRS.filter(({ to }) => to === 'ours'))(
  'has all streams that $from opens in one turn, right after the dial',
  async ({ first, second }) => {
    const [from, to] = await Promise.all([create(first), create(second)])
    await to.handle(ECHO, (stream) => void stream.send(pattern(1)))
    const connection = await from.dial(to.getMultiaddrs())
    const streams = await Promise.all(Array.from({ length: 30 }, () => connection.newStream(ECHO)))
    const received = streams.map((stream) => collect(stream))
    await vi.waitFor(() => expect(received.map((each) => each.size())).toEqual(streams.map(() => 1)))
  },
)

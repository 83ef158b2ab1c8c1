import { connect, createServer, type Socket } from 'node:net'
import type { Connection, Libp2p, MultiaddrConnection, StreamMuxer } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { expect, it, onTestFinished, vi } from 'vitest'
import { nodeConfigSchema } from '../../src/config/schema.ts'
import { linkOptions } from '../../src/links/options.ts'

const YAMUX_HEADER_BYTES = 12
const [PING, SYN] = [2, 1]

/** Many pings of yamux, each of which is answered. */
function pings(count: number): Uint8Array {
  const bytes = new Uint8Array(count * YAMUX_HEADER_BYTES)
  for (let at = 0; at < bytes.length; at += YAMUX_HEADER_BYTES) bytes.set([0, PING, 0, SYN], at)
  return bytes
}

/** A muxer that sends pings for as long as the connection takes them, and answers nothing. */
function createStreamMuxer(connection: MultiaddrConnection): StreamMuxer {
  const flood = (): void => {
    while (connection.status === 'open' && connection.send(pings(4_096))) continue
  }
  connection.addEventListener('drain', flood)
  setImmediate(flood)
  const idle = { status: 'open', streams: [], close: async () => {}, abort: () => {} }
  return Object.assign(new EventTarget(), idle) as unknown as StreamMuxer
}

/** A way to a port, by `carry` from one end to the other and back. */
async function wayTo(
  to: number,
  carry: (from: Socket, to: Socket) => void,
): Promise<{ port: number; far: () => Socket | undefined }> {
  const sockets: Socket[] = []
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1')
    sockets.push(far, near)
    for (const socket of [near, far]) socket.on('error', () => {})
    carry(near, far)
    carry(far, near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    far: () => sockets[0],
  }
}

/** What is read at once goes on, and then nothing more for 5 ms. */
function slowly(from: Socket, to: Socket): void {
  from.on('data', (bytes) => {
    to.write(bytes)
    from.pause()
    setTimeout(() => from.resume(), 5)
  })
}

const config = nodeConfigSchema.parse({ p2p: { encryption: 'tls', host: '127.0.0.1', port: 0 } })

async function someLink(): Promise<Libp2p> {
  const node = await createLibp2p(await linkOptions(config, {}))
  onTestFinished(async () => node.stop())
  return node
}

/** The address of a node, by another port. */
function addressOf(node: Libp2p, port: number): Multiaddr {
  return multiaddr(`/ip4/127.0.0.1/tcp/${port}/p2p/${node.peerId.toString()}`)
}

function portOf(node: Libp2p): number {
  return Number(node.getMultiaddrs()[0]?.getComponents()[1]?.value)
}

it('ends a TLS connection whose peer sends pings and reads no answer', async () => {
  const victim = await someLink()
  const { port, far } = await wayTo(portOf(victim), (from, to) => from.pipe(to))
  const attacker = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [tls()],
    streamMuxers: [() => ({ protocol: '/yamux/1.0.0', createStreamMuxer })],
    connectionMonitor: { enabled: false },
  })
  onTestFinished(async () => attacker.stop())
  const errors: (string | undefined)[] = []
  victim.addEventListener('connection:open', ({ detail }) => {
    far()?.unpipe().pause()
    detail.addEventListener('close', ({ error }) => errors.push(error?.name))
  })
  await attacker.dial(addressOf(victim, port))
  await vi.waitFor(() => expect(errors).toEqual(['StreamBufferError']), { timeout: 20_000 })
  expect(victim.getConnections()).toEqual([])
})

it('keeps a TLS connection on which many streams wait for a slow link', async () => {
  const [streams, bytes] = [32, 524_288]
  const nodes = [await someLink(), await someLink()] as const
  let received = 0
  for (const node of nodes) {
    await node.handle('/test/1.0.0', (stream) => {
      stream.addEventListener('message', ({ data }) => (received += data.byteLength))
    })
  }
  const [listener, dialler] = nodes
  const { port } = await wayTo(portOf(listener), slowly)
  const opened = Promise.withResolvers<Connection>()
  listener.addEventListener('connection:open', ({ detail }) => opened.resolve(detail))
  const ends = [await dialler.dial(addressOf(listener, port)), await opened.promise]
  const opening = ends.flatMap((end) => Array.from({ length: streams }, async () => end.newStream('/test/1.0.0')))
  for (const stream of await Promise.all(opening)) {
    stream.send(new Uint8Array(bytes))
  }
  await vi.waitFor(() => expect(received).toBe(ends.length * streams * bytes))
  expect(ends.map(({ status }) => status)).toEqual(['open', 'open'])
})

import { connect, createServer, type Socket } from 'node:net'
import type { MultiaddrConnection, StreamMuxer } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { multiaddr } from '@multiformats/multiaddr'
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

/** A way to a port on which nothing comes back any more from the moment that it is stopped up. */
async function oneWay(to: number): Promise<{ port: number; stopUp: () => void }> {
  const sockets: Socket[] = []
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1')
    sockets.push(far, near)
    for (const socket of [near, far]) socket.on('error', () => {})
    near.pipe(far).pipe(near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  const stopUp = (): void => {
    const [far] = sockets
    far?.unpipe().pause()
  }
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, stopUp }
}

it('ends a TLS connection whose peer sends pings and reads no answer', async () => {
  const config = nodeConfigSchema.parse({ p2p: { encryption: 'tls', host: '127.0.0.1', port: 0 } })
  const victim = await createLibp2p(await linkOptions(config, {}))
  const [address] = victim.getMultiaddrs()
  const { port, stopUp } = await oneWay(Number(address?.getComponents()[1]?.value))
  const attacker = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [tls()],
    streamMuxers: [() => ({ protocol: '/yamux/1.0.0', createStreamMuxer })],
    connectionMonitor: { enabled: false },
  })
  onTestFinished(async () => {
    await Promise.all([victim.stop(), attacker.stop()])
  })
  const errors: (string | undefined)[] = []
  victim.addEventListener('connection:open', ({ detail }) => {
    stopUp()
    detail.addEventListener('close', ({ error }) => errors.push(error?.name))
  })
  await attacker.dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}/p2p/${victim.peerId.toString()}`))
  await vi.waitFor(() => expect(errors).toEqual(['StreamBufferError']), { timeout: 20_000 })
  expect(victim.getConnections()).toEqual([])
})

// A bare fan-out: one kept libp2p stream to each peer, over `@libp2p/noise`, and a message with its length before it.
import type { Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { type MakeNode, serveNodes } from './broadcast-host.ts'

const PROTOCOL = '/bench/fan-out/1'
const LENGTH_BYTES = 4

const make: MakeNode = async (onMessage) => {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    connectionManager: { inboundConnectionThreshold: Number.POSITIVE_INFINITY, maxIncomingPendingConnections: 1_000 },
  })
  const streams: Stream[] = []
  let sources = 0
  // Who dials takes; who is dialled sends, on the stream that the other has opened for it.
  await libp2p.handle(PROTOCOL, (stream) => {
    streams.push(stream)
    stream.addEventListener('close', () => streams.splice(streams.indexOf(stream), 1))
  })
  return {
    address: () => String(libp2p.getMultiaddrs()[0]),
    dial: async (address) => {
      const stream = await libp2p.dialProtocol(multiaddr(address), PROTOCOL)
      stream.send(new Uint8Array(1))
      receive(stream, onMessage)
      sources++
    },
    reach: () => streams.length + sources,
    publish: async (message) => {
      const framed = Buffer.allocUnsafe(LENGTH_BYTES + message.byteLength)
      framed.writeUInt32BE(message.byteLength)
      framed.set(message, LENGTH_BYTES)
      for (const stream of streams) stream.send(framed)
    },
    stop: async () => libp2p.stop(),
  }
}

function receive(stream: Stream, onMessage: (message: Uint8Array) => void): void {
  let pending: Buffer = Buffer.alloc(0)
  stream.addEventListener('message', ({ data }) => {
    pending = Buffer.concat([pending, data.subarray()])
    while (pending.byteLength >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + pending.readUInt32BE()
      if (pending.byteLength < end) break
      onMessage(pending.subarray(LENGTH_BYTES, end))
      pending = pending.subarray(end)
    }
  })
}

serveNodes(make)

// Puts one package, @gridmesh/chunking, over a stream of plain libp2p nodes: a large message does not hold up the small
// and urgent one that was queued behind it.
// Run: node examples/chunking-alone.ts
import assert from 'node:assert/strict'
import { FrameChannel } from '@gridmesh/chunking'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

const PROTOCOL = '/frames/1'
const create = () =>
  createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
  })
const [alice, bob] = await Promise.all([create(), create()])

const arrived: number[] = []
const { promise: over, resolve, reject } = Promise.withResolvers<void>()
const settle = (error?: Error) => (error === undefined ? resolve() : reject(error))
await bob.handle(PROTOCOL, (stream) => {
  const channel = new FrameChannel(stream, {
    onMessage: (bytes) => {
      arrived.push(bytes.byteLength)
      console.log(`bob has a message of ${bytes.byteLength} bytes`)
    },
    onMessageLost: reject,
    // Alice has ended her side: end ours.
    onEnd: () => void channel.close().catch(reject),
    onClose: settle,
  })
  channel.start()
})

const stream = await alice.dialProtocol(bob.getMultiaddrs(), PROTOCOL)
const channel = new FrameChannel(stream, { onMessage: () => {} })
channel.start()
const large = channel.send(new Uint8Array(8_000_000), { lane: 'bulk' })
console.log(`${channel.queuedBytes} bytes are queued, and now an alarm`)
const alarm = channel.send(new TextEncoder().encode('reduce load in bangkok'), { lane: 'critical' })

await Promise.all([large, alarm])
await channel.close()
await over
assert.deepEqual(arrived, [22, 8_000_000])

await alice.stop()
await bob.stop()

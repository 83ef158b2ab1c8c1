// Moves bytes to the side that listens, by `@gridmesh/unicast` or on a bare stream. Arguments: by what, and what encrypts.
import { once } from 'node:events'
import { unicast } from '@gridmesh/unicast'
import type { PeerId, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { bareOptions, type EncrypterName } from './bare-node.ts'
import { serve } from './serve.ts'

const SINK = '/bench/sink/1'
/** Bytes that the sends of unicast may have under way; a stream says by itself when it has enough. */
const UNDER_WAY_BYTES = 4 * 2 ** 20

const [by, encrypter] = process.argv.slice(2) as ['unicast' | 'stream', EncrypterName]
const node = await createLibp2p({ ...bareOptions(encrypter), services: { unicast: unicast() } })
let remote: PeerId | undefined
let sink: Stream | undefined
/** Bytes that are still to come until the sender is told. */
let leftBytes = 0

async function sendByUnicast(peer: PeerId, chunk: Uint8Array, sends: number): Promise<void> {
  let left = sends
  const worker = async (): Promise<void> => {
    while (left-- > 0) await node.services.unicast.send(peer, 'sink', chunk, { lane: 'bulk' })
  }
  await Promise.all(Array.from({ length: Math.ceil(UNDER_WAY_BYTES / chunk.byteLength) }, worker))
}

async function sendOnStream(stream: Stream, chunk: Uint8Array, sends: number): Promise<void> {
  const arrived = once(stream, 'message')
  for (let i = 0; i < sends; i++) {
    stream.send(chunk)
    // Not `onDrain`, which is settled for good by the first drain.
    while (stream.writeBufferLength > UNDER_WAY_BYTES) await once(stream, 'drain')
  }
  await arrived
}

serve({
  async listen(): Promise<string | undefined> {
    node.services.unicast.handle('sink', () => {})
    await node.handle(SINK, (stream) => {
      stream.addEventListener('message', ({ data }) => {
        leftBytes -= data.byteLength
        if (leftBytes === 0) stream.send(Uint8Array.of(1))
      })
    })
    return node.getMultiaddrs()[0]?.toString()
  },
  expect(bytes: number): void {
    leftBytes = bytes
  },
  async connect(address: string): Promise<void> {
    const connection = await node.dial(multiaddr(address))
    remote = connection.remotePeer
    sink = await connection.newStream(SINK)
  },
  /** Sends `sends` chunks of `bytes`. Returns the time until the last has arrived, in ms. */
  async send(bytes: number, sends: number): Promise<number> {
    if (remote === undefined || sink === undefined) throw new RangeError('This side is connected to nobody')
    const chunk = new Uint8Array(bytes).fill(7)
    const start = performance.now()
    await (by === 'unicast' ? sendByUnicast(remote, chunk, sends) : sendOnStream(sink, chunk, sends))
    return performance.now() - start
  },
  /** The most memory that this process ever had, in MB. */
  peakMegabytes: () => process.resourceUsage().maxRSS / 1_000,
  stop: async () => node.stop(),
})

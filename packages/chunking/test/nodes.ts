import { noise } from '@libp2p/noise'
import { memory } from '@libp2p/memory'
import { plaintext } from '@libp2p/plaintext'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import type { Stream } from '@libp2p/interface'
import { createLibp2p, type Libp2p } from 'libp2p'

const PROTOCOL = '/frames/test'
let address = 0

/** Two connected nodes: `open` gives a new stream between them, seen from either end. */
export async function nodes(link: 'memory' | 'tcp' = 'memory') {
  const listen = link === 'memory' ? `/memory/frames-${address++}` : '/ip4/127.0.0.1/tcp/0'
  const node = (addresses: string[]): Promise<Libp2p> =>
    createLibp2p({
      addresses: { listen: addresses },
      transports: [link === 'memory' ? memory() : tcp()],
      connectionEncrypters: [link === 'memory' ? plaintext() : noise()],
      streamMuxers: [yamux()],
    })
  const [dialler, listener] = await Promise.all([node([]), node([listen])])
  const waiting: ((stream: Stream) => void)[] = []
  await listener.handle(PROTOCOL, (stream) => {
    stream.pause()
    waiting.shift()?.(stream)
  })
  const open = async (): Promise<{ near: Stream; far: Stream }> => {
    const { promise, resolve } = Promise.withResolvers<Stream>()
    waiting.push(resolve)
    const near = await dialler.dialProtocol(listener.getMultiaddrs(), PROTOCOL)
    return { near, far: await promise }
  }
  const stop = async (): Promise<void> => {
    // One after the other: two that hang up on each other wait for half a second.
    await dialler.stop()
    await listener.stop()
  }
  return { open, stop }
}

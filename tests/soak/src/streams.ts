import type { GridmeshNode } from '@gridmesh/node'
import { AbortError, TimeoutError, type Connection, type PeerId, type Stream } from '@libp2p/interface'
import { orLate, within } from './within.ts'

const ECHO = '/gridmesh-soak/echo/1'
/** A protocol of unicast that nothing here sends on, so that opening it disturbs no call. */
const UNICAST_LANE = '/gridmesh/unicast/1/bulk'
const STREAM_DEADLINE_MS = 3_000
const MAX_STREAMS = 4_096
const WORDS = new TextEncoder().encode('is anybody there?')

/** Answers the streams of others with their own bytes. `onStream` is called for each. */
export async function serveEcho({ libp2p }: GridmeshNode, onStream: () => void): Promise<void> {
  const echo = async (stream: Stream): Promise<void> => {
    onStream()
    for await (const chunk of stream) stream.send(chunk)
    // The remote may have reset the stream in the place of closing it.
    if (stream.status === 'open') await within(STREAM_DEADLINE_MS, (signal) => stream.close({ signal }))
  }
  await libp2p.handle(ECHO, echo, { maxInboundStreams: MAX_STREAMS, maxOutboundStreams: MAX_STREAMS })
}

/** Opens a stream that the other side keeps open as long as we do. */
export async function openEcho(connection: Connection): Promise<Stream> {
  return connection.newStream(ECHO, { maxOutboundStreams: MAX_STREAMS })
}

/** Opens a stream to a peer, hears its echo, and closes or resets it. */
export async function useStream(node: GridmeshNode, peer: PeerId, end: 'close' | 'abort'): Promise<void> {
  await withStream(node, peer, ECHO, async (stream) => {
    stream.send(WORDS)
    // Goes on until the remote has closed its side too.
    for await (const _ of stream) {
      if (end === 'abort') return
      await stream.close()
    }
  })
}

/** Opens a stream on a protocol of unicast itself and ends it without a word. */
export async function useUnicastStream(node: GridmeshNode, peer: PeerId, end: 'close' | 'abort'): Promise<void> {
  await withStream(node, peer, UNICAST_LANE, async (stream) => {
    if (end === 'abort') return
    await stream.close()
    for await (const _ of stream);
  })
}

/** Runs `use` with a new stream, and resets what is then left of it. */
async function withStream(
  { libp2p }: GridmeshNode,
  peer: PeerId,
  protocol: string,
  use: (stream: Stream) => Promise<void>,
): Promise<void> {
  const stream = await within(STREAM_DEADLINE_MS, (signal) =>
    libp2p.dialProtocol(peer, protocol, { signal, maxOutboundStreams: MAX_STREAMS }),
  )
  try {
    // libp2p's iterator misses an end that came before it began, and goes on for ever.
    await orLate(STREAM_DEADLINE_MS, use(stream), () => new TimeoutError('the stream did not end'))
  } finally {
    // Without effect on one that is closed.
    stream.abort(new AbortError())
  }
}

import type { MessageStream } from '@libp2p/interface'
import { memory } from '@libp2p/memory'
import { plaintext } from '@libp2p/plaintext'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'

const SYN = 1
const DATA = 0
const WINDOW_UPDATE = 1
/** Far above the numbers that the node's own muxer uses; odd, since the flooder is who dials. */
const FIRST_STREAM_ID = 1_000_001

function muxFrame(type: number, flags: number, id: number, length: number): Uint8Array {
  const frame = new DataView(new ArrayBuffer(12))
  frame.setUint8(1, type)
  frame.setUint16(2, flags)
  frame.setUint32(4, id)
  frame.setUint32(8, length)
  return new Uint8Array(frame.buffer)
}

/** A node that can write yamux frames past its own muxer: as fast as a remote that was made for it. */
export async function flooder(): Promise<{ node: Libp2p; flood: (protocol: string, streams: number) => void }> {
  let wire: MessageStream | undefined
  const node = await createLibp2p({
    transports: [memory()],
    connectionEncrypters: [plaintext()],
    streamMuxers: [
      () => {
        const muxer = yamux()()
        return {
          protocol: muxer.protocol,
          createStreamMuxer: (connection) => {
            wire = connection
            return muxer.createStreamMuxer(connection)
          },
        }
      },
    ],
  })
  const flood = (protocol: string, streams: number): void => {
    const lines = ['/multistream/1.0.0\n', `${protocol}\n`].map((line) => Buffer.from(line))
    const hello = Buffer.concat(lines.flatMap((line) => [Uint8Array.of(line.byteLength), line]))
    const frames = Array.from({ length: streams }, (_, i) => {
      const id = FIRST_STREAM_ID + 2 * i
      return [muxFrame(WINDOW_UPDATE, SYN, id, 0), muxFrame(DATA, 0, id, hello.byteLength), hello]
    })
    wire?.send(Buffer.concat(frames.flat()))
  }
  return { node, flood }
}

import type { Socket } from 'node:net'

/** What is asked and answered between two processes; `status` is told without being asked. */
export const FRAME_KINDS = ['status', 'headers', 'blocks', 'piece', 'error'] as const
export type FrameKind = (typeof FRAME_KINDS)[number]

/** One message on the socket. An answer has the id of its question. */
export interface Frame {
  id: number
  kind: FrameKind
  bytes: Uint8Array
}

const LENGTH_BYTES = 4
const HEAD_BYTES = LENGTH_BYTES + 5

/** Writes one frame. */
export function writeFrame(socket: Socket, { id, kind, bytes }: Frame): void {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32BE(bytes.byteLength + HEAD_BYTES - LENGTH_BYTES)
  head.writeUInt32BE(id, LENGTH_BYTES)
  head[HEAD_BYTES - 1] = FRAME_KINDS.indexOf(kind)
  socket.cork()
  socket.write(head)
  socket.write(bytes)
  socket.uncork()
}

/** The frames that come on a socket, until it ends. */
export async function* readFrames(socket: Socket): AsyncGenerator<Frame, void, undefined> {
  let chunks: Buffer[] = []
  let held = 0
  let wanted = HEAD_BYTES
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    held += chunk.byteLength
    if (held < wanted) continue
    let bytes = Buffer.concat(chunks)
    for (wanted = sizeIn(bytes); bytes.byteLength >= wanted; wanted = sizeIn(bytes)) {
      yield frameOf(bytes.subarray(0, wanted))
      bytes = bytes.subarray(wanted)
    }
    chunks = [bytes]
    held = bytes.byteLength
  }
}

/** Bytes of the first frame; of a head where not even that is there. */
function sizeIn(bytes: Buffer): number {
  return bytes.byteLength < HEAD_BYTES ? HEAD_BYTES : LENGTH_BYTES + bytes.readUInt32BE()
}

function frameOf(bytes: Buffer): Frame {
  const kind = FRAME_KINDS[bytes[HEAD_BYTES - 1] ?? 0] ?? 'error'
  return { id: bytes.readUInt32BE(LENGTH_BYTES), kind, bytes: bytes.subarray(HEAD_BYTES) }
}

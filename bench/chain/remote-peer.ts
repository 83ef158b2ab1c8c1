import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import {
  blocksCodec,
  getBlocksCodec,
  getHeadersCodec,
  getStatePieceCodec,
  headersCodec,
  statePieceCodec,
  type Status,
  statusCodec,
  type SyncPeer,
  type SyncPeers,
  type SyncRequests,
} from '@gridmesh/block-sync'
import { type Frame, type FrameKind, readFrames, writeFrame } from './frames.ts'

/** The one peer there is, a process that listens on a socket. */
export class RemotePeer implements SyncPeers, SyncRequests {
  readonly #socket: Socket
  readonly #asked = new Map<number, PromiseWithResolvers<Frame>>()
  readonly #listeners = new Set<() => void>()
  #status: Status | undefined
  #lastId = 0

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Resolves when it has told where it stands. */
  static async connect(path: string): Promise<RemotePeer> {
    const socket = connect(path)
    await once(socket, 'connect')
    const peer = new RemotePeer(socket)
    const told = new Promise<void>((resolve) => peer.subscribe(resolve))
    void peer.#listen()
    await told
    return peer
  }

  close(): void {
    this.#socket.destroy()
  }

  peers(): SyncPeer[] {
    return this.#status === undefined ? [] : [{ id: 'full', isReady: true, ...this.#status }]
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  report(peer: string, offence: string, message: string): void {
    throw new TypeError(`peer ${peer} was reported: ${offence}: ${message}`)
  }

  headers: SyncRequests['headers'] = async (_id, request) =>
    headersCodec.decode(await this.#ask('headers', getHeadersCodec.encode(request)))

  blocks: SyncRequests['blocks'] = async (_id, request) =>
    blocksCodec.decode(await this.#ask('blocks', getBlocksCodec.encode(request)))

  statePiece: SyncRequests['statePiece'] = async (_id, request) =>
    statePieceCodec.decode(await this.#ask('piece', getStatePieceCodec.encode(request)))

  async #ask(kind: FrameKind, bytes: Uint8Array): Promise<Uint8Array> {
    const id = ++this.#lastId
    const asked = Promise.withResolvers<Frame>()
    this.#asked.set(id, asked)
    writeFrame(this.#socket, { id, kind, bytes })
    const answer = await asked.promise
    if (answer.kind === kind) return answer.bytes
    throw new TypeError(Buffer.from(answer.bytes).toString())
  }

  /** Ends with the socket, which this process closes. */
  async #listen(): Promise<void> {
    try {
      for await (const frame of readFrames(this.#socket)) this.#receive(frame)
    } catch {
      // Closed.
    }
    for (const { reject } of this.#asked.values()) reject(new TypeError('the peer is gone'))
  }

  #receive(frame: Frame): void {
    if (frame.kind === 'status') {
      this.#status = statusCodec.decode(frame.bytes)
      for (const listener of this.#listeners) listener()
      return
    }
    this.#asked.get(frame.id)?.resolve(frame)
    this.#asked.delete(frame.id)
  }
}

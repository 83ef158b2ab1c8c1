import {
  LANES,
  type Lane,
  type Receipt,
  type Unicast,
  type UnicastContext,
  type UnicastHandler,
  type UnicastOptions,
} from '@gridmesh/interfaces'
import type { Connection, PeerId, Startable, Stream } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { concat } from 'uint8arrays/concat'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'

const PROTOCOL = '/test/unicast/1'

/** The error of a remote handler, as a unicast hands it over: code and message. */
class RemoteError extends Error {
  override readonly name = 'RemoteError'
  readonly code: string

  constructor(code: string) {
    super(`Remote handler failed: ${code}`)
    this.code = code
  }
}

/** The smallest unicast that keeps the contract: one libp2p stream per message. */
export class TestUnicast implements Pick<Unicast, 'handle' | 'unhandle' | 'send'>, Startable {
  readonly handlers = new Map<string, UnicastHandler>()
  /** Sends under way, at most. */
  maxInFlight = 0
  #inFlight = 0
  readonly sent: { peer: string; name: string; bytes: Uint8Array; lane: Lane | undefined }[] = []
  readonly #components: { registrar: Registrar; connectionManager: ConnectionManager }

  constructor(components: { registrar: Registrar; connectionManager: ConnectionManager }) {
    this.#components = components
  }

  async start(): Promise<void> {
    await this.#components.registrar.handle(PROTOCOL, (stream, connection) => this.#answer(stream, connection), {
      maxInboundStreams: 1_024,
      maxOutboundStreams: 1_024,
    })
  }

  async stop(): Promise<void> {
    await this.#components.registrar.unhandle(PROTOCOL)
  }

  handle(name: string, handler: UnicastHandler): void {
    if (this.handlers.has(name)) throw new RangeError(`${name} has a handler`)
    this.handlers.set(name, handler)
  }

  unhandle(name: string): void {
    this.handlers.delete(name)
  }

  async send(peer: PeerId, name: string, bytes: Uint8Array, options: UnicastOptions = {}): Promise<Receipt> {
    this.sent.push({ peer: peer.toString(), name, bytes, lane: options.lane })
    this.maxInFlight = Math.max(this.maxInFlight, ++this.#inFlight)
    try {
      return await this.#send(peer, name, bytes, options)
    } finally {
      this.#inFlight--
    }
  }

  async #send(peer: PeerId, name: string, bytes: Uint8Array, options: UnicastOptions): Promise<Receipt> {
    const [connection] = this.#components.connectionManager.getConnections(peer)
    if (connection === undefined) throw new RemoteError('not-connected')
    const deadline = AbortSignal.timeout(options.deadlineMs ?? 10_000)
    const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline])
    const stream = await connection.newStream(PROTOCOL, { signal, maxOutboundStreams: 1_024 })
    const abort = (): void => stream.abort(new RemoteError('aborted'))
    signal.addEventListener('abort', abort)
    try {
      const lane = LANES.indexOf(options.lane ?? 'normal')
      await write(stream, concat([new Uint8Array([name.length, lane]), fromString(name), bytes]))
      const code = toString(await read(stream))
      await stream.close()
      if (code !== 'ok') throw new RemoteError(code)
    } finally {
      signal.removeEventListener('abort', abort)
    }
    return { peer, roundTripMs: 0, attempts: 1 }
  }

  async #answer(stream: Stream, connection: Connection): Promise<void> {
    const request = await read(stream)
    const [nameLength = 0, lane = 0] = request
    const name = toString(request.subarray(2, 2 + nameLength))
    const signal = AbortSignal.timeout(10_000)
    const context: UnicastContext = { peer: connection.remotePeer, lane: LANES[lane] ?? 'normal', signal }
    let code = 'ok'
    try {
      const handler = this.handlers.get(name)
      if (handler === undefined) throw new RemoteError('no-handler')
      await handler(request.subarray(2 + nameLength), context)
    } catch (err) {
      code = err instanceof Error && 'code' in err ? String(err.code) : 'failed'
    }
    await write(stream, fromString(code))
    await stream.close()
  }
}

/** Length first, so that nothing depends on when the end of the other side's writing is noticed. */
async function write(stream: Stream, bytes: Uint8Array): Promise<void> {
  const header = new Uint8Array(4)
  new DataView(header.buffer).setUint32(0, bytes.length)
  if (!stream.send(concat([header, bytes]))) await stream.onDrain()
}

async function read(stream: Stream): Promise<Uint8Array> {
  let bytes = new Uint8Array()
  for await (const chunk of stream) {
    bytes = concat([bytes, chunk.subarray()])
    if (bytes.length < 4) continue
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
    if (bytes.length >= 4 + length) return bytes.subarray(4, 4 + length)
  }
  throw new RemoteError('stream-ended')
}

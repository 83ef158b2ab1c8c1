import {
  LANES,
  type Lane,
  type Receipt,
  type Unicast,
  type UnicastContext,
  type UnicastHandler,
  type UnicastOptions,
} from '@gridmesh/interfaces'
import { type Connection, type PeerId, type Startable, type Stream, TimeoutError } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { Uint8ArrayList } from 'uint8arraylist'
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
export class TestUnicast implements Pick<Unicast, 'handle' | 'unhandle' | 'send' | 'request'>, Startable {
  readonly handlers = new Map<string, UnicastHandler>()
  /** Sends under way, at most. */
  maxInFlight = 0
  /** Calls under way, of both sorts. */
  inFlight = 0
  #sending = 0
  readonly sent: { peer: string; name: string; bytes: Uint8Array; lane: Lane | undefined }[] = []
  readonly requested: { peer: string; name: string; bytes: Uint8Array; lane: Lane | undefined }[] = []
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
    this.maxInFlight = Math.max(this.maxInFlight, ++this.#sending)
    try {
      await this.#call(peer, name, bytes, options)
      return { peer, roundTripMs: 0, attempts: 1 }
    } finally {
      this.#sending--
    }
  }

  async request(peer: PeerId, name: string, bytes: Uint8Array, options: UnicastOptions = {}): Promise<Uint8Array> {
    this.requested.push({ peer: peer.toString(), name, bytes, lane: options.lane })
    return this.#call(peer, name, bytes, options)
  }

  async #call(peer: PeerId, name: string, bytes: Uint8Array, options: UnicastOptions): Promise<Uint8Array> {
    this.inFlight += 1
    try {
      return await this.#exchange(peer, name, bytes, options)
    } finally {
      this.inFlight -= 1
    }
  }

  async #exchange(peer: PeerId, name: string, bytes: Uint8Array, options: UnicastOptions): Promise<Uint8Array> {
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
      const answer = await read(stream)
      await stream.close()
      const [codeLength = 0] = answer
      const code = toString(answer.subarray(1, 1 + codeLength))
      if (code !== 'ok') throw new RemoteError(code)
      return answer.subarray(1 + codeLength)
    } catch (err) {
      if (deadline.aborted) throw new TimeoutError('No answer')
      throw err
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  async #answer(stream: Stream, connection: Connection): Promise<void> {
    const request = await read(stream)
    const [nameLength = 0, lane = 0] = request
    const name = toString(request.subarray(2, 2 + nameLength))
    const signal = AbortSignal.timeout(10_000)
    const context: UnicastContext = { peer: connection.remotePeer, lane: LANES[lane] ?? 'normal', signal }
    let code = 'ok'
    let answer = new Uint8Array()
    try {
      const handler = this.handlers.get(name)
      if (handler === undefined) throw new RemoteError('no-handler')
      answer = Uint8Array.from((await handler(request.subarray(2 + nameLength), context)) ?? [])
    } catch (err) {
      code = err instanceof Error && 'code' in err ? String(err.code) : 'failed'
    }
    await write(stream, concat([Uint8Array.of(code.length), fromString(code), answer]))
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
  const list = new Uint8ArrayList()
  for await (const chunk of stream) {
    list.append(chunk)
    if (list.byteLength < 4) continue
    const length = list.getUint32(0)
    if (list.byteLength >= 4 + length) return list.subarray(4, 4 + length)
  }
  throw new RemoteError('stream-ended')
}

import { envelope } from '@gridmesh/envelope'
import type { Broadcast, BroadcastHandler, Delivery, Messages, Unicast, UnicastHandler } from '@gridmesh/interfaces'
import { bytesCodec, defineMessage, messageRouter } from '@gridmesh/message-router'
import type { PeerId } from '@libp2p/interface'
import { createLibp2p, type Libp2p } from 'libp2p'
import { Arrivals } from './router-arrivals.ts'

const CHAIN = 'bench'
const normal = defineMessage<Uint8Array>({ kind: 'bench-normal', codec: bytesCodec, lane: 'normal' })
const high = defineMessage<Uint8Array>({ kind: 'bench-high', codec: bytesCodec, lane: 'high' })

const DELIVERED: Delivery = { id: '', peers: new Map(), successRate: 1, confirmed: async () => 1 }

/** Hands what one router sends to the other within the call, so that nothing but envelope and router is measured. */
class MemoryCarrier {
  readonly #topics = new Map<string, BroadcastHandler>()
  readonly #handlers = new Map<string, UnicastHandler>()
  #to: { carrier: MemoryCarrier; from: PeerId; self: PeerId } | undefined

  readonly broadcast: Broadcast = {
    subscribe: (topic, handler) => {
      this.#topics.set(topic, handler)
      return () => this.#topics.delete(topic)
    },
    publish: async (topic, bytes) => {
      const { carrier, from } = this.#remote()
      const verdict = await carrier.#topics.get(topic)?.(bytes, { from, topic, id: '', via: 'flood' })
      if (verdict !== 'accept') throw new TypeError(`it must be accepted, and was ${verdict}`)
      return DELIVERED
    },
  }

  readonly unicast: Unicast = {
    handle: (name, handler) => void this.#handlers.set(name, handler),
    unhandle: (name) => void this.#handlers.delete(name),
    send: async (_peer, name, bytes, { lane = 'normal' } = {}) => {
      const { carrier, from, self } = this.#remote()
      await carrier.#handlers.get(name)?.(bytes, { peer: from, lane, signal: AbortSignal.any([]) })
      return { peer: self, roundTripMs: 0, attempts: 1 }
    },
    handleStream: unused,
    request: unused,
    requestStream: unused,
  }

  /** From now on what is sent by this one, which is `from`, is received by `carrier`, which is `self`. */
  join(carrier: MemoryCarrier, from: PeerId, self: PeerId): void {
    this.#to = { carrier, from, self }
  }

  #remote(): { carrier: MemoryCarrier; from: PeerId; self: PeerId } {
    if (this.#to === undefined) throw new TypeError('join first')
    return this.#to
  }
}

function unused(): never {
  throw new TypeError('this carrier has messages only')
}

type MemoryNode = Libp2p<{ messages: Messages }>

/** Two routers in this process, from the call that sends to the handler. */
export class MemoryPath {
  readonly #from: MemoryNode
  readonly #to: MemoryNode
  readonly #arrivals = new Arrivals()
  readonly #random = crypto.getRandomValues(new Uint8Array(65_536))

  private constructor(from: MemoryNode, to: MemoryNode) {
    this.#from = from
    this.#to = to
    for (const kind of [normal, high]) to.services.messages.on(kind, () => this.#arrivals.one())
  }

  static async start(): Promise<MemoryPath> {
    const [here, there] = [new MemoryCarrier(), new MemoryCarrier()]
    const [from, to] = [await memoryNode(here), await memoryNode(there)]
    here.join(there, from.peerId, to.peerId)
    return new MemoryPath(from, to)
  }

  /** Messages a second, each in an envelope of its own. */
  send(count: number, bytes: number): Promise<number> {
    const { messages } = this.#from.services
    return this.#rate(count, 64, (at) => messages.send(this.#to.peerId, high, this.#payload(at, bytes)))
  }

  /** Messages a second, as many in an envelope as the router puts there. */
  sendBatched(count: number, bytes: number): Promise<number> {
    const { messages } = this.#from.services
    return this.#rate(count, 4_096, (at) => messages.broadcast(normal, this.#payload(at, bytes)))
  }

  async stop(): Promise<void> {
    await Promise.all([this.#from.stop(), this.#to.stop()])
  }

  /** In waves, since nothing here holds a sender back: the queue of the receiver would overflow. */
  async #rate(count: number, wave: number, one: (at: number) => Promise<unknown>): Promise<number> {
    const start = performance.now()
    for (let sent = 0; sent < count; sent += wave) {
      this.#arrivals.expect(wave)
      await Promise.all(Array.from({ length: wave }, (_, index) => one(sent + index)))
      await this.#arrivals.whenAllHere()
    }
    return (Math.ceil(count / wave) * wave) / ((performance.now() - start) / 1_000)
  }

  #payload(at: number, bytes: number): Uint8Array {
    const start = (at * 7) % (this.#random.byteLength - bytes)
    return this.#random.subarray(start, start + bytes)
  }
}

async function memoryNode(carrier: MemoryCarrier): Promise<MemoryNode> {
  return createLibp2p({
    services: {
      broadcast: () => carrier.broadcast,
      unicast: () => carrier.unicast,
      envelope: envelope({ chainId: CHAIN }),
      messages: messageRouter(),
    },
  })
}

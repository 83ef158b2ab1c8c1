import type {
  Broadcast,
  BroadcastAnswer,
  BroadcastHandler,
  Delivery,
  Lane,
  PublishOptions,
  Receipt,
  Unicast,
  UnicastHandler,
  UnicastOptions,
} from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'

/** What a remote handler threw, as it arrives: code, message, the limit with its value, and when to try again. */
export class RemoteError extends Error {
  readonly code: string | undefined
  readonly limit: unknown
  readonly value: unknown
  readonly retryAfterMs: unknown

  constructor(err: unknown) {
    super(err instanceof Error ? err.message : String(err))
    const read = (field: string): unknown => (err instanceof Error ? Reflect.get(err, field) : undefined)
    const code = read('code')
    this.code = typeof code === 'string' ? code : undefined
    this.limit = read('limit')
    this.value = read('value')
    this.retryAfterMs = read('retryAfterMs')
  }
}

/** Joins carriers in memory: what one publishes or sends, the others get in the same tick. */
export class FakeNetwork {
  readonly nodes = new Map<string, FakeCarriers>()

  join(self: PeerId): FakeCarriers {
    const carriers = new FakeCarriers(self, this)
    this.nodes.set(self.toString(), carriers)
    return carriers
  }
}

/** One publish that went out. */
export interface Published {
  topic: string
  bytes: Uint8Array
  options: PublishOptions
}

/** Both carriers of one node. */
export class FakeCarriers {
  readonly self: PeerId
  readonly topics = new Map<string, BroadcastHandler>()
  readonly handlers = new Map<string, UnicastHandler>()
  /** The lane that each topic was last subscribed in. */
  readonly lanes = new Map<string, Lane | undefined>()
  readonly published: Published[] = []
  readonly verdicts: BroadcastAnswer[] = []
  /** What a publish gives. */
  delivery: (id: string) => Delivery = fakeDelivery
  readonly #network: FakeNetwork

  constructor(self: PeerId, network: FakeNetwork) {
    this.self = self
    this.#network = network
  }

  readonly broadcast: Broadcast = {
    subscribe: (topic, handler, options = {}) => {
      if (this.topics.has(topic)) throw new RangeError(`topic ${topic} is taken`)
      this.topics.set(topic, handler)
      this.lanes.set(topic, options.lane)
      return () => this.topics.delete(topic)
    },
    publish: async (topic, bytes, options = {}) => {
      options.signal?.throwIfAborted()
      this.published.push({ topic, bytes, options })
      for (const node of this.#network.nodes.values()) {
        if (node !== this) await node.bring(this.self, topic, bytes)
      }
      return this.delivery(String(this.published.length))
    },
  }

  readonly unicast: Unicast = {
    handle: (name, handler) => {
      if (this.handlers.has(name)) throw new RangeError(`name ${name} is taken`)
      this.handlers.set(name, handler)
    },
    handleStream: () => {},
    unhandle: (name) => {
      this.handlers.delete(name)
    },
    send: async (peer, name, bytes, options): Promise<Receipt> => {
      await this.#call(peer, name, bytes, options)
      return { peer, roundTripMs: 0, attempts: 1 }
    },
    request: async (peer, name, bytes, options) => (await this.#call(peer, name, bytes, options)) ?? new Uint8Array(),
    requestStream: nothing,
  }

  /** A broadcast comes in from `from`, who need not be its author. */
  async bring(from: PeerId, topic: string, bytes: Uint8Array): Promise<BroadcastAnswer | undefined> {
    const handler = this.topics.get(topic)
    if (handler == null) return undefined
    const verdict = await handler(bytes, { from, topic, id: '00', via: 'gossip' })
    this.verdicts.push(verdict)
    return verdict
  }

  /** A unicast comes in from `from`. */
  async take(
    from: PeerId,
    name: string,
    bytes: Uint8Array,
    options: UnicastOptions = {},
  ): Promise<Uint8Array | undefined> {
    const handler = this.handlers.get(name)
    if (handler == null) throw new RemoteError(new Error('no handler'))
    const signal = options.signal ?? new AbortController().signal
    try {
      return (await handler(bytes, { peer: from, lane: options.lane ?? 'normal', signal })) ?? undefined
    } catch (err) {
      throw new RemoteError(err)
    }
  }

  async #call(
    peer: PeerId,
    name: string,
    bytes: Uint8Array,
    options?: UnicastOptions,
  ): Promise<Uint8Array | undefined> {
    const node = this.#network.nodes.get(peer.toString())
    if (node == null) throw new RemoteError(new Error('no such peer'))
    const taken = node.take(this.self, name, bytes, options)
    if (options?.idempotent !== true) return taken
    return taken.catch(async (err: unknown) => {
      if (!(err instanceof RemoteError && Number(err.retryAfterMs) > 0)) throw err
      return node.take(this.self, name, (await options.renew?.()) ?? bytes, options)
    })
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function fakeDelivery(id: string): Delivery {
  return { id, peers: new Map(), successRate: 1, confirmed: async () => 0 }
}

import type {
  Delivery,
  MessageContext,
  MessageHandlerOptions,
  MessageKind,
  Messages,
  PeerManagerEvents,
  PeerRecord,
  PeerReport,
  PeerStatus,
  Receipt,
  RequestKind,
  Verdict,
} from '@gridmesh/interfaces'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey, PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { TypedEventEmitter } from 'main-event'

interface Handler {
  kind: RequestKind<unknown, unknown>
  options: MessageHandlerOptions<unknown>
  run: (value: unknown, context: MessageContext) => unknown
}

/** What went through a bus, and what its receivers thought of it. */
export interface Passed {
  kind: string
  from: string
  to: string
  verdict: Verdict
}

/** Nodes that reach each other in memory, by encoded bytes. Nothing is passed on: a broadcast reaches all at once. */
export class Bus {
  readonly nodes = new Map<string, BusNode>()
  readonly passed: Passed[] = []

  async join(name: string): Promise<BusNode> {
    const key = await generateKeyPair('Ed25519')
    const node = new BusNode(this, name, key)
    this.nodes.set(node.peerId.toString(), node)
    return node
  }

  /** How often a broadcast of a kind was received. */
  count(kind: string): number {
    return this.passed.filter((passed) => passed.kind === kind).length
  }
}

/** One node of a bus: its messages, its registry of peers and its handshake, as far as a chain needs them. */
export class BusNode extends TypedEventEmitter<PeerManagerEvents> {
  readonly name: string
  readonly key: Ed25519PrivateKey
  readonly peerId: PeerId
  readonly handlers = new Map<string, Handler>()
  readonly peers = new Map<string, Pick<PeerRecord, 'id' | 'state'>>()
  readonly reports: PeerReport[] = []
  readonly statuses: PeerStatus[] = []
  readonly #bus: Bus

  constructor(bus: Bus, name: string, key: Ed25519PrivateKey) {
    super()
    this.#bus = bus
    this.name = name
    this.key = key
    this.peerId = peerIdFromPrivateKey(key)
  }

  readonly handshake = {
    capabilities: () => ['chain'],
    setStatus: (status: PeerStatus) => void this.statuses.push(status),
  }

  /** Says that all others are ready. */
  connect(): void {
    for (const { peerId } of this.#others()) {
      this.peers.set(peerId.toString(), { id: peerId, state: 'ready' })
      this.safeDispatchEvent('peer:state', { detail: { peer: peerId, from: 'connected', to: 'ready' } })
    }
  }

  report(_: PeerId, report: PeerReport): void {
    this.reports.push(report)
  }

  readonly messages: Messages = {
    on: (kind, handler, options = {}) => this.#register(kind.kind, { kind, run: handler, options }),
    respond: (kind, handler, options = {}) => this.#register(kind.kind, { kind, run: handler, options }),
    broadcast: async (kind, value) => {
      const bytes = kind.codec.encode(value)
      for (const other of this.#others()) {
        if (!other.handlers.has(kind.kind)) continue
        const verdict = await other.#take(kind.kind, bytes, this.#context(kind, 'broadcast'))
        this.#bus.passed.push({ kind: kind.kind, from: this.name, to: other.name, verdict })
      }
      return { id: '', peers: new Map(), successRate: 1 } as unknown as Delivery
    },
    send: async (peer, kind, value) => {
      await this.#node(peer).#take(kind.kind, kind.codec.encode(value), this.#context(kind, 'unicast'))
      return { peer, roundTripMs: 0, attempts: 1 } satisfies Receipt
    },
    request: async (peer, kind, value) => {
      const handler = this.#node(peer).handlers.get(kind.kind)
      if (handler === undefined) throw new RangeError(`nobody answers ${kind.kind}`)
      const asked = handler.kind.codec.decode(kind.codec.encode(value))
      const answer = await handler.run(asked, this.#context(kind, 'unicast'))
      return kind.reply.decode(handler.kind.reply.encode(answer))
    },
  }

  #register(name: string, handler: { kind: unknown; run: unknown; options: unknown }): () => void {
    if (this.handlers.has(name)) throw new RangeError(`${name} has a handler`)
    this.handlers.set(name, handler as Handler)
    return () => this.handlers.delete(name)
  }

  async #take(kind: string, bytes: Uint8Array, context: MessageContext): Promise<Verdict> {
    const handler = this.handlers.get(kind)
    if (handler === undefined) throw new RangeError(`nobody takes ${kind}`)
    const value = handler.kind.codec.decode(bytes)
    const verdict = (await handler.options.validate?.(value, context)) ?? 'accept'
    if (verdict === 'accept') await handler.run(value, context)
    return verdict
  }

  #context({ kind, lane }: Pick<MessageKind<unknown>, 'kind' | 'lane'>, via: MessageContext['via']): MessageContext {
    const { signal } = new AbortController()
    return { sender: this.peerId, from: this.peerId, sequence: 0n, timeMs: Date.now(), kind, lane, via, signal }
  }

  #others(): BusNode[] {
    return [...this.#bus.nodes.values()].filter((node) => node !== this)
  }

  #node(peer: PeerId): BusNode {
    const node = this.#bus.nodes.get(peer.toString())
    if (node === undefined) throw new RangeError(`${peer.toString()} is not there`)
    return node
  }
}

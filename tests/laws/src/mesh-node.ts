import type { Connection, PeerId, PrivateKey } from '@libp2p/interface'
import { libp2pLimits } from '@gridmesh/connection-pool'
import { freePorts } from '@gridmesh-internal/support'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { MemoryDatastore } from 'datastore-core'
import { type Libp2p, createLibp2p } from 'libp2p'
import type { Fabric } from './fabric.ts'
import { Inbox } from './inbox.ts'
import { type MeshInit, type MeshServices, makePool, meshServices } from './services.ts'

/** A node with every module over TCP and Noise, that can end, die, and come back as the same peer. */
export class MeshNode {
  readonly name: string
  readonly inbox = new Inbox()
  readonly #init: MeshInit
  readonly #fabric: Fabric
  readonly #key: PrivateKey
  // Outlasts the node, as a data directory does.
  readonly #datastore = new MemoryDatastore()
  readonly #port: number
  #libp2p: Libp2p<MeshServices> | undefined

  private constructor(name: string, init: MeshInit, fabric: Fabric, key: PrivateKey, port: number) {
    this.name = name
    this.#init = init
    this.#fabric = fabric
    this.#key = key
    this.#port = port
  }

  static async start(name: string, init: MeshInit, fabric: Fabric): Promise<MeshNode> {
    // A port that the system hands out by itself may be an outgoing connection's by the time the node comes back.
    const node = new MeshNode(name, init, fabric, await generateKeyPair('Ed25519'), await freePorts(1))
    await node.start()
    return node
  }

  get libp2p(): Libp2p<MeshServices> {
    if (this.#libp2p === undefined) throw new TypeError(`${this.name} was never started`)
    return this.#libp2p
  }

  get services(): MeshServices {
    return this.libp2p.services
  }

  get peerId(): PeerId {
    return this.libp2p.peerId
  }

  get id(): string {
    return this.peerId.toString()
  }

  /** Starts as a new process would: same key, same port, same datastore, nothing else. */
  async start(): Promise<void> {
    const pool = makePool(this.#init)
    this.#libp2p = await createLibp2p<MeshServices>({
      privateKey: this.#key,
      datastore: this.#datastore,
      addresses: { listen: [`/ip4/127.0.0.1/tcp/${this.#port}`] },
      transports: [this.#fabric.transport(this.name)],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionGater: pool.gater,
      connectionManager: libp2pLimits(this.#init.pool ?? {}),
      connectionMonitor: { enabled: false },
      services: meshServices(this.#init, pool),
    })
    this.#fabric.register(this.name, this.#port)
    this.inbox.listen(this.#libp2p.services.messages)
  }

  /** Ends as an operator ends it, with goodbyes. */
  async stop(): Promise<void> {
    await this.#libp2p?.stop()
  }

  /** Dies: as far as the others can see, without a word. */
  async crash(): Promise<void> {
    await this.#fabric.isolate(this.name)
    await this.libp2p.stop()
  }

  /** Comes back after it died. */
  async revive(): Promise<void> {
    await this.#fabric.isolate(this.name, 'open')
    await this.start()
  }

  isReady(other: MeshNode): boolean {
    return this.services.handshake.isReady(other.peerId)
  }

  linksTo(other: MeshNode): Connection[] {
    return this.libp2p.getConnections(other.peerId)
  }

  async dial(other: MeshNode): Promise<void> {
    await this.services.connectionPool.acquire(other.peerId, { addresses: other.libp2p.getMultiaddrs() })
  }
}

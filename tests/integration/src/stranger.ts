import { envelope } from '@gridmesh/envelope'
import { type HandshakeService, handshake } from '@gridmesh/handshake'
import type { Envelope, Unicast } from '@gridmesh/interfaces'
import type { GridmeshNode } from '@gridmesh/node'
import { unicast } from '@gridmesh/unicast'
import { type Identify, identify } from '@libp2p/identify'
import type { Libp2p, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

/** What a stranger runs; a silent one has only identify. */
type StrangerServices = { identify: Identify; handshake: HandshakeService; unicast: Unicast; envelope: Envelope }

/** A peer that can do more than our own code ever would: plain libp2p, and our handshake where it wants to get in. */
export class Stranger {
  readonly libp2p: Libp2p<StrangerServices>

  private constructor(libp2p: Stranger['libp2p']) {
    this.libp2p = libp2p
  }

  /** A stranger that never says hello. */
  static async silent(): Promise<Stranger> {
    return new Stranger((await createLibp2p({ ...links, services: { identify: identify() } })) as Stranger['libp2p'])
  }

  /** A stranger that shakes hands, with the network's own words and from 127.0.0.1 unless others are given. */
  static async polite(
    node: GridmeshNode,
    { from, ...words }: { chainId?: string; genesisHash?: string; region?: string; from?: string } = {},
  ): Promise<Stranger> {
    const { chainId, hash: genesisHash } = node.genesis
    const hello = { chainId, genesisHash, role: 'stranger', region: 'nowhere', ...words }
    // The transport hands it on to `net.connect`, though its types do not name it.
    const dialOpts = { noDelay: true, ...(from !== undefined && { localAddress: from }) }
    const services = {
      identify: identify(),
      handshake: handshake(hello),
      unicast: unicast(),
      envelope: envelope({ chainId: hello.chainId }),
    }
    return new Stranger(await createLibp2p<StrangerServices>({ ...links, transports: [tcp({ dialOpts })], services }))
  }

  /** A stranger that shakes hands and has no unicast, whose own limit on streams would hold it back. */
  static async unlimited(node: GridmeshNode): Promise<Stranger> {
    const { chainId, hash: genesisHash } = node.genesis
    const hello = { chainId, genesisHash, role: 'stranger', region: 'nowhere' }
    const services = { identify: identify(), handshake: handshake(hello) }
    return new Stranger((await createLibp2p({ ...links, services })) as unknown as Stranger['libp2p'])
  }

  async dial(node: GridmeshNode): Promise<void> {
    await this.libp2p.dial(node.libp2p.getMultiaddrs())
  }

  /** Dials, and waits until both sides are ready. */
  async meet(node: GridmeshNode): Promise<void> {
    await this.dial(node)
    await this.libp2p.services.handshake.whenReady(node.libp2p.peerId, { signal: AbortSignal.timeout(20_000) })
  }

  open(node: GridmeshNode, protocol: string): Promise<Stream> {
    return this.libp2p.dialProtocol(node.libp2p.peerId, protocol, { maxOutboundStreams: 20_000 })
  }

  async stop(): Promise<void> {
    await this.libp2p.stop()
  }
}

const links = {
  addresses: { listen: [] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux({ maxOutboundStreams: 20_000 })],
}

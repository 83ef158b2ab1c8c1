import type { IdentifyResult, PeerData, PeerId } from '@libp2p/interface'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import type { Identity, OwnRecord } from '../links/parcel.ts'
import type { HostConnection } from './connection.ts'
import type { HostContext } from './host-context.ts'

const AGENT_VERSION_KEY = 'AgentVersion'
/** As libp2p's default. */
const PUSH_DEBOUNCE_MS = 1_000
const PROTOCOL_VERSION = 'ipfs/0.1.0'

/**
 * libp2p's identify and identify push without their bytes: each side asks the other who it is when a connection opens,
 * and tells when its protocols change.
 */
export class HostIdentify {
  readonly #host: HostContext
  readonly #agentVersion: Uint8Array
  readonly #connections: () => HostConnection[]
  #record: OwnRecord | undefined
  #push: ReturnType<typeof setTimeout> | undefined

  constructor(host: HostContext, connections: () => HostConnection[]) {
    this.#host = host
    this.#connections = connections
    this.#agentVersion = new TextEncoder().encode(host.agentVersion)
    host.events.addEventListener('self:peer:update', () => this.#schedulePush())
  }

  /** Signs the address of the node, once for each of its lives. */
  async start(): Promise<void> {
    const { peerId, privateKey, address } = this.#host
    const record = new PeerRecord({ peerId, multiaddrs: [address] })
    const envelope = (await RecordEnvelope.seal(record, privateKey)).marshal()
    this.#record = { seq: record.seqNumber, addresses: record.multiaddrs, envelope }
  }

  identity(): Identity {
    const { registrar, agentVersion } = this.#host
    return { protocols: registrar.getProtocols(), agentVersion, record: this.#record }
  }

  /** Takes what a peer tells about itself: the last of its records, as libp2p does. */
  async receive(connection: HostConnection, { protocols, agentVersion, record }: Identity): Promise<void> {
    const { peerStore, events, addressOf } = this.#host
    const { remotePeer: peerId } = connection
    const address = addressOf(peerId)
    const listenAddrs = address === undefined ? [] : [address]
    const latest = record === undefined ? undefined : await this.#later(peerId, record)
    const where: PeerData =
      latest === undefined
        ? { multiaddrs: listenAddrs }
        : {
            addresses: latest.addresses.map((multiaddr) => ({ multiaddr, isCertified: true })),
            peerRecordEnvelope: latest.envelope,
          }
    await peerStore.patch(peerId, { protocols, ...where, metadata: { [AGENT_VERSION_KEY]: this.#agentVersion } })
    if (connection.status !== 'open') return
    const observedAddr = connection.remoteAddr
    const detail: IdentifyResult = {
      peerId,
      listenAddrs,
      protocols,
      protocolVersion: PROTOCOL_VERSION,
      agentVersion,
      observedAddr,
      connection,
      ...(latest === undefined ? {} : { signedPeerRecord: latest }),
    }
    events.safeDispatchEvent('peer:identify', { detail })
  }

  stop(): void {
    clearTimeout(this.#push)
  }

  /** The later of the record that a peer has sent and the one that is stored of it. */
  async #later(peerId: PeerId, sent: OwnRecord): Promise<OwnRecord> {
    const peer = await this.#host.peerStore.get(peerId).catch(() => undefined)
    const envelope = peer?.peerRecordEnvelope
    if (envelope === undefined || envelope === sent.envelope) return sent
    const { payload } = RecordEnvelope.createFromProtobuf(envelope)
    const { seqNumber: seq, multiaddrs: addresses } = PeerRecord.createFromProtobuf(payload)
    return seq > sent.seq ? { seq, addresses, envelope } : sent
  }

  // Services register their protocols one after the other: one push tells of all, once no more has come for a while.
  #schedulePush(): void {
    clearTimeout(this.#push)
    this.#push = setTimeout(() => {
      for (const connection of this.#connections()) connection.push()
    }, PUSH_DEBOUNCE_MS)
  }
}

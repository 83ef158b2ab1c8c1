import type { IdentifyResult } from '@libp2p/interface'
import type { Identity } from '../links/parcel.ts'
import type { HostConnection } from './connection.ts'
import type { HostContext } from './host-context.ts'

const AGENT_VERSION_KEY = 'AgentVersion'
const PROTOCOL_VERSION = 'ipfs/0.1.0'

/**
 * libp2p's identify and identify push without their bytes: each side asks the other who it is when a connection opens,
 * and tells when its protocols change.
 */
export class HostIdentify {
  readonly #host: HostContext
  readonly #agentVersion: Uint8Array
  readonly #connections: () => HostConnection[]
  #push: ReturnType<typeof setTimeout> | undefined

  constructor(host: HostContext, connections: () => HostConnection[]) {
    this.#host = host
    this.#connections = connections
    this.#agentVersion = new TextEncoder().encode(host.agentVersion)
    host.events.addEventListener('self:peer:update', () => this.#schedulePush())
  }

  identity(isPush: boolean): Identity {
    const { registrar, agentVersion } = this.#host
    return { protocols: registrar.getProtocols(), agentVersion, isPush }
  }

  /** Takes what a peer tells about itself. */
  async receive(connection: HostConnection, { protocols, agentVersion }: Identity): Promise<void> {
    const { peerStore, events, addressOf } = this.#host
    const { remotePeer: peerId } = connection
    const address = addressOf(peerId)
    const listenAddrs = address === undefined ? [] : [address]
    await peerStore.patch(peerId, {
      protocols,
      multiaddrs: listenAddrs,
      metadata: { [AGENT_VERSION_KEY]: this.#agentVersion },
    })
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
    }
    events.safeDispatchEvent('peer:identify', { detail })
  }

  stop(): void {
    clearTimeout(this.#push)
    this.#push = undefined
  }

  // Services register their protocols one after the other: one push tells of all.
  #schedulePush(): void {
    if (this.#push !== undefined || this.#connections().length === 0) return
    this.#push = setTimeout(() => {
      this.#push = undefined
      for (const connection of this.#connections()) connection.sendIdentity(true)
    }, 0)
  }
}

import type { GossipSub } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import type { FrameReader } from './frame-reader.ts'
import type { GossipTopology } from './gossip-topology.ts'
import type { Siblings } from './siblings.ts'

/** A message as gossipsub sends and gets it. */
interface RawMessage {
  data?: Uint8Array
}

interface Rpc {
  messages: readonly RawMessage[]
}

/** The ways of a message through gossipsub, which it tells nobody of. */
interface Tappable {
  sendRpc(peer: string, rpc: Rpc): boolean
  /** Leaves in `peers` those it could send to. */
  sendRpcInBatch(peers: Set<string>, rpc: Rpc): void
  handleReceivedMessage(from: PeerId, message: RawMessage): Promise<void>
}

/** What traffic is counted with. */
export interface GossipTrafficInit {
  siblings: Siblings
  topology: GossipTopology
  frames: FrameReader
}

/**
 * Counts what gossips, message by message, at both ends of every link. Gossipsub tells of what it publishes and of first
 * copies alone: what it passes on, what it is asked for, and what it had before it sends and drops on its own, and most
 * of all traffic is that. So its ways out and in are listened to; with a router that has no such ways, what it tells
 * of is counted.
 */
export class GossipTraffic {
  readonly #init: GossipTrafficInit
  #isTapped = false

  constructor(init: GossipTrafficInit) {
    this.#init = init
  }

  /** Listens to a router from now on. */
  follow(router: GossipSub): void {
    if (!isTappable(router)) return
    this.#isTapped = true
    const send = router.sendRpc.bind(router)
    const sendInBatch = router.sendRpcInBatch.bind(router)
    const handle = router.handleReceivedMessage.bind(router)
    router.sendRpc = (peer, rpc) => {
      const isSent = send(peer, rpc)
      if (isSent) this.#out(peer, rpc)
      return isSent
    }
    router.sendRpcInBatch = (peers, rpc) => {
      sendInBatch(peers, rpc)
      for (const peer of peers) this.#out(peer, rpc)
    }
    router.handleReceivedMessage = async (from, message) => {
      this.#count(from, message, 'in')
      await handle(from, message)
    }
  }

  /** Gossipsub said that it sent a message, or that one came for the first time. */
  told(peer: PeerId, data: Uint8Array, direction: 'in' | 'out'): void {
    if (!this.#isTapped) this.#count(peer, { data }, direction)
  }

  #out(id: string, { messages }: Rpc): void {
    const peer = this.#init.topology.peer(id)
    if (peer === undefined) return
    for (const message of messages) this.#count(peer, message, 'out')
  }

  /** What is no frame of ours has no lane, and whoever sends it is held to account elsewhere. */
  #count(peer: PeerId, { data }: RawMessage, direction: 'in' | 'out'): void {
    if (data === undefined) return
    const { frames, siblings } = this.#init
    const frame = frames.read(data)
    if (typeof frame !== 'string') siblings.peerManager?.countTraffic(peer, frame.lane, direction, data.length)
  }
}

function isTappable(router: object): router is Tappable {
  const names = ['sendRpc', 'sendRpcInBatch', 'handleReceivedMessage']
  return names.every((name) => typeof Reflect.get(router, name) === 'function')
}

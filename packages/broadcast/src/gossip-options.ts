import { type GossipsubOpts, StrictNoSign } from '@libp2p/gossipsub'
import {
  GOSSIP_BUFFER_MESSAGES,
  GOSSIP_STREAMS,
  IDONTWANT_ABOVE_BYTES,
  MAX_ANNOUNCEMENT_BYTES,
  MAX_FRAME_OVERHEAD_BYTES,
} from './constants.ts'
import { UnwantedTopicError } from './errors.ts'
import type { GossipIds } from './gossip-ids.ts'
import type { GossipTopology } from './gossip-topology.ts'
import type { GossipTuning } from './index.ts'
import { toHex } from './message-id.ts'
import type { Siblings } from './siblings.ts'

/** What the options of gossipsub are made from. */
export interface GossipOptionsInit {
  siblings: Siblings
  topology: GossipTopology
  ids: GossipIds
  gossipFactor: number
  maxPushedBytes: number
  pullDeadlineMs: number
  handlerDeadlineMs: number
  tuning: GossipTuning
  isWanted(wireTopic: string): boolean
}

/** The options that make gossipsub do what this package promises. The tuning may change all but the last group. */
export function gossipOptions(init: GossipOptionsInit): Partial<GossipsubOpts> {
  const { ids, tuning } = init
  const frameBytes = init.maxPushedBytes + MAX_FRAME_OVERHEAD_BYTES + MAX_ANNOUNCEMENT_BYTES
  const bufferBytes = GOSSIP_BUFFER_MESSAGES * frameBytes
  return {
    fallbackToFloodsub: false,
    // The flood strategy floods; gossip keeps to its mesh.
    floodPublish: false,
    doPX: false,
    gossipFactor: init.gossipFactor,
    maxInboundStreams: GOSSIP_STREAMS,
    maxOutboundStreams: GOSSIP_STREAMS,
    maxInboundDataLength: bufferBytes,
    maxOutboundBufferSize: bufferBytes,
    // Gossipsub counts an announcement as delivered once we have judged it, and would punish whoever sent it when that
    // takes longer than this: by its own default, longer than 3 s.
    gossipsubIWantFollowupMs: init.pullDeadlineMs + init.handlerDeadlineMs,
    runOnLimitedConnection: false,
    // To say that a message need not be sent costs both ends as much as a short message does.
    idontwantMinDataSize: IDONTWANT_ABOVE_BYTES,
    ...tuning,
    scoreParams: {
      // Reputation runs from -100 to 100 and gossipsub's thresholds from -10 to -80: they fit without a factor.
      appSpecificWeight: 1,
      // Who may connect from where is decided when they connect; a test network on one host must not be punished.
      IPColocationFactorWeight: 0,
      ...tuning.scoreParams,
      appSpecificScore: (peer) => reputationOf(init, peer),
    },

    globalSignaturePolicy: StrictNoSign,
    emitSelf: false,
    // Accepted is not yet passed on: `GossipRouter` says when.
    asyncValidation: true,
    // Serialises a message once for all peers of the mesh.
    batchPublish: true,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    msgIdFn: (msg) => ids.idOf(msg),
    msgIdToStrFn: toHex,
    dataTransform: {
      // Gossipsub caches messages of any topic; those nobody here wants must not get that far.
      inboundTransform: (topic, data) => {
        if (!init.isWanted(topic)) throw new UnwantedTopicError(topic)
        return data
      },
      outboundTransform: (_topic, data) => data,
    },
  }
}

// Gossipsub asks for each peer of each topic with each heartbeat: no registry is copied for that.
function reputationOf({ siblings, topology }: GossipOptionsInit, id: string): number {
  const peer = topology.peer(id)
  return (peer && siblings.peerManager?.reputation(peer)) ?? 0
}

/** Name of the unicast handler that takes flooded and directed frames. */
export const BROADCAST_HANDLER = 'broadcast'
/** Name of the unicast handler that takes acknowledgements of gossiped messages. */
export const ACK_HANDLER = 'broadcast-ack'

/** Version in every frame; the major version is in the topic. */
export const FRAME_VERSION = 1
/** Length of a message id, in bytes. */
export const MESSAGE_ID_BYTES = 20
/** Longest multihash of a peer id; those of ed25519 keys have 38 bytes. */
export const MAX_ORIGIN_BYTES = 64
export const MAX_CHAIN_ID_CHARACTERS = 64
export const MAX_TOPIC_CHARACTERS = 128
/** All of a frame but its payload; more is padding that somebody else would carry on. */
export const MAX_FRAME_OVERHEAD_BYTES = 320

/** Ids in one acknowledgement, at most. */
export const MAX_ACK_IDS = 256

/** Messages that fit the buffers of one gossip stream: gossipsub answers an IWANT with one frame for all messages. */
export const GOSSIP_BUFFER_MESSAGES = 8
/** One gossip stream per peer, and room for the ones that replace it while it closes. */
export const GOSSIP_STREAMS = 4
/** Messages of which further gossip copies are looked at, at once. */
export const MAX_WATCHED_IDS = 4_096
/** Further gossip copies of one message that are looked at. */
export const MAX_COPIES_PER_ID = 64
/** Peers counted at once by the limits per second. */
export const MAX_COUNTED_PEERS = 4_096
/** Longest reason kept in an outcome, since it may come from a remote peer. */
export const MAX_REASON_CHARACTERS = 64

export const DEFAULT_MAX_MESSAGE_BYTES = 2_097_152
export const DEFAULT_HOP_LIMIT = 7
export const DEFAULT_GOSSIP_FACTOR = 0.25
export const DEFAULT_MAX_IDS = 10_000
export const DEFAULT_ID_LIFETIME_MS = 300_000
export const DEFAULT_MAX_CONCURRENT_SENDS = 64
export const DEFAULT_MAX_QUEUED_SENDS = 16_384
export const DEFAULT_SEND_DEADLINE_MS = 10_000
export const DEFAULT_MESH_WAIT_MS = 2_000
export const DEFAULT_MAX_DELIVERIES = 1_024
export const DEFAULT_DELIVERY_LIFETIME_MS = 60_000
export const DEFAULT_MAX_PEERS_PER_DELIVERY = 1_024
export const DEFAULT_ACK_DELAY_MS = 20
export const DEFAULT_MAX_ACKS_PER_BATCH = 256
export const DEFAULT_MAX_ACKS_PER_SECOND = 1_000
export const DEFAULT_HANDLER_DEADLINE_MS = 5_000
export const DEFAULT_MAX_PENDING_VERDICTS = 4_096
export const DEFAULT_USEFUL_WEIGHT = 0.1

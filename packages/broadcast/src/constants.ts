/** Name of the unicast handler that takes flooded and directed frames. */
export const BROADCAST_HANDLER = 'broadcast'
/**
 * What the rate limiter knows messages on critical topics by. A peer of its own choice relays more of the others than
 * its rate allows, and an emergency among them must not be lost for it.
 */
export const CRITICAL_RATE = 'broadcast-critical'
/** Name of the unicast handler that takes acknowledgements of gossiped messages. */
export const ACK_HANDLER = 'broadcast-ack'
/** Name of the unicast handler that gives chunks of announced payloads. */
export const CHUNK_HANDLER = 'broadcast-chunk'

/** Name of the unicast handler that takes the frames of a tree. */
export const TREE_HANDLER = 'broadcast-tree'
/** Name of the unicast handler that takes what neighbours of a tree tell each other. */
export const TREE_CONTROL_HANDLER = 'broadcast-tree-control'

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

/** All that an announcement adds to a frame, in bytes. */
export const MAX_ANNOUNCEMENT_BYTES = 48
/** Length of a chunk. Part of the protocol: with another one the same payload would have another root, and another id. */
export const CHUNK_BYTES = 65_536
/** No node announces less, so that an answer of one chunk always fits what can be pushed. */
export const MIN_PULL_ABOVE_BYTES = 131_072
/** No option raises a message above this. */
export const HARD_MAX_MESSAGE_BYTES = 100 * 1_024 * 1_024
/** Chunks that one request may ask for. */
export const MAX_CHUNKS_PER_REQUEST = 16
/** Longest request for chunks, in bytes: an id and the indexes. */
export const MAX_CHUNK_REQUEST_BYTES = 128
/** What a chunk adds to an answer beside its bytes: its proof, of 11 hashes for 100 MiB, and the framing. */
export const CHUNK_OVERHEAD_BYTES = 512
/** Peers that one payload is pulled from. */
export const MAX_SOURCES = 16
/** Peers that are asked for the same chunk at once: the first, and those asked because it is late. */
export const MAX_PEERS_PER_CHUNK = 3
/** Time from the first request within which a chunk of a payload must have come, in ms. */
export const FIRST_CHUNK_MS = 30_000
/** Failures in a row after which a peer that has given chunks is asked no more. */
export const MAX_SOURCE_FAILURES = 3
/** Times in a row that a peer may be too busy before it is asked no more. */
export const MAX_SOURCE_REFUSALS = 20
/** Pause before a peer that failed or is busy is asked again, in ms, at least and at most. */
export const MIN_SOURCE_PAUSE_MS = 250
export const MAX_SOURCE_PAUSE_MS = 5_000

/** Longest time that acknowledgements, and word of messages, may be gathered, in ms: what `unicast` lets receipts wait. */
export const MAX_ACK_DELAY_MS = 1_000
/** Ids in one acknowledgement, at most. */
export const MAX_ACK_IDS = 256

/** Time after which a root that is not heard makes way for another, in ms. */
export const TREE_ROOT_MS = 5_000
/** Time after which a parent that was not the first with any message of the root makes way for who is, in ms. */
export const TREE_PARENT_MS = 10_000
/** Time after which nothing is under way any more that was sent over a link before it was pruned, in ms. */
export const TREE_UNDER_WAY_MS = 5_000
/** Time for which a neighbour is taken for a child once it has said so, in ms. */
export const TREE_CHILD_MS = 15_000
/** Others than neighbours are told of the messages of so many ms before: gossipsub's gossip goes back as far. */
export const TREE_RECENT_MS = 3_000
/** And new neighbours of those of so many: a link that is lost, time and again too, is mostly back within that. */
export const TREE_WELCOME_MS = 10_000
/** Neighbours that are sent a message of a topic which has no mesh, at most: gossipsub's D. */
export const MAX_TREE_NEIGHBOURS = 6
/** Subscribers outside of the mesh that are told of messages with each heartbeat, at least: gossipsub's Dlazy. */
export const MIN_TREE_OUTSIDERS = 6
/** Messages that one of them is told of with a heartbeat, at most. */
export const MAX_RECENT_IDS = 1_024
/** What a message takes beside its frame while it is kept to be asked for, in bytes. */
export const TREE_ENTRY_BYTES = 512
/** Peers of which it is remembered that they say they have a message; others are told of it in vain. */
export const MAX_HOLDERS = 32
/** Times that a peer is sent a message it asks for: who has no room for it asks twice a second, until the load is gone. */
export const MAX_GRAFTS_PER_MESSAGE = 10
/** Ids in one control message, at most. */
export const MAX_CONTROL_IDS = 512
/** Ids that a peer may name in control messages in a second; those beyond it are not heard. */
export const MAX_CONTROL_IDS_PER_SECOND = 8_192
/** Messages that one peer has and we have not. */
export const MAX_MISSING_IDS_PER_PEER = 1_024
/** Peers that are asked for one message, one after the other. */
export const MAX_ANNOUNCERS = 32

/**
 * Sends under way to one peer that are not critical, at most. Of all services together `unicast` runs 32 for a peer and has
 * 128 wait, and refuses what comes beyond. Receipts that wait for others go back once there are 64 in a lane, so these can
 * hardly all be waited for at once.
 */
export const MAX_SENDS_PER_PEER = 96

/** Messages that fit the buffers of one gossip stream: gossipsub answers an IWANT with one frame for all messages. */
export const GOSSIP_BUFFER_MESSAGES = 8
/** One gossip stream per peer, and room for the ones that replace it while it closes. */
export const GOSSIP_STREAMS = 4
/** Messages from this length on are worth telling neighbours not to send, in bytes. */
export const IDONTWANT_ABOVE_BYTES = 16_384
/** Messages of which further gossip copies are looked at, at once. */
export const MAX_WATCHED_IDS = 4_096
/** Further gossip copies of one message that are looked at. */
export const MAX_COPIES_PER_ID = 64
/** Gossip messages that wait until there is room to judge them, and their bytes; further ones are lost here. */
export const MAX_POSTPONED = 1_024
export const MAX_POSTPONED_BYTES = 4_194_304
/** Those of them that one peer brought. */
export const MAX_POSTPONED_PER_PEER = 256
/** How long each of them waits, in ms. */
export const POSTPONED_MS = 10_000
/** Time after which the first of them is tried again where there was no room, and the next ones where there was, in ms. */
export const POSTPONED_RETRY_MS = 500
export const POSTPONED_PACE_MS = 20
/** Those that are tried together. */
export const POSTPONED_AT_ONCE = 8
/** Peers counted at once by the limits per second. */
export const MAX_COUNTED_PEERS = 4_096
/** Longest reason kept in an outcome, since it may come from a remote peer. */
export const MAX_REASON_CHARACTERS = 64

export const DEFAULT_MAX_MESSAGE_BYTES = 2_097_152
export const DEFAULT_HOP_LIMIT = 7
export const DEFAULT_GOSSIP_FACTOR = 0.5
export const DEFAULT_MAX_IDS = 10_000
export const DEFAULT_ID_LIFETIME_MS = 300_000
export const DEFAULT_MAX_CONCURRENT_SENDS = 512
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
export const DEFAULT_IHAVE_DELAY_MS = 200
export const DEFAULT_GRAFT_AFTER_MS = 500
export const DEFAULT_MAX_TREE_BYTES = 33_554_432
export const DEFAULT_TREE_LIFETIME_MS = 60_000
export const DEFAULT_USEFUL_WEIGHT = 0.1
export const DEFAULT_PULL_ABOVE_BYTES = 262_144
export const DEFAULT_MAX_PULLS = 64
export const DEFAULT_MAX_PULLS_PER_PEER = 16
export const DEFAULT_MAX_PULL_BYTES = 134_217_728
export const DEFAULT_MAX_CHUNKS_IN_FLIGHT = 128
export const DEFAULT_MAX_CHUNKS_IN_FLIGHT_PER_PEER = 16
export const DEFAULT_PULL_DEADLINE_MS = 120_000
export const DEFAULT_CHUNK_DEADLINE_MS = 10_000
export const DEFAULT_CHUNK_LATE_MS = 2_000
export const DEFAULT_SOURCE_WAIT_MS = 5_000
export const DEFAULT_MAX_RETAINED_BYTES = 134_217_728
export const DEFAULT_RETAIN_MS = 300_000
/** Time after which gossipsub is told again of a linked peer that it has no stream to. */
export const RETELL_MS = 10_000
/** Time that a gossip stream to a peer may take to open. */
export const STREAM_OPEN_MS = 5_000
/** The longest time a timer can be set to, about 25 days: beyond it, it fires at once. */
export const MAX_TIMER_MS = 2_147_483_647

import { secret } from '@gridmesh/config'
import { z } from 'zod'
import { peerId } from '../peer-id.ts'
import { HEADER_TEXT } from './header-text.ts'
import { isLoopback } from './loopback.ts'
import {
  count,
  ipAddress,
  name,
  notAbove,
  notBelow,
  peerAddress,
  port,
  positive,
  timerMs,
  timerMsOrNone,
} from './values.ts'

/** Peers that a node dials without being told of them; as many as it never gives up winning back. */
const MAX_MEMBERS = 1_000
/** Of the 64 that a handshake takes, two are those of the chain. */
const MAX_CAPABILITIES = 62
/** Largest message that modules can be set to, in bytes. */
const MAX_MESSAGE_BYTES = 104_857_600

const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])

const STRATEGIES = ['stored', 'bootstrap', 'static', 'mdns', 'kademlia', 'peer-exchange'] as const

/** A way to find peers that a configuration can name. */
export type StrategyName = (typeof STRATEGIES)[number]

const p2p = z.strictObject({
  host: ipAddress.default('127.0.0.1').describe('IP address of this machine to listen on for peers'),
  port: port.default(9000).describe('TCP port to listen on for peers; 0 takes a free one'),
  encryption: z.enum(['noise', 'tls']).default('noise').describe('Secure channel: Noise XX, or TLS 1.3'),
  bootstrap: z
    .array(peerAddress)
    .max(MAX_MEMBERS)
    .default([])
    .describe('Multiaddrs, with peer id, of the first peers to dial'),
  minPeers: count
    .default(8)
    .describe('Peers below which more are looked for every second, and no honest one is dropped for being slow'),
  streamWindowBytes: z
    .int()
    .min(262_144)
    .max(4_294_967_295)
    .default(262_144)
    .describe('Bytes of one stream under way at once; more is faster over long distances and delays urgent messages'),
  pingIntervalMs: timerMs.default(30_000).describe('Time between two measurements of each peer, in ms'),
})

const discovery = z.strictObject({
  strategies: z
    .array(z.enum(STRATEGIES))
    .default(['stored', 'bootstrap', 'peer-exchange'])
    .describe('Ways to find peers'),
  staticPeers: z
    .array(peerAddress)
    .max(MAX_MEMBERS)
    .default([])
    .describe('Multiaddrs, with peer id, of the members that the strategy static knows'),
  targetPeers: count.default(30).describe('Peers up to which more are dialled'),
  minOutbound: z
    .int()
    .min(0)
    .optional()
    .describe('Peers dialled by this node, whoever dials it; targetPeers at most, and unless set 8 or half of that'),
  intervalMs: timerMs.default(1_000).describe('Time between two rounds below the minimum of peers, in ms'),
  maxIntervalMs: timerMs.default(30_000).describe('Time between two rounds at the target, in ms'),
  feelerIntervalMs: timerMs.default(120_000).describe('Time between two tests of an unknown address, in ms'),
  roles: z.record(name, count).default({}).describe('Peers wanted by role, such as authority=2'),
  sameRegion: z.int().min(0).default(0).describe("Peers wanted of the node's own region"),
})

const handshake = z.strictObject({
  deadlineMs: timerMs.default(10_000).describe('Time a handshake may take, in ms'),
  statusIntervalMs: timerMs.default(60_000).describe('Time between two status messages to each peer, in ms'),
  maxClockSkewMs: count.default(30_000).describe('Difference of clocks above which a peer is refused, in ms'),
  unknownPeers: z
    .enum(['disconnect', 'tolerate'])
    .default('disconnect')
    .describe('Peers that do not speak the handshake: part from them, or keep the link and take nothing from them'),
})

const pool = z.strictObject({
  maxInbound: count.default(50).describe('Inbound connections at once; a better peer takes the place of the worst'),
  maxOutbound: count.default(50).describe('Outbound connections at once'),
  maxPerIp: count.default(3).describe('Connections of one IPv4 address or IPv6 /64'),
  maxPerNetwork: count.default(10).describe('Connections of one IPv4 /24 or IPv6 /48'),
  attemptsPerIpPerSecond: count.default(5).describe('Inbound connections that one address may try in a second'),
  exemptLoopback: z.boolean().default(false).describe('Set no limit by address for this machine itself'),
  reservedRoles: z
    .record(name, count)
    .default({})
    .describe('Slots by role beside all others, such as authority=4; any role but that one is taken as it is said'),
  reservedPeers: z.array(peerId).max(1_000).default([]).describe('Peer ids with a slot of their own'),
  idleTimeoutMs: count
    .default(300_000)
    .describe('Time without a message after which a peer gives its slot to a newcomer where all are taken, in ms'),
})

const reconnection = z.strictObject({
  initialDelayMs: timerMs
    .optional()
    .describe('Longest wait before the second try to reach a lost peer, in ms; unless set 1000, or maxDelayMs if less'),
  maxDelayMs: timerMs.default(300_000).describe('Longest wait between two tries, in ms'),
  coolDownMs: timerMs
    .optional()
    .describe('Pause after five failures in a row, in ms; unless set 60000, or maxDelayMs if less'),
  maxTries: count.default(10).describe('Failures after which a peer that is no bootstrap peer is forgotten'),
})

const health = z.strictObject({
  pingDeadlineMs: timerMs.default(10_000).describe('Time a peer has to answer a ping, in ms'),
  maxUnseenMs: count.default(300_000).describe('Silence after which a link is closed, in ms'),
  busyDelayMs: positive.default(50).describe('Delay of the event loop above which bulk messages are shed, in ms'),
  overloadedDelayMs: positive.default(500).describe('Delay above which normal messages are shed too, in ms'),
})

const messages = z.strictObject({
  codec: z.enum(['protobuf', 'json']).default('protobuf').describe('Encoding of envelopes that we send'),
  maxBytes: count.max(MAX_MESSAGE_BYTES).default(10_485_760).describe('Largest message, in bytes'),
  batchDelayMs: timerMs.default(5).describe('Time that normal messages wait to share an envelope, in ms'),
  maxBatchBytes: count.default(65_536).describe('Size at which a batch is sent at once, in bytes'),
  maxBatchHoldMs: timerMsOrNone
    .default(200)
    .describe('Time that a batch waits at most for the one before it to arrive, in ms; 0 never waits'),
})

const limits = z.strictObject({
  messagesPerSecond: positive.default(100).describe('Messages a second from one peer, by protocol'),
  messagesBurst: positive.default(200).describe('Messages at once from one peer, by protocol'),
  bytesPerSecond: positive.default(5_242_880).describe('Bytes a second from one peer, by protocol'),
  bytesBurst: positive.default(10_485_760).describe('Bytes at once from one peer, by protocol'),
  streamsPerSecond: positive.default(20).describe('Streams a second that one peer may open, by protocol'),
  totalMessagesPerSecond: positive
    .default(10_000)
    .describe('Messages a second from all peers together; critical ones are counted apart, up to as many'),
})

const broadcast = z.strictObject({
  strategy: z
    .enum(['gossip', 'tree', 'flood'])
    .default('gossip')
    .describe('How messages below the critical lane spread'),
  hopLimit: z.int().min(1).max(32).default(7).describe('Times a flooded message is passed on'),
  gossipFactor: z.number().min(0).max(1).default(0.5).describe('Share of peers outside the mesh told of messages'),
  maxIds: count.default(10_000).describe('Message ids remembered to recognise duplicates'),
})

const chain = z.strictObject({
  enabled: z.boolean().default(false).describe('Keep the chain that the genesis file begins, and take part in it'),
  role: z.enum(['full']).default('full').describe('What the node keeps of the chain: full, all of it'),
  minBlockIntervalMs: count
    .default(300)
    .describe('Time between two blocks at least, in ms; the same on every node of a chain'),
  maxBlockIntervalMs: count
    .max(86_400_000)
    .default(10_000)
    .describe('Time after which an empty block is made, in ms; the same on every node of a chain'),
  forkChoice: z
    .enum(['authority', 'timestampReputation', 'longest'])
    .default('authority')
    .describe(
      'Which of two branches is better where no quorum says so; the same on every node of a chain, or they refuse each other',
    ),
  syncBehind: z
    .int()
    .min(0)
    .default(3)
    .describe('Blocks; where a peer is further ahead a sync begins by itself, and below when the next block comes'),
  syncBatch: z.int().min(1).max(1_000).default(100).describe('Blocks asked of a peer at once while catching up'),
  verifyThreads: z
    .int()
    .min(0)
    .max(256)
    .default(2)
    .describe('Threads that check signatures, started when many come; 0 checks all on the event loop'),
  checkpointEvery: z
    .int()
    .min(0)
    .default(1_000)
    .describe('Blocks between two states that are kept to be given to others; 0 keeps none'),
  checkpointBehind: count
    .optional()
    .describe(
      'Blocks that peers have to be ahead for a final state to be fetched, and the history later; unset: never',
    ),
  checkpoint: z
    .strictObject({
      height: count.describe('Height of the block'),
      hash: z
        .string()
        .regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits')
        .describe('Hash of the block'),
    })
    .optional()
    .describe('The one block whose state is fetched, known to be final; unset: one that peers agree on'),
  ownerIndex: z
    .boolean()
    .default(false)
    .describe(
      'Whether outputs are found by their owner: the balance of an address then costs what it holds, and not a look at all outputs, for some more work with each block; built, or deleted, at the next start',
    ),
})

const http = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address the HTTP API listens on'),
  port: port.default(8545).describe('TCP port of the HTTP API; 0 takes a free one'),
  token: secret(z.string().min(16).regex(HEADER_TEXT, 'expected printable ASCII characters, as a header can carry'))
    .optional()
    .describe('Bearer token for writing; required unless host is loopback'),
  maxBodyBytes: count.default(65_536).describe('Largest request body, in bytes'),
  maxConnections: count
    .default(512)
    .describe('TCP connections to the HTTP API at once, event streams among them; one more is closed at once'),
  maxEventStreams: count.default(64).describe('Clients of /api/v1/events at once'),
})

const logs = z.strictObject({
  format: z.enum(['json', 'pretty']).default('json').describe('One JSON object a line, or lines for people'),
  level: logLevel.default('info').describe('Least severe level that is written; a change takes effect while running'),
  components: z
    .record(z.string(), logLevel)
    .default({})
    .describe('Levels by component, such as gridmesh:handshake; a change takes effect while running'),
})

const settings = z.strictObject({
  name: name.default('node').describe('Name of the node, for people'),
  dataDir: z.string().min(1).default('data').describe('Directory of the identity and the peer registry'),
  genesis: z.string().min(1).default('genesis.yaml').describe('Genesis file of the network'),
  role: name.default('node').describe('What the node is in the network, such as authority, producer or consumer'),
  region: name.default('central').describe('Where the node is'),
  capabilities: z.array(name).max(MAX_CAPABILITIES).default([]).describe('What the node offers beside its role'),
  obeySystemShutdown: z
    .boolean()
    .default(false)
    .describe('Stop when an authority asks every node to, at the time it says'),
  feedSize: count.default(10_000).describe('Messages that /api/v1/feed remembers'),
  shutdownGraceMs: timerMs.default(30_000).describe('Time a shutdown may take in all, in ms'),
  p2p: p2p.prefault({}).describe('Links to peers'),
  discovery: discovery
    .refine(...notBelow('maxIntervalMs', 'intervalMs'))
    .prefault({})
    .describe('Finding peers'),
  handshake: handshake.prefault({}).describe('Agreement with a new peer'),
  pool: pool.prefault({}).describe('Who may connect'),
  reconnection: reconnection
    .refine(...notAbove('initialDelayMs', 'maxDelayMs'))
    .refine(...notAbove('coolDownMs', 'maxDelayMs'))
    .prefault({})
    .describe('Winning lost peers back'),
  health: health
    .refine(...notBelow('overloadedDelayMs', 'busyDelayMs'))
    .prefault({})
    .describe('Health of peers and of this node'),
  messages: messages.prefault({}).describe('Messages and their envelopes'),
  limits: limits.prefault({}).describe('What one peer may send'),
  broadcast: broadcast.prefault({}).describe('Messages to all'),
  chain: chain
    .refine(({ minBlockIntervalMs: min, maxBlockIntervalMs: max }) => max > min, {
      path: ['maxBlockIntervalMs'],
      error: ({ input }) => `expected more than minBlockIntervalMs, which is ${Object(input).minBlockIntervalMs}`,
    })
    .prefault({})
    .describe('The energy chain'),
  http: http
    .refine(...notBelow('maxConnections', 'maxEventStreams'))
    .refine(({ host, token }) => isLoopback(host) || token !== undefined, {
      path: ['token'],
      error: ({ input }) => `expected one, since others can reach http.host ${JSON.stringify(Object(input).host)}`,
    })
    .prefault({})
    .describe('The HTTP API'),
  logs: logs.prefault({}).describe('The log'),
})

/** Every setting of a node. */
export const nodeConfigSchema = settings.refine(
  ({ p2p: { bootstrap }, discovery: { staticPeers } }) => peersOf([...bootstrap, ...staticPeers]) <= MAX_MEMBERS,
  { path: ['discovery', 'staticPeers'], error: `expected ${MAX_MEMBERS} peers at most, with those of p2p.bootstrap` },
)

function peersOf(addresses: readonly string[]): number {
  return new Set(addresses.map((address) => address.slice(address.lastIndexOf('/')))).size
}

/** Every setting of a node, with defaults applied. */
export type NodeConfig = z.output<typeof nodeConfigSchema>

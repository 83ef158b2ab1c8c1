import { z } from 'zod'

/** Answer of `GET /node/info`. */
export const nodeInfo = z.object({
  name: z.string(),
  version: z.string(),
  node_type: z.string().describe('Role of the node'),
  region: z.string(),
  chain_id: z.string(),
  address: z.string().describe('Peer id'),
  multiaddrs: z.array(z.string()),
  p2p_port: z.int(),
  api_port: z.int(),
  peer_count: z.int().describe('Peers that passed the handshake'),
  height: z.int(),
  uptime: z.number().describe('Seconds since the start'),
  is_syncing: z.boolean(),
  sync_progress: z.number().min(0).max(1).describe('Own height as a share of the highest announced one'),
})

/** One peer. */
export const nodePeer = z.object({
  address: z.string().describe('Peer id'),
  multiaddrs: z.array(z.string()),
  state: z.string(),
  direction: z.enum(['inbound', 'outbound']).nullable(),
  node_type: z.string().nullable(),
  region: z.string().nullable(),
  capabilities: z.array(z.string()).describe('What it offers beside its role'),
  version: z.string().nullable(),
  height: z.int(),
  last_seen: z.number().describe('Milliseconds since the epoch'),
  latency_ms: z.number().nullable(),
  reputation: z.number(),
})

/** Answer of `GET /node/health`. */
export const nodeHealth = z.object({
  status: z
    .enum(['ok', 'alone', 'unheard', 'chain-failed'])
    .describe(
      'alone: no peer has passed the handshake; unheard: peers are ready, and none of them hears what we send on some ' +
        'topic; chain-failed: the chain takes nothing until the node starts anew',
    ),
  unreached_topics: z.array(z.string()).describe('Topics on which gossip reaches nobody now'),
  chain_failure: z.string().nullable().describe('Why the chain failed'),
  ready_peers: z.int(),
  peers_by_state: z.record(z.string(), z.int()),
  average_latency_ms: z.number().nullable(),
  event_loop_lag_ms: z.object({ p50: z.number(), p99: z.number() }).nullable().describe('null until measured'),
  load: z.enum(['normal', 'busy', 'overloaded']).describe('busy sheds bulk messages, overloaded normal ones too'),
  network: z.object({
    authority_connectivity: z.number().nullable().describe('Share of the known authorities that are ready, 0 to 1'),
    region_connectivity: z
      .record(z.string(), z.number())
      .describe('Share of the known peers that are ready, by region'),
    message_success_rate: z
      .number()
      .nullable()
      .describe(
        'Share of the calls to peers of the last five minutes that were answered, 0 to 1; null where there were none',
      ),
    churn_per_minute: z.number(),
    partition_risk: z.number().describe('0, none, to 1'),
    reasons: z.array(z.string()).describe('Each figure in words'),
  }),
  heap_bytes: z.int(),
  uptime: z.number(),
})

/** Answer of `GET /node/discovery`. */
export const nodeDiscovery = z.object({
  ready: z.int().describe('Peers that count towards minimum and target'),
  min_peers: z.int(),
  target_peers: z.int(),
  outbound: z.int().describe('Those of them that this node dialled'),
  candidates: z.int().describe('Peers found and not linked'),
  rounds: z.int(),
  dials: z.object({ attempts: z.int(), succeeded: z.int(), failed: z.int(), neutral: z.int() }),
  success_ratio: z.number().describe('Learnt share of dials that succeed, 0 to 1'),
  time_to_minimum_ms: z.number().nullable().describe('How long it took last; null while never reached'),
  time_to_target_ms: z.number().nullable().describe('How long it took last; null while never reached'),
  strategies: z.record(
    z.string(),
    z.object({
      runs: z.int(),
      failures: z.int(),
      candidates: z.int().describe('New ones it found'),
      dials: z.int(),
      successes: z.int(),
      breaker: z.string().describe('closed: asked as usual; open: left alone for a while'),
    }),
  ),
})

/** Answer of `GET /node/peers`. */
export const nodePeers = z.object({ peer_count: z.int(), peers: z.array(nodePeer) })

/** One message of the feed, as the API shows it. */
export const feedItem = z.object({
  number: z.int().describe('Counts up from 1 while the node runs'),
  kind: z.string(),
  sender: z.string().describe('Peer id of the author'),
  zones: z.array(z.string()).readonly(),
  timeMs: z.number().describe("The author's clock, ms since the epoch"),
  receivedAtMs: z.number().describe("This node's clock, ms since the epoch"),
  value: z.unknown(),
})

/** Answer of the writing routes. */
export const publishedMessage = z.object({
  item: feedItem,
  delivery: z.object({
    id: z.string().describe('Content-derived id of the broadcast'),
    reached: z.int().describe('Peers it was handed to; 0: nobody, though the node has taken it and may yet send it on'),
    success_rate: z
      .number()
      .nullable()
      .describe('Share of addressed peers it could be sent to; null where none was addressed'),
    peers: z.record(z.string(), z.string()).describe('Outcome by peer id'),
  }),
})

/** Answer of `GET /node/peers/:id`. */
export const peerDetail = nodePeer.extend({
  banned_until: z.number().nullable().describe('Milliseconds since the epoch'),
  failures: z.int().describe('Failed dials and calls'),
  traffic: z.record(
    z.string(),
    z.object({ messagesIn: z.int(), messagesOut: z.int(), bytesIn: z.int(), bytesOut: z.int() }),
  ),
  explanation: z.array(z.string()).describe('Why the peer stands where it stands, newest first'),
})

/** Body of `POST /node/peers/:id/ban`. */
export const peerBan = z.strictObject({
  reason: z.string().min(1).max(500),
  durationMs: z
    .int()
    .positive()
    .max(31_536_000_000)
    .default(86_400_000)
    .describe('A day unless given, in milliseconds'),
})

/** Answer of `DELETE /node/peers/:id/ban`. */
export const unbanned = z.object({
  banned: z.boolean(),
  was_banned: z.boolean().describe('Whether there was a ban to lift'),
})

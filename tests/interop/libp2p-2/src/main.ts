// A peer of the libp2p 2 generation, with the gossipsub, Noise and yamux that were published under @chainsafe.
import { gossipsub } from '@chainsafe/libp2p-gossipsub'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import {
  type ForeignLink,
  heard,
  judge,
  meshOf,
  messageId,
  readInit,
  serve,
  tell,
  toPublish,
} from '@gridmesh-internal/foreign'
import { identify } from '@libp2p/identify'
import { type Connection, type Stream, TopicValidatorResult } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

/** How long a lazy peer goes on telling of a message. */
const LAZY_HEARTBEATS = 60
const { isLazy = false, isSigning = false } = readInit()
const streams: Stream[] = []

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  // All tests dial from one address, some many times in a second.
  connectionManager: { inboundConnectionThreshold: 1_000 },
  services: {
    identify: identify(),
    ping: ping({ maxOutboundStreams: 100 }),
    pubsub: gossipsub({
      globalSignaturePolicy: isSigning ? 'StrictSign' : 'StrictNoSign',
      msgIdFn: messageId,
      msgIdToStrFn: (id) => Buffer.from(id).toString('hex'),
      allowPublishToZeroTopicPeers: true,
      ...(isLazy && { D: 0, Dlo: 0, Dhi: 0, mcacheLength: LAZY_HEARTBEATS, mcacheGossip: LAZY_HEARTBEATS }),
    }),
  },
})
const { pubsub } = node.services

node.addEventListener('peer:disconnect', ({ detail }) => tell({ event: 'disconnected', peer: String(detail) }))
node.addEventListener('peer:identify', ({ detail: { peerId, agentVersion: agent, protocols } }) =>
  tell({ event: 'identified', peer: String(peerId), agent, protocols }),
)
pubsub.addEventListener('gossipsub:graft', ({ detail: { topic, peerId } }) =>
  tell({ event: 'grafted', topic, peer: peerId }),
)
pubsub.addEventListener('gossipsub:message', ({ detail: { msg, msgId, propagationSource } }) =>
  tell(heard(msg, msgId, propagationSource)),
)

function link({ remotePeer, direction, encryption: channel, multiplexer: muxer }: Connection): ForeignLink {
  return { peer: String(remotePeer), direction, encryption: channel, muxer }
}

tell({ event: 'ready', peer: String(node.peerId), address: String(node.getMultiaddrs()[0]) })

await serve({
  dial: async ({ address }) => link(await node.dial(multiaddr(address))),
  hangUp: ({ peer }) => node.hangUp(peerIdFromString(peer)),
  links: () => node.getConnections().map(link),
  ping: ({ peer }) => node.services.ping.ping(peerIdFromString(peer)),
  subscribe: ({ topic }) => {
    pubsub.topicValidators.set(topic, (_peer, { data }) => {
      const verdict = judge(data)
      tell({ event: 'judged', topic, verdict })
      return TopicValidatorResult[verdict]
    })
    pubsub.subscribe(topic)
  },
  mesh: ({ topic }) => meshOf(pubsub, topic),
  publish: async ({ topic, ...what }) => {
    const { recipients } = await pubsub.publish(topic, toPublish(what, node.peerId.toMultihash().bytes))
    return recipients.map(String)
  },
  openStreams: async ({ peer, protocol, count }) => {
    // Our own limit must not be in the way.
    const options = { maxOutboundStreams: count }
    for (let i = 0; i < count; i++) {
      const opened = node.dialProtocol(peerIdFromString(peer), protocol, options)
      await opened.then(
        (stream) => streams.push(stream),
        // Refused already, so there is nothing to keep.
        () => undefined,
      )
    }
  },
  countOpen: () => streams.filter(({ status }) => status === 'open').length,
  closeStreams: async () => {
    for (const stream of streams.splice(0)) await stream.close()
  },
  send: async ({ peer, protocol, bytes }) => {
    const stream = await node.dialProtocol(peerIdFromString(peer), protocol)
    await stream.sink([Buffer.from(bytes, 'base64')])
  },
  stop: async () => node.stop(),
})

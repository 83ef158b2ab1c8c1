// Requests by @lodestar/reqresp, on the libp2p it is made for. Its rate limits are off, its payload is given as bytes,
// so that it has no types to encode, and its sockets do not wait for acknowledgements, as those of later libp2p do not.
import { subscribe } from 'node:diagnostics_channel'
import { noise } from '@chainsafe/libp2p-noise'
import { mplex } from '@libp2p/mplex'
import { tcp } from '@libp2p/tcp'
import { ContextBytesType, EncodedPayloadType, Encoding, ReqResp } from '@lodestar/reqresp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { serveAsking } from '../../sides/asking.ts'

const bytesType = { serialize: (bytes) => bytes, deserialize: (bytes) => bytes, minSize: 0, maxSize: 2 ** 20 }
const quiet = () => {}
const logger = { error: quiet, warn: quiet, info: quiet, verbose: quiet, debug: quiet, trace: quiet }

/** `sendRequest` is protected: a user extends the class, as lodestar itself does. */
class Echo extends ReqResp {
  async ask(peer, body) {
    for await (const answer of this.sendRequest(peer, 'echo', [1], Encoding.SSZ_SNAPPY, body)) return answer
    throw new RangeError('No answer')
  }
}

subscribe('net.client.socket', ({ socket }) => socket.setNoDelay(true))
subscribe('net.server.socket', ({ socket }) => socket.setNoDelay(true))

const nodes = []
let own

async function start() {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncryption: [noise()],
    streamMuxers: [mplex({ maxInboundStreams: 1_024, maxOutboundStreams: 1_024 })],
    connectionManager: { autoDial: false, inboundConnectionThreshold: Infinity },
  })
  await node.start()
  nodes.push(node)
  // Its default of 32 streams for a protocol would refuse half of the requests.
  const handle = node.handle.bind(node)
  node.handle = (protocol, handler) =>
    handle(protocol, handler, { maxInboundStreams: 1_024, maxOutboundStreams: 1_024 })
  const reqResp = new Echo({ libp2p: node, logger, metricsRegister: null }, { rateLimitMultiplier: 0 })
  await reqResp.registerProtocol({
    method: 'echo',
    version: 1,
    encoding: Encoding.SSZ_SNAPPY,
    requestType: () => bytesType,
    responseType: () => bytesType,
    contextBytes: { type: ContextBytesType.Empty },
    async *handler(data) {
      yield { type: EncodedPayloadType.ssz, data }
    },
  })
  await reqResp.start()
  return { node, reqResp }
}

serveAsking({
  async listen() {
    const { node } = await start()
    return node.getMultiaddrs()[0].toString()
  },
  async connect(address) {
    const { node, reqResp } = await (own ??= start())
    const { remotePeer } = await node.dial(multiaddr(address))
    return (payload) => reqResp.ask(remotePeer, payload)
  },
  async stop() {
    for (const node of nodes) await node.stop()
  },
})

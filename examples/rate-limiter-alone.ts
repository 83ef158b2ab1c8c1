// Adds one package, @gridmesh/rate-limiter, to a plain libp2p node: a protocol of its own charges each peer for what it
// sends, and refuses what is too much, with the limit and the time to wait.
// Run: node examples/rate-limiter-alone.ts
import assert from 'node:assert/strict'
import { rateLimiter } from '@gridmesh/rate-limiter'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

const PROTOCOL = '/blocks/1'
const base = () => ({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
})

const [alice, bob] = await Promise.all([
  createLibp2p(base()),
  createLibp2p({
    ...base(),
    // A hundred messages a second by default; blocks are dear, so three at once, and then one in ten seconds.
    services: { rateLimiter: rateLimiter({ protocols: { [PROTOCOL]: { messagesBurst: 3, messagesPerSecond: 0.1 } } }) },
  }),
])
const { rateLimiter: limits } = bob.services
limits.addEventListener('peer:limit', ({ detail: { peer, limit } }) => {
  console.log(`bob refused ${peer.toString()}: ${limit}`)
})

await bob.handle(PROTOCOL, async (stream, connection) => {
  const frames = lpStream(stream)
  const question = await frames.read()
  const cost = { messages: 1, bytes: question.byteLength, streams: 1 }
  const verdict = limits.take(connection.remotePeer, PROTOCOL, cost)
  const answer = verdict.ok
    ? 'a block'
    : `${verdict.limit} is ${verdict.value}, wait ${verdict.retryAfterMs.toFixed(0)} ms`
  await frames.write(new TextEncoder().encode(answer))
  await stream.close()
})

const answers: string[] = []
for (let height = 1; height <= 5; height++) {
  const stream = await alice.dialProtocol(bob.getMultiaddrs(), PROTOCOL)
  const frames = lpStream(stream)
  await frames.write(Uint8Array.of(height))
  answers.push(new TextDecoder().decode((await frames.read()).subarray()))
  await stream.close()
  console.log(`block ${height}: ${answers.at(-1)}`)
}
assert.deepEqual(answers.slice(0, 3), ['a block', 'a block', 'a block'])
assert.match(answers.slice(3).join(), /wait \d.*wait \d/)

await alice.stop()
await bob.stop()

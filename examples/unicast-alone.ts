// Adds one package, @gridmesh/unicast, to a plain libp2p node: requests and receipts over one kept stream.
// Run: node examples/unicast-alone.ts
import assert from 'node:assert/strict'
import { unicast } from '@gridmesh/unicast'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

const create = () =>
  createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { unicast: unicast() },
  })

const [alice, bob] = await Promise.all([create(), create()])
let taken = 0
bob.services.unicast.handle('echo', (bytes) => bytes)
bob.services.unicast.handle('count', (bytes) => {
  taken += bytes.byteLength
})
await alice.dial(bob.getMultiaddrs())

const answer = await alice.services.unicast.request(bob.peerId, 'echo', new TextEncoder().encode('hello'))
console.log(`bob answered: ${new TextDecoder().decode(answer)}`)
assert.equal(new TextDecoder().decode(answer), 'hello')

const receipt = await alice.services.unicast.send(bob.peerId, 'count', new Uint8Array(1_000_000))
console.log(`bob took ${taken} bytes in ${receipt.attempts} attempt and ${receipt.roundTripMs.toFixed(0)} ms`)
assert.equal(taken, 1_000_000)

// A call ends in an answer, a typed error, or its deadline; here the error says that nothing has run.
await assert.rejects(alice.services.unicast.request(bob.peerId, 'no-such-handler', new Uint8Array()), (err: Error) => {
  console.log(`${err.name}: ${err.message}`)
  return err.name === 'UnknownHandlerError'
})

await alice.stop()
await bob.stop()

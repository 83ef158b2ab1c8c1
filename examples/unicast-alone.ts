// Adds one package, @gridmesh/unicast, to a plain libp2p node: requests and receipts over one kept stream.
import { unicast } from '@gridmesh/unicast'
import { identify } from '@libp2p/identify'
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
    services: { identify: identify(), unicast: unicast() },
  })

const [alice, bob] = await Promise.all([create(), create()])
bob.services.unicast.handle('echo', (bytes) => bytes)
await alice.dial(bob.getMultiaddrs())

const answer = await alice.services.unicast.request(bob.peerId, 'echo', new TextEncoder().encode('hello'))
process.stdout.write(`bob answered: ${new TextDecoder().decode(answer)}\n`)

const receipt = await alice.services.unicast.send(bob.peerId, 'echo', new Uint8Array(1_000_000))
process.stdout.write(`bob took 1 MB in ${receipt.attempts} attempt\n`)

await Promise.all([alice.stop(), bob.stop()])

// Requests over hyperdht's encrypted streams by protomux, the messages of a tick corked together: answers come in order.
import c from 'compact-encoding'
import DHT from 'hyperdht'
import createTestnet from 'hyperdht/testnet.js'
import Protomux from 'protomux'
import { serveAsking } from '../../sides/asking.ts'

let testnet
const nodes = []
const byBootstrap = new Map()

/** Opens the channel on a stream. Returns the call that sends, once per tick at most to the stream. */
function open(stream, onMessage) {
  const mux = Protomux.from(stream)
  const channel = mux.createChannel({ protocol: 'bench/echo' })
  const message = channel.addMessage({ encoding: c.raw, onmessage: onMessage })
  channel.open()
  let isCorked = false
  const uncork = () => {
    isCorked = false
    mux.uncork()
  }
  return (bytes) => {
    if (!isCorked) {
      isCorked = true
      mux.cork()
      queueMicrotask(uncork)
    }
    message.send(bytes)
  }
}

serveAsking({
  async listen() {
    testnet ??= await createTestnet(3)
    const node = testnet.createNode({ firewalled: false, ephemeral: false })
    nodes.push(node)
    const keyPair = DHT.keyPair()
    const server = node.createServer((stream) => {
      stream.on('error', () => {})
      const send = open(stream, (bytes) => send(bytes))
    })
    await server.listen(keyPair)
    return { bootstrap: testnet.bootstrap, key: keyPair.publicKey.toString('hex') }
  },
  async connect({ bootstrap, key }) {
    const name = JSON.stringify(bootstrap)
    const node = byBootstrap.get(name) ?? new DHT({ bootstrap, ephemeral: true, host: '127.0.0.1' })
    byBootstrap.set(name, node)
    const stream = node.connect(Buffer.from(key, 'hex'))
    stream.on('error', () => {})
    await new Promise((resolve) => stream.once('open', resolve))
    const waiting = []
    const send = open(stream, (bytes) => waiting.shift()(bytes))
    return (payload) =>
      new Promise((resolve) => {
        waiting.push(resolve)
        send(payload)
      })
  },
  async stop() {
    for (const node of [...nodes, ...byBootstrap.values()]) await node.destroy({ force: true })
    await testnet?.destroy()
  },
})

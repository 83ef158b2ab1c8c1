// Typed messages with @gridmesh/message-router over the three services it needs: an order goes out and arrives as an
// order, a request is answered, and what is wrong comes back with the reason.
// Run: node examples/message-router.ts
import assert from 'node:assert/strict'
import { broadcast } from '@gridmesh/broadcast'
import { envelope } from '@gridmesh/envelope'
import { defineMessage, defineRequest, jsonCodec, messageRouter } from '@gridmesh/message-router'
import { unicast } from '@gridmesh/unicast'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { z } from 'zod'

// Shared by sender and receiver, so that both agree at compile time.
const Order = z.object({ zone: z.string(), kilowattHours: z.number().positive() })
const codec = jsonCodec((value) => Order.parse(value))
const order = defineMessage({ kind: 'energy-order', codec })
const price = defineRequest({ kind: 'price', codec, reply: jsonCodec((value) => z.number().parse(value)) })

const create = () =>
  createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      envelope: envelope({ chainId: 'demo' }),
      unicast: unicast(),
      broadcast: broadcast({ chainId: 'demo' }),
      messages: messageRouter(),
    },
  })
const [alice, bob] = await Promise.all([create(), create()])

const arrived = new Promise<z.infer<typeof Order>>((resolve) => {
  bob.services.messages.on(order, (value, { sender, lane }) => {
    console.log(`${sender.toString()} orders ${value.kilowattHours} kWh in ${value.zone}, lane ${lane}`)
    assert.ok(sender.equals(alice.peerId))
    resolve(value)
  })
})
bob.services.messages.respond(price, ({ kilowattHours }) => kilowattHours * 4)
await alice.dial(bob.getMultiaddrs())

await alice.services.messages.broadcast(order, { zone: 'north', kilowattHours: 12 })
assert.deepEqual(await arrived, { zone: 'north', kilowattHours: 12 })

const baht = await alice.services.messages.request(bob.peerId, price, { zone: 'north', kilowattHours: 12 })
console.log(`bob asks ${baht} baht for it`)
assert.equal(baht, 48)

// Nobody handles this kind at bob's.
const unknown = defineMessage({ kind: 'meter-reading', codec })
await assert.rejects(
  alice.services.messages.send(bob.peerId, unknown, { zone: 'north', kilowattHours: 1 }),
  (err: Error & { code?: string }) => {
    console.log(`refused: ${err.name}, ${err.code}, ${err.message}`)
    return err.code === 'unknown-kind'
  },
)

await alice.stop()
await bob.stop()

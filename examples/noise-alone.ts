// Adds one package, @gridmesh/noise, to a plain libp2p node: it talks to a node with @libp2p/noise, either one dialling,
// and refuses a peer that is not the one it was told to expect.
// Run: node examples/noise-alone.ts
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { noise, wasmCrypto } from '@gridmesh/noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { MessageStream } from '@libp2p/interface'
import { noise as libp2pNoise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2pOptions } from 'libp2p'

const PROTOCOL = '/echo/1'
const MEBIBYTE = 2 ** 20

const create = async (encrypter: NonNullable<Libp2pOptions['connectionEncrypters']>[number]) => {
  const node = await createLibp2p({
    privateKey: await generateKeyPair('Ed25519'),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [encrypter],
    streamMuxers: [yamux()],
  })
  await node.handle(PROTOCOL, async (stream) => {
    for await (const data of stream) await send(stream, data)
    await stream.close()
  })
  return node
}

/** Sends, and waits while the stream is full. */
const send = async (stream: MessageStream, data: Parameters<MessageStream['send']>[0]) => {
  if (!stream.send(data)) await once(stream, 'drain')
}

for (const [from, to, name] of [
  [await create(noise()), await create(libp2pNoise()), 'ours dials @libp2p/noise'],
  [await create(libp2pNoise()), await create(noise()), '@libp2p/noise dials ours'],
  // What happens by itself on platforms that the native addon has no build for.
  [await create(noise({ crypto: await wasmCrypto() })), await create(noise()), 'WebAssembly dials native'],
] as const) {
  const connection = await from.dial(to.getMultiaddrs())
  assert.equal(connection.encryption, '/noise')
  const stream = await connection.newStream(PROTOCOL)
  const sent = Buffer.alloc(MEBIBYTE, 'all work and no play ')
  const received: Uint8Array[] = []
  const reading = (async () => {
    for await (const data of stream) received.push(data.subarray())
  })()
  await send(stream, sent)
  await stream.close()
  await reading
  assert.ok(Buffer.concat(received).equals(sent))
  console.log(`${name}: 1 MiB came back`)
  for (const node of [from, to]) await node.stop()
}

// The address says one peer, and another answers.
const [dialler, answering, expected] = [await create(noise()), await create(noise()), await create(noise())]
const [address] = answering.getMultiaddrs()
assert.ok(address)
const wrong = address.decapsulate('/p2p').encapsulate(`/p2p/${expected.peerId.toString()}`)
await assert.rejects(dialler.dial(wrong), (error: Error) => {
  console.log(`refused: ${error.message}`)
  return error.message.includes(answering.peerId.toString())
})

for (const node of [dialler, answering, expected]) await node.stop()

import type { Stream } from '@libp2p/interface'
import { memory } from '@libp2p/memory'
import { plaintext } from '@libp2p/plaintext'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { expect, it } from 'vitest'
import { envelope, type Opened } from '../src/index.ts'
import { codeOf } from './helpers.ts'

const PROTOCOL = '/test/envelope/1'

function createNode(address: string) {
  return createLibp2p({
    addresses: { listen: [address] },
    transports: [memory()],
    connectionEncrypters: [plaintext()],
    streamMuxers: [yamux()],
    services: { envelope: envelope({ chainId: 'test-chain' }) },
  })
}

async function readAll(stream: Stream): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of stream) parts.push(part.subarray())
  return Buffer.concat(parts)
}

it('carries an envelope from node to node, once, and over a restart of the receiver not again', async () => {
  const alice = await createNode('/memory/envelope-alice')
  const bob = await createNode('/memory/envelope-bob')
  const { promise: received, resolve } = Promise.withResolvers<{ bytes: Uint8Array; opened: Opened }>()
  await bob.handle(PROTOCOL, async (stream) => {
    const bytes = await readAll(stream)
    resolve({ bytes, opened: await bob.services.envelope.open(bytes, { sender: alice.peerId }) })
  })

  const payload = new Uint8Array(Buffer.from('kilowatt hour, '.repeat(500)))
  const stream = await alice.dialProtocol(multiaddr('/memory/envelope-bob'), PROTOCOL)
  stream.send(await alice.services.envelope.seal({ kind: 'offer', lane: 'high', payload }))
  await stream.close()

  const { bytes, opened } = await received
  expect(opened).toMatchObject({ kind: 'offer', lane: 'high' })
  expect(Buffer.compare(opened.payload, payload)).toBe(0)
  expect(opened.sender.equals(alice.peerId)).toBe(true)

  await bob.stop()
  await bob.start()
  expect(await codeOf(() => bob.services.envelope.open(bytes))).toBe('replay')
  await Promise.all([alice.stop(), bob.stop()])
})

import { createServer, type Server, type Socket } from 'node:net'
import { handshake, type HandshakeService } from '@gridmesh/handshake'
import { noise as gridmeshNoise } from '@gridmesh/noise'
import type { ConnectionGater } from '@libp2p/interface'
import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { plaintext } from '@libp2p/plaintext'
import { tls } from '@libp2p/tls'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { Libp2p, Libp2pOptions } from 'libp2p'
import { afterEach, expect, it } from 'vitest'
import { classify } from '../src/index.ts'
import { makePlain } from './nodes.ts'
import { at, PEER } from './support.ts'

const ENCRYPTERS = [
  ['@gridmesh/noise', gridmeshNoise],
  ['@libp2p/noise', noise],
  ['TLS', tls],
  ['plaintext', plaintext],
] as const

const servers: { server: Server; sockets: Set<Socket> }[] = []

afterEach(() => {
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
})

/** Somebody on loopback who is no libp2p node. Gives the address at which `PEER` is looked for. */
async function listen(onSocket: (socket: Socket) => void): Promise<Multiaddr> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  servers.push({ server, sockets })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const bound = server.address()
  return multiaddr(
    `/ip4/127.0.0.1/tcp/${typeof bound === 'object' && bound !== null ? bound.port : 0}/p2p/${PEER.toString()}`,
  )
}

/** An address at which nobody listens any more. */
async function closedPort(): Promise<Multiaddr> {
  const address = await listen(() => undefined)
  await new Promise((resolve) => servers.pop()?.server.close(resolve))
  return address
}

async function failure(dial: Promise<unknown>): Promise<unknown> {
  try {
    await dial
  } catch (err) {
    return classify(err)
  }
  throw new RangeError('the dial succeeded')
}

/** The address of `node` with the id of somebody else. */
function impostor(node: Libp2p): Multiaddr {
  return multiaddr(
    at(node.getMultiaddrs(), 0)
      .toString()
      .replace(/\/p2p\/.*/, `/p2p/${PEER.toString()}`),
  )
}

it('refused, at one address and at several', async () => {
  const node = await makePlain()
  const addresses = [await closedPort(), await closedPort()]
  expect(await failure(node.dial(at(addresses, 0)))).toEqual({ action: 'retry', reason: 'refused' })
  expect(await failure(node.dial(addresses))).toEqual({ action: 'retry', reason: 'refused' })
})

it('timed out: by the signal of the dial, by the time for one address, by that of the dial', async () => {
  const silent = await listen(() => undefined)
  const timedOut = { action: 'retry', reason: 'timed-out' }
  const node = await makePlain()
  expect(await failure(node.dial(silent, { signal: AbortSignal.timeout(50) }))).toEqual(timedOut)
  const hasty = await makePlain({ connectionManager: { addressDialTimeout: 50 } })
  expect(await failure(hasty.dial(silent))).toEqual(timedOut)
  const impatient = await makePlain({ connectionManager: { dialTimeout: 50 } })
  expect(await failure(impatient.dial(silent))).toEqual(timedOut)
})

it.each(ENCRYPTERS)('reset: while the connection is being secured by %s, and at once', async (_, encrypter) => {
  const node = await makePlain({ connectionEncrypters: [encrypter()] })
  const late = await listen((socket) => socket.on('data', () => socket.resetAndDestroy()))
  expect(await failure(node.dial(late))).toEqual({ action: 'retry', reason: 'reset' })
  const early = await listen((socket) => socket.resetAndDestroy())
  expect(await failure(node.dial(early))).toEqual({ action: 'retry', reason: 'reset' })
})

it.each(ENCRYPTERS)('closed while the connection is being secured by %s', async (_, encrypter) => {
  const node = await makePlain({ connectionEncrypters: [encrypter()] })
  const ended = await listen((socket) => socket.on('data', () => socket.end()))
  expect(await failure(node.dial(ended))).toEqual({ action: 'retry', reason: 'closed' })
})

it('a name that is not there', async () => {
  const node = await makePlain()
  const verdict = await failure(node.dial(multiaddr(`/dns4/nobody.invalid/tcp/1/p2p/${PEER.toString()}`)))
  // Without any name server the answer is that there is none at the moment.
  expect(verdict).toSatisfy(({ reason }) => ['dns-not-found', 'dns-failed'].includes(reason))
})

it.each(ENCRYPTERS)('wrong peer id, over %s', async (_, encrypter) => {
  const options = { connectionEncrypters: [encrypter()] }
  const [a, b] = [await makePlain(options), await makePlain(options)]
  expect(await failure(a.dial(impostor(b)))).toEqual({ action: 'never', reason: 'wrong-peer' })
})

it('no secure channel in common', async () => {
  const [a, b] = [await makePlain(), await makePlain({ connectionEncrypters: [plaintext()] })]
  expect(await failure(a.dial(b.getMultiaddrs()))).toEqual({ action: 'never', reason: 'no-common-encryption' })
})

function onChain(chainId: string): Libp2pOptions {
  return { services: { handshake: handshake({ chainId, genesisHash: '00', role: 'r', region: 'r' }) } }
}

it('wrong chain', async () => {
  const [a, b] = [await makePlain(onChain('one')), await makePlain(onChain('other'))]
  const { handshake: ours } = a.services as unknown as { handshake: HandshakeService }
  await a.dial(b.getMultiaddrs())
  expect(await failure(ours.whenReady(b.peerId))).toEqual({ action: 'never', reason: 'wrong-chain', isFinal: true })
  await expect(ours.whenReady(b.peerId)).rejects.toMatchObject({ name: 'HandshakeRejectedError' })
})

it.each<keyof ConnectionGater>([
  'denyDialPeer',
  'denyDialMultiaddr',
  'denyOutboundConnection',
  'denyOutboundEncryptedConnection',
  'denyOutboundUpgradedConnection',
])('denied or banned by our own gater: %s', async (method) => {
  const [a, b] = [await makePlain({ connectionGater: { [method]: () => true } }), await makePlain()]
  expect(await failure(a.dial(b.getMultiaddrs()))).toEqual({ action: 'never', reason: 'denied' })
})

it('denied by the gater of the other side, which looks like a reset', async () => {
  const [a, b] = [await makePlain(), await makePlain({ connectionGater: { denyInboundConnection: () => true } })]
  expect(await failure(a.dial(b.getMultiaddrs()))).toMatchObject({ action: 'retry' })
})

it('aborted', async () => {
  const node = await makePlain()
  const silent = await listen(() => undefined)
  const controller = new AbortController()
  const dial = failure(node.dial(silent, { signal: controller.signal }))
  controller.abort()
  expect(await dial).toEqual({ action: 'retry', reason: 'aborted' })
})

it('no transport for the address, and no address at all', async () => {
  const node = await makePlain()
  const noAddress = { action: 'never', reason: 'no-address' }
  expect(await failure(node.dial(multiaddr(`/memory/x/p2p/${PEER.toString()}`)))).toEqual(noAddress)
  expect(await failure(node.dial(PEER))).toEqual(noAddress)
})

it('nobody at a memory address', async () => {
  const node = await makePlain({ addresses: { listen: [] }, transports: [memory()] })
  const verdict = await failure(node.dial(multiaddr(`/memory/nobody/p2p/${PEER.toString()}`)))
  expect(verdict).toEqual({ action: 'retry', reason: 'refused' })
})

it('ourselves', async () => {
  const node = await makePlain()
  expect(await failure(node.dial(node.peerId))).toEqual({ action: 'never', reason: 'self', isFinal: true })
})

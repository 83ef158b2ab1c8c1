import { HandshakeRejectedError } from '@gridmesh/interfaces'
import type { Connection, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { expect, it, onTestFinished, vi } from 'vitest'
import { handshake, HANDSHAKE_PROTOCOL } from '../src/index.ts'
import {
  addressOf,
  becomeReady,
  dialRaw,
  GOODBYE,
  makeHello,
  makeInit,
  makeNode,
  makeStranger,
  reports,
} from './helpers.ts'

async function connected(init: Parameters<typeof makeNode>[0] = {}) {
  const [a, b] = [await makeNode(init), await makeNode(init)]
  const connection = await a.node.dial(b.address)
  await Promise.all([a.handshake.whenReady(b.node.peerId), b.handshake.whenReady(a.node.peerId)])
  return { a, b, connection }
}

async function makeTcpNode(region: string) {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { handshake: handshake(makeInit({ region })) },
  })
}

it('makes both sides ready with the shared version and capabilities', async () => {
  const a = await makeNode({ protocol: { min: 1, max: 3 }, capabilities: ['sync', 'relay'] })
  const b = await makeNode({ protocol: { min: 2, max: 5 }, capabilities: ['relay', 'archive'], role: 'authority' })
  b.handshake.setStatus({ height: 7, tipHash: 'beef' })
  await a.node.dial(b.address)

  const [ofB, ofA] = await Promise.all([a.handshake.whenReady(b.node.peerId), b.handshake.whenReady(a.node.peerId)])
  expect(ofB).toMatchObject({ role: 'authority', height: 7, tipHash: 'beef', listenAddresses: [b.address.toString()] })
  expect(ofA).toMatchObject({ role: 'prosumer', capabilities: ['sync', 'relay'] })
  for (const [x, y] of [
    [a, b],
    [b, a],
  ] as const) {
    expect(x.handshake.isReady(y.node.peerId)).toBe(true)
    expect(x.handshake.get(y.node.peerId)?.chainId).toBe('test')
    expect(x.handshake.version(y.node.peerId)).toBe(3)
    expect(x.handshake.capabilities(y.node.peerId)).toEqual(['relay'])
    expect(x.events).toEqual(['ready'])
    expect(x.told).toEqual([{ what: 'ready', peer: y.node.peerId.toString() }])
  }
})

it('works alone over TCP and Noise', async () => {
  const [a, b] = [await makeTcpNode('a'), await makeTcpNode('b')]
  onTestFinished(async () => {
    await a.stop()
    await b.stop()
  })
  await a.dial(addressOf(b))
  expect(await a.services.handshake.whenReady(b.peerId)).toMatchObject({ region: 'b' })
  expect(await b.services.handshake.whenReady(a.peerId)).toMatchObject({ region: 'a' })
})

it.each([
  ['wrong-chain', { chainId: 'other' }],
  ['wrong-genesis', { genesisHash: 'ff' }],
  ['no-common-version', { protocol: { min: 2, max: 2 } }],
])('refuses with %s on both sides, closes the connection and blames nobody', async (code, init) => {
  const [a, b] = [await makeNode(), await makeNode(init)]
  const connection = await a.node.dial(b.address)
  const closed = new Promise((resolve) => connection.addEventListener('close', resolve))
  await expect(a.handshake.whenReady(b.node.peerId)).rejects.toMatchObject({ name: 'HandshakeRejectedError', code })
  await closed
  await vi.waitFor(() => expect(b.events).toEqual([`refused ${code} by us`]))
  expect(a.events).toEqual([`refused ${code} by us`])
  expect([...a.told, ...b.told]).toEqual([])
  expect(a.handshake.get(b.node.peerId)).toBeUndefined()
})

it('tells a peer that does not authorise why, before the connection closes', async () => {
  const reason = { code: 'unauthorised', message: 'the membership ended' }
  const a = await makeNode({ credentials: () => Uint8Array.of(1, 2) })
  const seen: unknown[] = []
  const b = await makeNode({
    authorise: async ({ credentials }, peer) => {
      seen.push(credentials, peer.toString())
      return reason
    },
  })
  const connection = await a.node.dial(b.address)
  const closed = new Promise((resolve) => connection.addEventListener('close', resolve))
  connection.addEventListener('close', () => a.events.push('closed'))
  const refused = a.handshake.whenReady(b.node.peerId)
  await expect(refused).rejects.toMatchObject({ code: 'unauthorised', by: 'them', reason })
  await closed
  expect(seen).toEqual([Uint8Array.of(1, 2), a.node.peerId.toString()])
  expect(a.events).toEqual(['refused unauthorised by them', 'closed'])
  expect(b.events).toEqual(['refused unauthorised by us'])
})

it('refuses a peer when authorise throws, without saying what', async () => {
  const [a, b] = [await makeNode(), await makeNode({ authorise: () => Promise.reject(new TypeError('secret')) })]
  await a.node.dial(b.address)
  const refused = a.handshake.whenReady(b.node.peerId)
  await expect(refused).rejects.toMatchObject({
    code: 'unauthorised',
    reason: { message: expect.not.stringContaining('secret') },
  })
})

it('refuses everybody while its credentials cannot be had', async () => {
  const [a, b] = [await makeNode({ credentials: () => Promise.reject(new TypeError('no key')) }), await makeNode()]
  await a.node.dial(b.address)
  await expect(a.handshake.whenReady(b.node.peerId)).rejects.toMatchObject({ code: 'unavailable', by: 'us' })
  await vi.waitFor(() => expect(b.events).toEqual(['refused unavailable by them']))
})

it('lets both sides be ready when they dial each other at once', async () => {
  for (let i = 0; i < 5; i++) {
    const [a, b] = [await makeNode(), await makeNode()]
    await Promise.all([a.node.dial(b.address), b.node.dial(a.address)])
    await Promise.all([a.handshake.whenReady(b.node.peerId), b.handshake.whenReady(a.node.peerId)])
    await vi.waitFor(() => expect(a.node.getConnections().length).toBe(b.node.getConnections().length))
    expect(a.events.filter((event) => event === 'ready')).toHaveLength(1)
    expect(b.events.filter((event) => event === 'ready')).toHaveLength(1)
    expect([...a.events, ...b.events].filter((event) => event.startsWith('refused'))).toEqual([])
  }
})

it('keeps a peer ready until the last of its connections closes', async () => {
  const { a, b, connection } = await connected()
  const second = await b.node.dial(a.address, { force: true })
  await vi.waitFor(() => expect(a.told.map(({ what }) => what)).toEqual(['ready', 'hello']))
  await connection.close()
  await vi.waitFor(() => expect(b.node.getConnections()).toHaveLength(1))
  expect(a.handshake.isReady(b.node.peerId)).toBe(true)
  await second.close()
  await vi.waitFor(() => expect(a.events).toContain('left'))
  expect(a.handshake.get(b.node.peerId)).toBeUndefined()
  expect(a.handshake.capabilities(b.node.peerId)).toEqual([])
})

it('refuses a connection beyond maxConnectionsPerPeer as duplicate and keeps the peer ready', async () => {
  const { a, b } = await connected({ maxConnectionsPerPeer: 2 })
  await b.node.dial(a.address, { force: true })
  await vi.waitFor(() => expect(a.told).toHaveLength(2))
  const third = await a.node.dial(b.address, { force: true })
  const closed = new Promise((resolve) => third.addEventListener('close', resolve))
  await closed
  await vi.waitFor(() => expect(b.events.some((event) => event.startsWith('refused duplicate'))).toBe(true))
  expect(a.events.some((event) => event.startsWith('refused duplicate'))).toBe(true)
  expect(a.handshake.isReady(b.node.peerId) && b.handshake.isReady(a.node.peerId)).toBe(true)
})

it('counts those whom authorise has yet to answer: of six connections at once it takes maxConnectionsPerPeer', async () => {
  const deciding = Promise.withResolvers<true>()
  const server = await makeNode({ maxConnectionsPerPeer: 4, authorise: () => deciding.promise })
  const stranger = await makeStranger()
  for (let i = 0; i < 6; i++) {
    const raw = await dialRaw(stranger, server.address)
    raw.write({ kind: 'hello', hello: makeHello() }, { kind: 'verdict' })
  }
  await vi.waitFor(() => expect(server.events).toEqual(['refused duplicate by us', 'refused duplicate by us']))
  deciding.resolve(true)
  await vi.waitFor(() => expect(server.handshake.isReady(stranger.peerId)).toBe(true))
  // Those that are refused have a moment to read why.
  await vi.waitFor(() => expect(server.node.getConnections()).toHaveLength(4), { timeout: 10_000 })
})

it('turns a dialler away as busy while maxHandshakes are in progress', async () => {
  const deciding = Promise.withResolvers<true>()
  const server = await makeNode({ maxHandshakes: 1, authorise: () => deciding.promise })
  const [first, second] = [await makeNode(), await makeNode()]
  await first.node.dial(server.address)
  const isReady = first.handshake.whenReady(server.node.peerId)
  await vi.waitFor(() =>
    expect(server.node.getConnections()[0]?.streams.map((s) => s.protocol)).toContain(HANDSHAKE_PROTOCOL),
  )

  await second.node.dial(server.address)
  await expect(second.handshake.whenReady(server.node.peerId)).rejects.toMatchObject({
    code: 'busy',
    by: 'them',
    reason: { limit: 'maxHandshakes', value: 1 },
  })
  deciding.resolve(true)
  expect(await isReady).toMatchObject({ chainId: 'test' })
})

it('waits for a handshake under way, and rejects at once for a peer without a connection', async () => {
  const deciding = Promise.withResolvers<true>()
  const [a, b] = [await makeNode(), await makeNode({ authorise: () => deciding.promise })]
  const absent = a.handshake.whenReady(b.node.peerId)
  await expect(absent).rejects.toBeInstanceOf(HandshakeRejectedError)
  await expect(absent).rejects.toMatchObject({ code: 'not-connected', by: 'us' })

  await a.node.dial(b.address)
  const aborted = a.handshake.whenReady(b.node.peerId, { signal: AbortSignal.abort(new TypeError('given up')) })
  await expect(aborted).rejects.toThrow('given up')
  const controller = new AbortController()
  const waiting = a.handshake.whenReady(b.node.peerId, controller)
  controller.abort(new TypeError('given up later'))
  await expect(waiting).rejects.toThrow('given up later')
  expect(a.handshake.isReady(b.node.peerId)).toBe(false)
  const isReady = a.handshake.whenReady(b.node.peerId)
  deciding.resolve(true)
  expect(await isReady).toMatchObject({ chainId: 'test' })
})

it('gives up a handshake that is not done before the deadline, and blames nobody for time of its own', async () => {
  const [a, b] = [await makeNode(), await makeNode({ deadlineMs: 50, authorise: () => new Promise(() => undefined) })]
  await a.node.dial(b.address)
  await expect(b.handshake.whenReady(a.node.peerId)).rejects.toMatchObject({ name: 'TimeoutError' })
  await expect(a.handshake.whenReady(b.node.peerId)).rejects.toMatchObject({
    code: 'timeout',
    by: 'them',
    reason: { limit: 'deadlineMs', value: 50 },
  })
  expect(b.events).toEqual(['refused timeout by us'])
  expect(reports(b.told)).toEqual([])
})

it('refuses and leaves a peer that does not speak the handshake, without blame', async () => {
  const [a, stranger] = [await makeNode(), await makeStranger()]
  await a.node.dial(addressOf(stranger))
  await expect(a.handshake.whenReady(stranger.peerId)).rejects.toMatchObject({ code: 'unsupported' })
  await vi.waitFor(() => expect(a.node.getConnections()).toEqual([]))
  expect(a.told).toEqual([])
})

it('tells ready peers a new status at once, and the latest of a tick only', async () => {
  const { a, b } = await connected()
  a.handshake.setStatus({ height: 1, tipHash: 'aa' })
  a.handshake.setStatus({ height: 2, tipHash: 'bb' })
  await vi.waitFor(() => expect(b.events).toEqual(['ready', 'status 2']))
  expect(b.handshake.get(a.node.peerId)).toMatchObject({ height: 2, tipHash: 'bb' })
  expect(b.told.at(-1)).toEqual({ what: 'hello', peer: a.node.peerId.toString() })
})

it('repeats its status every statusIntervalMs', async () => {
  const { b } = await connected({ statusIntervalMs: 20 })
  await vi.waitFor(() => expect(b.events.filter((event) => event === 'status 0').length).toBeGreaterThan(2))
})

it('tells a status that changed during the handshake as soon as the peer is ready', async () => {
  const deciding = Promise.withResolvers<true>()
  const [a, b] = [await makeNode({ authorise: () => deciding.promise }), await makeNode()]
  await a.node.dial(b.address)
  await vi.waitFor(() =>
    expect(b.node.getConnections()[0]?.streams.map((s) => s.protocol)).toContain(HANDSHAKE_PROTOCOL),
  )
  await vi.waitFor(() =>
    expect(a.node.getConnections()[0]?.streams.map((s) => s.protocol)).toContain(HANDSHAKE_PROTOCOL),
  )
  a.handshake.setStatus({ height: 9, tipHash: 'cc' })
  deciding.resolve(true)
  await b.handshake.whenReady(a.node.peerId)
  await vi.waitFor(() => expect(b.handshake.get(a.node.peerId)).toMatchObject({ height: 9, tipHash: 'cc' }))
})

it('says goodbye with its reason: nothing new starts, and the connection stays', async () => {
  const { a, b, connection } = await connected()
  await a.handshake.goodbye(b.node.peerId, GOODBYE)
  await vi.waitFor(() => expect(b.events).toEqual(['ready', 'goodbye too-many-peers']))
  expect(a.told.at(-1)).toEqual({ what: 'draining', peer: b.node.peerId.toString() })
  expect(b.told.at(-1)).toEqual({ what: 'draining', peer: a.node.peerId.toString() })
  expect(connection.status).toBe('open')
  expect(b.handshake.isReady(a.node.peerId)).toBe(false)
  expect(b.handshake.get(a.node.peerId)).toMatchObject({ chainId: 'test' })
  await expect(a.handshake.whenReady(b.node.peerId)).rejects.toMatchObject({ reason: GOODBYE, by: 'us' })
  await expect(b.handshake.whenReady(a.node.peerId)).rejects.toMatchObject({ reason: GOODBYE, by: 'them' })
})

it('closes two minutes after a goodbye the connection of a peer that said it and stays', async () => {
  const victim = await makeNode()
  const raw = await dialRaw(await makeStranger(), victim.address)
  await becomeReady(raw)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    raw.write({ kind: 'goodbye', reason: GOODBYE })
    await vi.waitFor(() => expect(raw.stream.remoteWriteStatus).toBe('closed'))
    expect(victim.events).toEqual(['ready', 'goodbye too-many-peers'])

    await vi.advanceTimersByTimeAsync(118_000)
    expect(victim.node.getConnections()).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(4_000)
    await vi.waitFor(() => expect(victim.node.getConnections()).toEqual([]))
  } finally {
    vi.useRealTimers()
  }
  expect(victim.events).toEqual(['ready', 'goodbye too-many-peers', 'left'])
  expect(reports(victim.told)).toEqual([])
})

it.each<[string, (connection: Connection) => unknown]>([
  ['closed', async (connection) => connection.close()],
  ['reset', (connection) => connection.abort(new Error('cut'))],
])('takes no stream of a connection that was %s, whose end it would never hear of', async (_, end) => {
  const { b, connection } = await connected()
  const [inbound] = b.node.getConnections()
  expect.assert(inbound !== undefined)
  await end(connection)
  await vi.waitFor(() => expect(b.node.getConnections()).toEqual([]))
  const { handler } = b.registrar.getHandler(HANDSHAKE_PROTOCOL)
  expect(() => handler({} as Stream, inbound)).toThrow('The connection closed')
})

it('has been heard when a goodbye resolves, so that the connection can be cut there and then', async () => {
  for (let round = 0; round < 10; round++) {
    const { a, b, connection } = await connected()
    await a.handshake.goodbye(b.node.peerId, GOODBYE)
    connection.abort(new Error('cut'))
    await vi.waitFor(() => expect(b.events).toEqual(['ready', 'goodbye too-many-peers', 'left']))
  }
})

it('takes a goodbye for the connection it came on, and for the peer once it came on the last', async () => {
  const a = await makeNode()
  const stranger = await makeStranger()
  const raws = [await dialRaw(stranger, a.address), await dialRaw(stranger, a.address)]
  for (const raw of raws) await becomeReady(raw)
  const [first, last] = raws
  // As a node does whose deadline passed while our acceptance was under way.
  first?.write({ kind: 'goodbye', reason: { code: 'timeout', message: 'too late' } })
  await first?.stream.close()
  await first?.connection.close()
  await vi.waitFor(() => expect(a.node.getConnections()).toHaveLength(1))
  expect(a.events).toEqual(['ready', 'status 0'])
  expect(a.handshake.isReady(stranger.peerId)).toBe(true)
  last?.write({ kind: 'goodbye', reason: GOODBYE })
  await vi.waitFor(() => expect(a.events).toEqual(['ready', 'status 0', 'goodbye too-many-peers']))
  expect(a.handshake.isReady(stranger.peerId)).toBe(false)
})

it('knows why a peer left that said it on one connection, and was cut off on the other', async () => {
  const a = await makeNode()
  const stranger = await makeStranger()
  const raws = [await dialRaw(stranger, a.address), await dialRaw(stranger, a.address)]
  for (const raw of raws) await becomeReady(raw)
  const [first, last] = raws
  first?.write({ kind: 'goodbye', reason: GOODBYE })
  // The end of the victim's side says that it was read.
  await first?.stream.close()
  await vi.waitFor(() => expect(first?.stream.status).toBe('closed'))
  last?.connection.abort(new Error('cut'))
  await vi.waitFor(() => expect(a.events).toEqual(['ready', 'status 0', 'goodbye too-many-peers', 'left']))
})

it('makes a peer ready anew that comes back while it is parting', async () => {
  const { a, b } = await connected()
  await a.handshake.goodbye(b.node.peerId, GOODBYE)
  await vi.waitFor(() => expect(b.events).toContain('goodbye too-many-peers'))
  await b.node.dial(a.address, { force: true })
  await Promise.all([a.handshake.whenReady(b.node.peerId), b.handshake.whenReady(a.node.peerId)])
  expect(a.events).toEqual(['ready', 'left', 'ready'])
  await vi.waitFor(() => expect(b.events).toEqual(['ready', 'goodbye too-many-peers', 'left', 'ready']))
  expect(a.handshake.isReady(b.node.peerId)).toBe(true)
})

it('refuses a handshake that is under way with the reason of a goodbye', async () => {
  const [a, b] = [await makeNode(), await makeNode({ authorise: () => new Promise(() => undefined) })]
  await a.node.dial(b.address)
  await vi.waitFor(() =>
    expect(b.node.getConnections()[0]?.streams.map((s) => s.protocol)).toContain(HANDSHAKE_PROTOCOL),
  )
  const [outcome] = await Promise.allSettled([
    a.handshake.whenReady(b.node.peerId),
    b.handshake.goodbye(a.node.peerId, GOODBYE),
  ])
  expect(outcome).toMatchObject({ status: 'rejected', reason: { reason: GOODBYE, by: 'them' } })
})

it('resolves a goodbye to a peer that is not there', async () => {
  const [a, b] = [await makeNode(), await makeNode()]
  await expect(a.handshake.goodbye(b.node.peerId, GOODBYE)).resolves.toBeUndefined()
})

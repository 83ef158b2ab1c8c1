import { identify } from '@libp2p/identify'
import { memory } from '@libp2p/memory'
import { plaintext } from '@libp2p/plaintext'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { afterEach, expect, it, vi } from 'vitest'
import { reconnection, type ReconnectionService } from '../src/index.ts'
import { FAST, makeNode, type TestNode } from './nodes.ts'

afterEach(() => vi.restoreAllMocks())

const WAIT = { interval: 10 }

async function whenReadyAgain(a: TestNode, b: TestNode): Promise<void> {
  await vi.waitFor(() => expect([a.isReady(b), b.isReady(a)]).toEqual([true, true]), WAIT)
}

it('reconnects to a peer that was killed and came back on the same port', async () => {
  const [a, b] = [await makeNode({ maxTries: 1_000 }), await makeNode()]
  await a.meet(b)
  await b.crash()
  await vi.waitFor(() => expect(a.service.state(b.id)?.failures).toBeGreaterThan(0), WAIT)
  await b.up()
  await whenReadyAgain(a, b)
  await vi.waitFor(() => expect(a.service.state(b.id)?.status).toBe('connected'), WAIT)
  expect(a.events.at(-1)).toBe('success')
  expect(a.service.state(b.id)?.history.map(({ reason }) => reason)).toContain('refused')
})

it('hears the goodbye of a peer that is stopped, waits longer, and meets it again', async () => {
  // Without jitter the first try would come before the goodbye is read, or not, as chance has it.
  const [a, b] = [await makeNode({ initialDelayMs: 200, factor: 1, maxTries: 1_000 }), await makeNode()]
  vi.spyOn(Math, 'random').mockReturnValue(0.9)
  await a.meet(b)
  const { id } = b
  await b.down()
  const losses = () => a.service.state(id)?.history.filter(({ what }) => what === 'lost')
  await vi.waitFor(
    () => expect(losses()?.at(-1)).toMatchObject({ action: 'retry-later', reason: 'shutting-down' }),
    WAIT,
  )
  await b.up()
  await whenReadyAgain(a, b)
})

it('gives up an unimportant peer that stays away, after maxTries', async () => {
  const [a, b] = [await makeNode({ maxTries: 3 }), await makeNode()]
  await a.meet(b)
  await b.crash()
  await vi.waitFor(() => expect(a.events).toHaveLength(4), WAIT)
  expect(a.events).toEqual(['attempt', 'attempt', 'attempt', expect.stringMatching(/^gave-up (refused|reset|closed)$/)])
  expect(a.service.state(b.id)).toBeUndefined()
})

it('never tries a peer again that came back on another chain', async () => {
  const [a, b] = [await makeNode({ maxTries: 1_000 }), await makeNode()]
  await a.meet(b)
  await b.crash()
  b.chainId = 'other'
  await b.up()
  await vi.waitFor(() => expect(a.events.at(-1)).toBe('gave-up wrong-chain'), WAIT)
  expect(a.service.peers()).toEqual([])
})

async function makeForgetful(
  name: string,
  maxAddressAge: number,
): Promise<Libp2p<{ reconnection: ReconnectionService }>> {
  return createLibp2p({
    addresses: { listen: [`/memory/${name}`] },
    transports: [memory()],
    connectionEncrypters: [plaintext()],
    streamMuxers: [yamux()],
    peerStore: { maxAddressAge },
    services: { identify: identify(), reconnection: reconnection(FAST) },
  })
}

it('still knows the address of a peer that libp2p has forgotten', async () => {
  const [a, b] = [await makeForgetful('forgetful', 1_000), await makeForgetful('forgotten', 3_600_000)]
  b.services.reconnection.suspend()
  await a.dial(b.getMultiaddrs())
  const known = async () => (await a.peerStore.get(b.peerId)).addresses
  await vi.waitFor(async () => expect(await known()).toEqual([]), WAIT)
  const back = new Promise((resolve) => a.services.reconnection.addEventListener('reconnection:success', resolve))
  for (const connection of a.getConnections()) connection.abort(new TypeError('lost'))
  await back
  expect(a.getConnections(b.peerId)).toHaveLength(1)
  await a.stop()
  await b.stop()
})

it('dials the peers of its bootstrap list, works after a restart of the node, and is silent once stopped', async () => {
  const b = await makeNode()
  const a = await makeNode({ bootstrap: [b.address] })
  await whenReadyAgain(a, b)
  await a.libp2p.stop()
  expect([a.service.peers(), a.libp2p.getConnections()]).toEqual([[], []])
  await a.libp2p.start()
  await whenReadyAgain(a, b)
  expect(a.service.state(b.id)).toMatchObject({ isImportant: true })
})

it('makes no attempt while suspended, though the peer is there', async () => {
  const [a, b] = [await makeNode(), await makeNode()]
  await a.meet(b)
  a.service.suspend()
  b.service.suspend()
  for (const connection of a.libp2p.getConnections()) connection.abort(new TypeError('asleep'))
  await vi.waitFor(() => expect(a.service.state(b.id)?.status).toBe('waiting'), WAIT)
  expect(a.events).toEqual([])
  a.service.resume()
  await whenReadyAgain(a, b)
  await vi.waitFor(() => expect(a.events).toEqual(['attempt', 'success']), WAIT)
})

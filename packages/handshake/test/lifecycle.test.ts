import type { Connection, Metrics } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { createLibp2p } from 'libp2p'
import { expect, it, vi } from 'vitest'
import { DefaultHandshake } from '../src/default-handshake.ts'
import { handshake, HANDSHAKE_PROTOCOL, type HandshakeComponents } from '../src/index.ts'
import { OutcomeMetrics } from '../src/outcome-metrics.ts'
import { dialRaw, makeInit, makeNode, makeStranger } from './helpers.ts'

it('refuses to start under another name, by which nobody would find it and strangers would be served', async () => {
  const node = await createLibp2p({ start: false, services: { shake: handshake(makeInit()) } })
  await expect(node.start()).rejects.toMatchObject({ name: 'ServiceNameError', service: 'handshake' })
})

it('says goodbye with shutting-down when it stops', async () => {
  const [a, b] = [await makeNode(), await makeNode()]
  await a.node.dial(b.address)
  await Promise.all([a.handshake.whenReady(b.node.peerId), b.handshake.whenReady(a.node.peerId)])
  await a.node.stop()
  await vi.waitFor(() => expect(b.events).toEqual(['ready', 'goodbye shutting-down', 'left']))
  expect(a.events).toEqual(['ready', 'left'])
})

it('works again after a restart, with the status it had', async () => {
  const [a, b] = [await makeNode(), await makeNode()]
  a.handshake.setStatus({ height: 3, tipHash: 'aa' })
  await a.node.stop()
  await a.node.start()
  await a.node.dial(b.address)
  await a.handshake.whenReady(b.node.peerId)
  await vi.waitFor(() => expect(b.handshake.get(a.node.peerId)).toMatchObject({ height: 3 }))
})

it('refuses a dialler as shutting-down while it says its goodbyes', async () => {
  const a = await makeNode()
  await (a.handshake as DefaultHandshake).beforeStop()
  const raw = await dialRaw(await makeStranger(), a.address)
  expect(await raw.read()).toMatchObject({ kind: 'verdict', refusal: { code: 'shutting-down' } })
})

it('refuses newcomers once told to, whoever dials, keeps who is ready, and takes newcomers again after a restart', async () => {
  const [a, b, c, d] = [await makeNode(), await makeNode(), await makeNode(), await makeNode()]
  await a.node.dial(b.address)
  await a.handshake.whenReady(b.node.peerId)
  a.handshake.refuseNewcomers()
  await c.node.dial(a.address)
  await expect(c.handshake.whenReady(a.node.peerId)).rejects.toMatchObject({ code: 'shutting-down', by: 'them' })
  await a.node.dial(d.address)
  await expect(a.handshake.whenReady(d.node.peerId)).rejects.toMatchObject({ code: 'shutting-down', by: 'us' })
  expect(a.handshake.isReady(b.node.peerId)).toBe(true)
  await a.node.stop()
  await a.node.start()
  await c.node.dial(a.address)
  await c.handshake.whenReady(a.node.peerId)
})

it('ends a handshake under way when it stops, and leaves no stream, listener, handler or timer behind', async () => {
  const a = await makeNode({ authorise: () => new Promise(() => undefined) })
  const b = await makeNode()
  await a.node.dial(b.address)
  const service = a.handshake as DefaultHandshake
  const waiting = Promise.allSettled([a.handshake.whenReady(b.node.peerId)])
  const streams = () => a.node.getConnections().flatMap((connection) => connection.streams)
  await vi.waitFor(() => expect(streams().map(({ protocol }) => protocol)).toContain(HANDSHAKE_PROTOCOL))
  await service.stop()
  expect(await waiting).toMatchObject([{ status: 'rejected', reason: { code: 'shutting-down', by: 'us' } }])
  expect(streams().filter(({ protocol }) => protocol === HANDSHAKE_PROTOCOL)).toEqual([])
  expect(a.node.getProtocols()).not.toContain(HANDSHAKE_PROTOCOL)
  expect(a.events).toEqual(['refused shutting-down by us'])
})

it('ends with stop a handshake whose connection is gone while its own credentials are awaited', async () => {
  const asked = Promise.withResolvers<void>()
  const credentials = async () => {
    asked.resolve()
    return new Promise<Uint8Array>(() => undefined)
  }
  const [a, b] = [await makeNode({ credentials, deadlineMs: 60_000 }), await makeNode()]
  const connection = await a.node.dial(b.address)
  await asked.promise
  const waiting = Promise.allSettled([a.handshake.whenReady(b.node.peerId)])
  connection.abort(new TypeError('dropped'))
  await (a.handshake as DefaultHandshake).stop()
  expect(await waiting).toMatchObject([{ status: 'rejected', reason: { code: 'shutting-down' } }])
})

/** Components that count what is added to them. */
function makeComponents() {
  const listeners = new Map<string, Set<unknown>>()
  const handlers = new Set<string>()
  const components = {
    logger: defaultLogger(),
    addressManager: { getAddresses: () => [] },
    connectionManager: { getConnections: () => [] },
    registrar: {
      handle: async (protocol: string) => void handlers.add(protocol),
      unhandle: async (protocol: string) => void handlers.delete(protocol),
    },
    events: {
      addEventListener: (type: string, listener: unknown) =>
        listeners.set(type, (listeners.get(type) ?? new Set()).add(listener)),
      removeEventListener: (type: string, listener: unknown) => listeners.get(type)?.delete(listener),
    },
  }
  const count = () => handlers.size + [...listeners.values()].reduce((sum, { size }) => sum + size, 0)
  const open = (connection: unknown) => {
    for (const listener of listeners.get('connection:open') ?? []) {
      ;(listener as (evt: { detail: unknown }) => void)({ detail: connection })
    }
  }
  return { components: components as unknown as HandshakeComponents, count, open }
}

it('adds in start what stop removes, timers included, however often either is called', async () => {
  vi.useFakeTimers()
  try {
    const { components, count, open } = makeComponents()
    const service = new DefaultHandshake(components, makeInit())
    expect([count(), vi.getTimerCount()]).toEqual([0, 0])
    for (let i = 0; i < 2; i++) {
      await service.start()
      await service.start()
      expect(count()).toBe(3)
      open({ id: `${i}`, direction: 'inbound', status: 'open' } satisfies Partial<Connection>)
      service.setStatus({ height: i + 1, tipHash: '' })
      expect(vi.getTimerCount()).toBe(3)
      await service.beforeStop()
      await service.stop()
      await service.stop()
      expect([count(), vi.getTimerCount()]).toEqual([0, 0])
    }
  } finally {
    vi.useRealTimers()
  }
})

it('counts outcomes by code, and codes that a peer made up under one label', () => {
  const counted: unknown[] = []
  const observed: number[] = []
  const metrics = {
    registerCounterGroup: () => ({ increment: (values: unknown) => counted.push(values) }),
    registerHistogram: () => ({ observe: (value: number) => observed.push(value) }),
    registerMetric: () => undefined,
  }
  const outcomes = new OutcomeMetrics(metrics as unknown as Metrics, () => 0)
  outcomes.ready(250)
  outcomes.failed('wrong-chain', 10)
  outcomes.failed('made-up', 10)
  outcomes.failed('ready', 10)
  expect(counted).toEqual([{ ready: true }, { 'wrong-chain': true }, { other: true }, { other: true }])
  expect(observed).toEqual([0.25, 0.01, 0.01, 0.01])
})

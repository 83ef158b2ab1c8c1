import type { Hello, Reason } from '@gridmesh/interfaces'
import { expect, it, vi } from 'vitest'
import { encodeFrame } from '../src/encode-frame.ts'
import { HANDSHAKE_PROTOCOL } from '../src/index.ts'
import {
  addressOf,
  becomeReady,
  dialRaw,
  makeHello,
  makeNode,
  makeStranger,
  prefixed,
  rawFrames,
  reports,
  type RawFrames,
  type TestNode,
} from './helpers.ts'

const STATUS = { kind: 'status', status: { height: 1, tipHash: 'aa' } } as const

/** Whatever has been done to the node, a peer that keeps to the protocol still becomes ready. */
async function expectStillServing(victim: TestNode): Promise<void> {
  const honest = await makeNode()
  await honest.node.dial(victim.address)
  await honest.handshake.whenReady(victim.node.peerId)
  await victim.handshake.whenReady(honest.node.peerId)
  await honest.node.stop()
}

async function expectClosed(raw: RawFrames): Promise<void> {
  await vi.waitFor(() => expect(raw.connection.status).not.toBe('open'))
}

/** Reads up to the refusal, where one comes, and ends its own side as the protocol asks, which spares the farewell. */
async function leave(raw: RawFrames): Promise<string> {
  const code = await readRefusal(raw).catch(() => 'none')
  await raw.stream.close().catch(() => undefined)
  return code
}

/** Reads frames up to the one that refuses. */
async function readRefusal(raw: RawFrames): Promise<string> {
  for (;;) {
    const frame = await raw.read()
    if (frame.kind === 'verdict' && frame.refusal != null) return frame.refusal.code
    if (frame.kind === 'goodbye') return frame.reason.code
  }
}

it.each<[string, Partial<Hello>]>([
  ['wrong-chain', { chainId: 'other' }],
  ['wrong-genesis', { genesisHash: 'ff' }],
  ['no-common-version', { protocol: { min: 2, max: 9 } }],
  ['clock-skew', { timeMs: Date.now() - 600_000 }],
])('refuses a peer with %s, tells it so and blames nobody', async (code, hello) => {
  const victim = await makeNode()
  const raw = await dialRaw(await makeStranger(), victim.address)
  raw.write({ kind: 'hello', hello: makeHello(hello) })
  expect(await leave(raw)).toBe(code)
  await expectClosed(raw)
  expect(victim.events).toEqual([`refused ${code} by us`])
  expect(victim.told).toEqual([])
  await expectStillServing(victim)
})

it.each<[string, (raw: RawFrames) => void]>([
  ['garbage', (raw) => raw.writeBytes(prefixed(Uint8Array.from({ length: 64 }, (_, i) => 255 - i)))],
  ['an empty frame', (raw) => raw.writeBytes(Uint8Array.of(0))],
  ['a frame of more than maxFrameBytes', (raw) => raw.writeBytes(prefixed(new Uint8Array(16_385)))],
  ['a length prefix without an end', (raw) => raw.writeBytes(new Uint8Array(10_000).fill(0xff))],
  ['more bytes than are buffered', (raw) => raw.writeBytes(new Uint8Array(100_000).fill(0xff))],
  ['a verdict before its Hello', (raw) => raw.write({ kind: 'verdict' })],
  ['a status before its Hello', (raw) => raw.write(STATUS)],
  ['its Hello twice', (raw) => raw.write(...[1, 2].map(() => ({ kind: 'hello' as const, hello: makeHello() })))],
])('refuses a peer that sends %s, and reports it', async (_, attack) => {
  const victim = await makeNode()
  const raw = await dialRaw(await makeStranger(), victim.address)
  attack(raw)
  expect(await leave(raw)).toMatch(/^(protocol-violation|none)$/)
  await expectClosed(raw)
  expect(victim.events).toEqual(['refused protocol-violation by us'])
  expect(reports(victim.told)).toEqual([expect.stringMatching(/protocol-violation|rate-limited/)])
  await expectStillServing(victim)
})

it('tells a peer that breaks the protocol that it does, and closes though that peer stays on', async () => {
  const victim = await makeNode()
  const raw = await dialRaw(await makeStranger(), victim.address)
  raw.write({ kind: 'verdict' })
  expect(await readRefusal(raw)).toBe('protocol-violation')
  await expectClosed(raw)
})

it('reports a peer that ends its stream inside a frame', async () => {
  const victim = await makeNode()
  const raw = await dialRaw(await makeStranger(), victim.address)
  const bytes = prefixed(encodeFrame({ kind: 'hello', hello: makeHello() }))
  raw.writeBytes(bytes.subarray(0, bytes.byteLength / 2))
  await raw.stream.close()
  await expectClosed(raw)
  expect(reports(victim.told)).toEqual(['protocol-violation'])
  await expectStillServing(victim)
})

it.each<[string, (raw: RawFrames) => void | Promise<void>]>([
  ['resets its stream in the middle of a frame', (raw) => raw.stream.abort(new TypeError('reset'))],
  ['drops the connection in the middle of a frame', (raw) => raw.connection.abort(new TypeError('dropped'))],
])('forgets a peer that %s, without blame', async (_, attack) => {
  const victim = await makeNode()
  const stranger = await makeStranger()
  const raw = await dialRaw(stranger, victim.address)
  raw.writeBytes(prefixed(encodeFrame({ kind: 'hello', hello: makeHello() })).subarray(0, 10))
  await raw.read()
  await attack(raw)
  await vi.waitFor(() => expect(victim.node.getConnections()).toEqual([]))
  expect([...victim.events, ...victim.told]).toEqual([])
  await vi.waitFor(async () => {
    await expect(victim.handshake.whenReady(stranger.peerId)).rejects.toMatchObject({ code: 'not-connected' })
  })
  await expectStillServing(victim)
})

it('disconnects peers that are silent after the deadline: without a stream, without a Hello, without a verdict', async () => {
  const victim = await makeNode({ deadlineMs: 1_000 })
  const strangers = await Promise.all([makeStranger(), makeStranger(), makeStranger()])
  const reasons: Reason[] = []
  victim.handshake.addEventListener('peer:refused', ({ detail }) => reasons.push(detail.reason))
  const [without, silent, deaf] = strangers
  await without.dial(victim.address)
  const raws = [await dialRaw(silent, victim.address), await dialRaw(deaf, victim.address)]
  raws[1]?.write({ kind: 'hello', hello: makeHello() })

  for (const raw of raws) expect(await leave(raw)).toBe('timeout')
  await vi.waitFor(() => expect(strangers.flatMap((stranger) => stranger.getConnections())).toEqual([]))
  expect(reasons.map(({ code, limit, value }) => `${code} ${limit} ${value}`)).toEqual(
    Array(3).fill('timeout deadlineMs 1000'),
  )
  expect(reports(victim.told)).toEqual(['slow', 'slow', 'slow'])
  await expectStillServing(victim)
})

it('times out on a listener that takes the stream and says nothing', async () => {
  const [victim, stranger] = [await makeNode({ deadlineMs: 50 }), await makeStranger()]
  await stranger.handle(HANDSHAKE_PROTOCOL, () => undefined)
  await victim.node.dial(addressOf(stranger))
  await expect(victim.handshake.whenReady(stranger.peerId)).rejects.toMatchObject({ name: 'TimeoutError' })
  await vi.waitFor(() => expect(victim.node.getConnections()).toEqual([]))
})

it('parts from a ready peer that sends its Hello again, and says why', async () => {
  const victim = await makeNode()
  const raw = await dialRaw(await makeStranger(), victim.address)
  await becomeReady(raw)
  await vi.waitFor(() => expect(victim.events).toEqual(['ready']))
  raw.write({ kind: 'hello', hello: makeHello() })
  expect(await leave(raw)).toBe('protocol-violation')
  await expectClosed(raw)
  expect(victim.events).toEqual(['ready', 'left'])
  expect(reports(victim.told)).toEqual(['protocol-violation'])
  await expectStillServing(victim)
})

it('reports a second stream, which is reset, and keeps the peer ready on its first', async () => {
  const victim = await makeNode()
  const stranger = await makeStranger()
  const raw = await dialRaw(stranger, victim.address)
  await becomeReady(raw)
  await vi.waitFor(() => expect(victim.events).toEqual(['ready']))
  const second = rawFrames(await raw.connection.newStream(HANDSHAKE_PROTOCOL), raw.connection)
  await vi.waitFor(() => expect(second.stream.status).not.toBe('open'))
  expect(reports(victim.told)).toEqual(['protocol-violation'])
  expect(victim.handshake.isReady(stranger.peerId)).toBe(true)
  raw.write(STATUS)
  await vi.waitFor(() => expect(victim.events).toEqual(['ready', 'status 1']))
  await expectStillServing(victim)
})

it('reports a stream that is opened by the side that was dialled', async () => {
  const [victim, stranger] = [await makeNode(), await makeStranger()]
  await stranger.handle(HANDSHAKE_PROTOCOL, () => undefined)
  await victim.node.dial(addressOf(stranger))
  await vi.waitFor(() => expect(stranger.getConnections()).toHaveLength(1))
  const [connection] = stranger.getConnections()
  const stream = await connection?.newStream(HANDSHAKE_PROTOCOL)
  await vi.waitFor(() => expect(stream?.status).not.toBe('open'))
  expect(reports(victim.told)).toEqual(['protocol-violation'])
})

it('slows a flood of statuses down to maxStatusPerSecond and reports it once a second', async () => {
  const victim = await makeNode({ maxStatusPerSecond: 5 })
  const raw = await dialRaw(await makeStranger(), victim.address)
  await becomeReady(raw)
  raw.write(...Array.from({ length: 100 }, () => STATUS))
  await vi.waitFor(() => expect(reports(victim.told)).toEqual(['rate-limited']))
  // The burst of two seconds, and what time allowed since.
  expect(victim.events.filter((event) => event === 'status 1').length).toBeLessThan(20)
  await expectStillServing(victim)
})

it('parts from a peer whose flood does not fit the buffer', async () => {
  const victim = await makeNode({ maxStatusPerSecond: 5 })
  const raw = await dialRaw(await makeStranger(), victim.address)
  await becomeReady(raw)
  await vi.waitFor(() => expect(victim.events).toEqual(['ready']))
  const frame = prefixed(encodeFrame(STATUS))
  raw.writeBytes(Uint8Array.from({ length: frame.byteLength * 2_000 }, (_, i) => frame[i % frame.byteLength] ?? 0))
  await vi.waitFor(() => expect(reports(victim.told)).toContain('rate-limited'))
  raw.writeBytes(Uint8Array.from({ length: frame.byteLength * 2_000 }, (_, i) => frame[i % frame.byteLength] ?? 0))
  await expectClosed(raw)
  expect(victim.handshake.isReady(raw.connection.remotePeer)).toBe(false)
  expect(victim.events.at(-1)).toBe('left')
  await expectStillServing(victim)
})

it('takes statuses and frames of later versions from a ready peer, and ends with its stream', async () => {
  const victim = await makeNode()
  const stranger = await makeStranger()
  const raw = await dialRaw(stranger, victim.address)
  await becomeReady(raw)
  raw.writeBytes(Uint8Array.of(2, 0x2a, 0))
  raw.write(STATUS)
  await vi.waitFor(() => expect(victim.events).toEqual(['ready', 'status 1']))
  await raw.stream.close()
  await expectClosed(raw)
  await vi.waitFor(() => expect(victim.events).toEqual(['ready', 'status 1', 'left']))
  expect(reports(victim.told)).toEqual([])
})

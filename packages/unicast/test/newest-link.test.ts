import type { UnicastHandler } from '@gridmesh/interfaces'
import type { Connection, Stream } from '@libp2p/interface'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { bytes, gate, node, type Node, pair, text } from './helpers.ts'
import { silentWay } from './silent-way.ts'

const stops: (() => Promise<void> | void)[] = []
const stopping = <T extends { stop: () => Promise<void> | void }>(each: T): T => {
  stops.push(() => each.stop())
  return each
}

afterEach(async () => {
  vi.useRealTimers()
  for (const stop of stops.splice(0)) await stop()
})

const streamsOf = ({ streams }: Connection): Stream[] =>
  streams.filter(({ protocol, direction }) => direction === 'outbound' && protocol.startsWith('/gridmesh'))

/** Streams on which a node asks, by connection, the oldest first. */
const asking = (from: Node): number[] => from.getConnections().map((connection) => streamsOf(connection).length)

/** The far node comes again, over one more connection. */
async function comeAgain({ a, b }: { a: Node; b: Node }): Promise<void> {
  const count = a.getConnections().length + 1
  await b.dial(a.getMultiaddrs(), { force: true })
  await vi.waitUntil(() => a.getConnections().length === count)
}

/** Two nodes over a link that can fall silent. */
async function silentPair() {
  const [a, b] = [stopping(await node({}, {}, 'noise')), stopping(await node({}, {}, 'noise'))]
  const way = stopping(await silentWay(b))
  await a.dial(way.address)
  return { a, b, way, call: a.services.unicast, answer: b.services.unicast }
}

/** Asks what is never answered, until the deadline of that is over. */
async function askInVain(link: Awaited<ReturnType<typeof pair>>, meanwhile: () => Promise<unknown>): Promise<void> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const heard = gate()
  link.answer.handle('silent', () => {
    heard.resolve()
    return new Promise(() => undefined)
  })
  const call = link.call.request(link.b.peerId, 'silent', bytes(''), { deadlineMs: 1_000 })
  const failed = call.catch((err: Error) => err.name)
  await heard.promise
  await meanwhile()
  vi.advanceTimersByTime(1_000)
  expect(await failed).toBe('TimeoutError')
  vi.useRealTimers()
}

describe('a peer that is back over another connection, while the old one is dead', () => {
  it('is asked over the new one', async () => {
    const link = await silentPair()
    link.answer.handle('test', (question) => question)
    await link.call.request(link.b.peerId, 'test', bytes('before'))
    link.way.silence()
    const lost = link.call.request(link.b.peerId, 'test', bytes('lost'), { deadlineMs: 60_000 }).catch(() => 'lost')
    await comeAgain(link)
    expect(text(await link.call.request(link.b.peerId, 'test', bytes('after')))).toBe('after')
    await link.a.stop()
    expect(await lost).toBe('lost')
  })

  it('is asked over each new one, however many it leaves behind dead', async () => {
    const { a, b, way, call, answer } = await silentPair()
    answer.handle('test', (question) => question)
    const ask = async (question: string): Promise<string> =>
      text(await call.request(b.peerId, 'test', bytes(question), { deadlineMs: 60_000 }))
    expect(await ask('first')).toBe('first')
    let dead = way
    for (const question of ['second', 'third', 'fourth']) {
      dead.silence()
      dead = stopping(await silentWay(b))
      await a.dial(dead.address, { force: true })
      expect(await ask(question)).toBe(question)
    }
  })

  it('gets the calls that waited for a stream on the old one', async () => {
    const link = await silentPair()
    link.answer.handle('test', (question) => question)
    link.way.silence()
    const call = link.call.request(link.b.peerId, 'test', bytes('waits'))
    // It is being opened.
    const [old] = link.a.getConnections()
    await vi.waitUntil(() => old?.streams.some(({ protocol }) => protocol === ''))
    await comeAgain(link)
    expect(text(await call)).toBe('waits')
  })
})

describe('a newer connection', () => {
  it('takes the next calls, while those under way end where they are, whose stream is then closed', async () => {
    const link = stopping(await pair())
    const { promise, resolve } = gate()
    link.answer.handle('slow', async (question) => promise.then(() => question))
    link.answer.handle('test', (question) => question)
    const slow = link.call.request(link.b.peerId, 'slow', bytes('slow'))
    await vi.waitUntil(() => asking(link.a)[0] === 1)
    await comeAgain(link)
    expect(text(await link.call.request(link.b.peerId, 'test', bytes('next')))).toBe('next')
    expect(asking(link.a)).toEqual([1, 1])
    resolve()
    expect(text(await slow)).toBe('slow')
    expect(asking(link.a)).toEqual([0, 1])
  })

  it('takes the calls that waited for room', async () => {
    const link = stopping(await pair({ init: { maxInFlight: 1 } }))
    const { promise, resolve } = gate()
    link.answer.handle('slow', () => promise)
    link.answer.handle('test', (question) => question)
    const slow = link.call.request(link.b.peerId, 'slow', bytes('slow'))
    await vi.waitUntil(() => asking(link.a)[0] === 1)
    const waiting = link.call.request(link.b.peerId, 'test', bytes('waits'))
    await comeAgain(link)
    expect(text(await waiting)).toBe('waits')
    resolve()
    await slow
  })

  it('takes the calls that waited for the rate limiter, and the next ones go over the same stream', async () => {
    const { promise, resolve } = gate()
    const rateLimiter = { whenAllowed: () => promise, take: () => ({ ok: true }) }
    const link = stopping(await pair({ stubs: { rateLimiter } }))
    link.answer.handle('test', (question) => question)
    const call = link.call.request(link.b.peerId, 'test', bytes('paced'))
    await vi.waitUntil(() => asking(link.a)[0] === 1)
    await comeAgain(link)
    resolve()
    expect(text(await call)).toBe('paced')
    expect(text(await link.call.request(link.b.peerId, 'test', bytes('next')))).toBe('next')
    expect(asking(link.a)).toEqual([0, 1])
  })

  it('ends the calls on the oldest of three: one stream is kept, and one finishes', async () => {
    const link = stopping(await pair())
    const { promise, resolve } = gate()
    const handler = vi.fn<UnicastHandler>(() => promise)
    link.answer.handle('slow', handler)
    const ask = (): Promise<unknown> =>
      link.call.request(link.b.peerId, 'slow', bytes('')).catch((err: Error) => err.name)
    const calls: Promise<unknown>[] = []
    for (let count = 1; count <= 3; count++) {
      if (count > 1) await comeAgain(link)
      calls.push(ask())
      await vi.waitUntil(() => handler.mock.calls.length === count)
    }
    expect(asking(link.a)).toEqual([0, 1, 1])
    resolve()
    expect(await Promise.all(calls)).toEqual(['LinkLostError', bytes(''), bytes('')])
  })
})

describe('a call that gets no answer in time', () => {
  it('has the next ones go over a new stream, where nothing came since it was made', async () => {
    const link = stopping(await pair())
    const { promise, resolve } = gate()
    link.answer.handle('slow', async (question) => promise.then(() => question))
    link.answer.handle('test', (question) => question)
    await link.call.request(link.b.peerId, 'test', bytes('first'))
    const slow = link.call.request(link.b.peerId, 'slow', bytes('slow'))
    await askInVain(link, () => Promise.resolve())
    expect(text(await link.call.request(link.b.peerId, 'test', bytes('next')))).toBe('next')
    expect(asking(link.a)).toEqual([2])
    resolve()
    expect(text(await slow)).toBe('slow')
    expect(asking(link.a)).toEqual([1])
  })

  it('leaves the stream alone where something came meanwhile, or where another one still finishes', async () => {
    const link = stopping(await pair())
    const { promise, resolve } = gate()
    link.answer.handle('slow', async (question) => promise.then(() => question))
    link.answer.handle('test', (question) => question)
    const ask = (): Promise<unknown> => link.call.request(link.b.peerId, 'test', bytes('meanwhile'))
    const streams = (): Stream[] => link.a.getConnections().flatMap(streamsOf)
    await ask()
    const first = streams()
    await askInVain(link, ask)
    const slow = link.call.request(link.b.peerId, 'slow', bytes('slow'))
    expect(streams()).toEqual(first)
    link.answer.unhandle('silent')
    await askInVain(link, () => Promise.resolve())
    await ask()
    const second = streams()
    expect(second).toHaveLength(2)
    link.answer.unhandle('silent')
    await askInVain(link, () => Promise.resolve())
    await ask()
    expect(streams()).toEqual(second)
    resolve()
    expect(text(await slow)).toBe('slow')
  })
})

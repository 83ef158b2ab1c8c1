import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { toHex } from '@gridmesh/ledger'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { ChainReorg } from '../../src/chain/events.ts'
import { EventQueue } from '../../src/http/event-queue.ts'
import { genesisOf, grow, offer, opened, payment } from '../chain/chains.ts'
import { type ChainApi, startedApi } from './chain-api.ts'

/** What a client of `/events` is sent, by name. */
async function listen(
  api: ChainApi,
  query = '',
  more: Record<string, string> = {},
): Promise<AsyncGenerator<{ event: string; data: unknown }>> {
  const { signal } = untilDone()
  const headers = { accept: 'text/event-stream', ...more }
  const response = await fetch(`${await api.listen()}/api/v1/events${query}`, { headers, signal })
  expect(response.status).toBe(200)
  return parsed(response)
}

async function* parsed({ body }: Response): AsyncGenerator<{ event: string; data: unknown }> {
  let text = ''
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString()
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n')
      text = text.slice(end + 2)
      const field = (name: string): string =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? ''
      if (field('event') !== '') yield { event: field('event'), data: JSON.parse(field('data')) }
    }
  }
}

/** Aborts with the test. */
function untilDone(): AbortController {
  const ending = new AbortController()
  onTestFinished(() => ending.abort())
  return ending
}

async function take<T>(events: AsyncGenerator<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  while (taken.length < count) {
    const { value, done } = await events.next()
    if (done === true) break
    taken.push(value)
  }
  return taken
}

describe('the events of the chain', () => {
  it('are new transactions, new blocks, reorganisations and progress of sync, as they happen', async () => {
    const { chain, node, api } = await startedApi({ genesis: genesisOf(2) })
    const other = await opened({ genesis: genesisOf(2) })
    const events = await listen(api)
    const paid = payment(chain, 0)
    await offer(chain, paid)
    const first = await grow(chain, 0)
    const reorgs: ChainReorg[] = []
    chain.addEventListener('chain:reorg', ({ detail }) => reorgs.push(detail))
    for (let i = 0; i < 2; i++) await chain.importBlock((await grow(other, 1)).bytes)
    await chain.mempool.whenIdle()
    const progress = { from: 1, height: 2, target: 3, blocksPerSecond: 4 }
    node.sync.safeDispatchEvent('sync:progress', { detail: progress })

    const seen: { event: string; data: unknown }[] = []
    while (seen.at(-1)?.event !== 'sync_progress') seen.push(...(await take(events, 1)))
    const byName = (name: string): unknown[] => seen.filter(({ event }) => event === name).map(({ data }) => data)
    expect(byName('new_transaction')[0]).toEqual({
      id: toHex(paid.id),
      kind: 'transfer',
      sender: toHex(paid.address),
      size: paid.bytes.byteLength,
    })
    expect(byName('new_block')[0]).toMatchObject({
      height: 1,
      hash: first.header.hash,
      transactions: 1,
      kind: 'energy',
    })
    expect(byName('new_block').slice(1)).toMatchObject([{ height: 1 }, { height: 2, hash: chain.head.hash }])
    expect(byName('chain_reorg')).toEqual(
      reorgs.map(({ from, to, ancestor, reverted, applied }) => ({
        from,
        to,
        ancestor,
        reverted: reverted.length,
        applied: applied.length,
      })),
    )
    expect(reorgs).toHaveLength(1)
    expect(byName('sync_progress')).toEqual([{ from: 1, height: 2, target: 3, blocks_per_second: 4 }])
  })

  it('are only those that were asked for by name', async () => {
    const { chain, api } = await startedApi()
    const events = await listen(api, '?events=new_block')
    await offer(chain, payment(chain, 0))
    api.feed.add({ kind: 'energy-order', sender: 'x', zones: [], timeMs: 0, receivedAtMs: 0, value: {} })
    await grow(chain)
    await grow(chain)
    expect(await take(events, 2)).toMatchObject([
      { event: 'new_block', data: { height: 1 } },
      { event: 'new_block', data: { height: 2 } },
    ])
  })

  it('are, for a client that comes back, those after the last that it saw, and all where the node began anew', async () => {
    const { api } = await startedApi()
    const message = { kind: 'energy-order', sender: 'x', zones: [], timeMs: 0, receivedAtMs: 0, value: {} }
    const [first] = [api.feed.add(message), api.feed.add(message)]
    const numbers = async (id: string, count: number): Promise<unknown> =>
      take(await listen(api, '?events=message', { 'last-event-id': id }), count)
    expect(await numbers(api.feed.idOf(first), 1)).toMatchObject([{ data: { number: 2 } }])
    expect(await numbers('1700000000000-10', 2)).toMatchObject([{ data: { number: 1 } }, { data: { number: 2 } }])
  })

  it('free the place of a client that stopped reading and then went', async () => {
    const { chain, api } = await startedApi({}, { 'http.maxEventStreams': 1 })
    const url = new URL(await api.listen())
    const connected = once(api.app.server, 'connection')
    const client = connect(Number(url.port), url.hostname)
    onTestFinished(() => void client.destroy())
    const [served] = (await connected) as [Socket]
    client.write(`GET /api/v1/events HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`)
    await once(client, 'data')
    client.pause()
    // More than any system holds between two programs.
    const value = 'x'.repeat(32_000_000)
    api.feed.add({ kind: 'energy-order', sender: 'x', zones: [], timeMs: 0, receivedAtMs: 0, value })
    await vi.waitFor(() => expect(served.writableNeedDrain).toBe(true))
    expect((await fetch(`${url.origin}/api/v1/events`)).status).toBe(503)

    client.destroy()
    await vi.waitFor(async () => {
      const answer = await fetch(`${url.origin}/api/v1/events`, { signal: untilDone().signal })
      expect(answer.status).toBe(200)
    })
    expect(chain.listenerCount('chain:block')).toBe(1)
  })

  it('warn of no leak while as many clients listen as may', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => warn.mockRestore())
    const { chain, api } = await startedApi({}, { 'http.maxEventStreams': 12 })
    const clients = await Promise.all(Array.from({ length: 12 }, async () => listen(api, '?events=new_block')))
    await grow(chain)
    for (const client of clients) expect(await take(client, 1)).toMatchObject([{ event: 'new_block' }])
    expect(warn).not.toHaveBeenCalled()
  })

  it('are not asked for by HEAD, which could read none', async () => {
    const { api } = await startedApi()
    const { status } = await fetch(`${await api.listen()}/api/v1/events`, { method: 'HEAD' })
    expect(status).toBe(404)
  })

  it('leave no listener behind when the client goes', async () => {
    const { chain, node, api } = await startedApi()
    const listeners = (): number[] => [
      chain.listenerCount('chain:block'),
      chain.listenerCount('chain:reorg'),
      node.sync.listenerCount('sync:progress'),
      api.peerManager.listenerCount('peer:state'),
    ]
    const before = listeners()
    const removed = vi.spyOn(chain.mempool, 'removeEventListener')
    const events = await listen(api)
    await grow(chain)
    await take(events, 1)
    expect(listeners()).toEqual(before.map((count) => count + 1))
    await events.return(undefined)
    await vi.waitFor(() => expect(listeners()).toEqual(before))
    expect(removed).toHaveBeenCalledWith('transaction:added', expect.any(Function))
  })
})

describe('events that wait for a slow client', () => {
  it('are a thousand; beyond, the oldest of those that give way goes first, and then the oldest', async () => {
    const queue = new EventQueue(({ event }) => event === 'many')
    for (let i = 0; i < 600; i++) queue.push({ event: 'few', id: String(i), data: {} })
    for (let i = 0; i < 600; i++) queue.push({ event: 'many', id: String(i), data: {} })
    queue.push({ event: 'few', id: 'last', data: {} })
    const seen = await take(queue.take(untilDone().signal), 1_000)
    expect(seen.filter(({ event }) => event === 'few').map(({ id }) => id)).toEqual([
      ...Array.from({ length: 600 }, (_, i) => String(i)),
      'last',
    ])
    expect(seen.find(({ event }) => event === 'many')).toMatchObject({ id: '201' })

    for (let i = 0; i < 1_001; i++) queue.push({ event: 'few', id: String(i), data: {} })
    const [first] = await take(queue.take(untilDone().signal), 1)
    expect(first).toMatchObject({ id: '1' })
  })

  it('come when there are any, until the client goes', async () => {
    const queue = new EventQueue(() => false)
    const ending = untilDone()
    const events = queue.take(ending.signal)
    const next = events.next()
    queue.push({ event: 'a', data: {} })
    expect(await next).toEqual({ done: false, value: { event: 'a', data: {} } })
    const last = events.next()
    ending.abort()
    expect(await last).toEqual({ done: true, value: undefined })
  })
})

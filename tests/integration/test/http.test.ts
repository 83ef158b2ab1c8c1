import { request as httpRequest } from 'node:http'
import { Network } from '@gridmesh-internal/support'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { call, feedIds } from '../src/api.ts'
import { eventsOf } from '../src/events.ts'

const order = { type: 'sell', priceSatangPerKwh: 410, quantityWh: 2_500, zone: 'north' }
const soon = { interval: 20 }

let network: Network
let url: string
beforeAll(async () => {
  network = await Network.start({ nodes: 2 })
  url = network.node(0).url ?? ''
})
afterAll(() => network.stop())

describe('what a node says of itself', () => {
  it('answers /node/info with every promised field', async () => {
    const { success, data } = await call(url, '/node/info')
    expect(success).toBe(true)
    expect(data).toMatchObject({
      node_type: 'authority',
      peer_count: 1,
      is_syncing: false,
      sync_progress: 1,
      height: 0,
    })
    expect(data['address']).toBe(network.node(0).libp2p.peerId.toString())
    expect(data['api_port']).toBe(Number(new URL(url).port))
    expect(data['p2p_port']).toBe(network.node(0).config.p2p.port)
    expect(data['version']).toMatch(/^\d+\.\d+\.\d+/)
    expect(data['uptime']).toBeGreaterThan(0)
  })

  it('answers /node/peers with the peer, its role, version, height and latency', async () => {
    await vi.waitFor(async () => {
      const { data } = await call(url, '/node/peers')
      const [peer] = data['peers'] as Record<string, unknown>[]
      expect(data.peer_count).toBe(1)
      expect(peer).toMatchObject({ node_type: 'authority', state: 'ready', height: 0 })
      expect(peer?.['address']).toBe(network.node(1).libp2p.peerId.toString())
      expect(peer?.['version']).toMatch(/^gridmesh\//)
      // libp2p counts whole milliseconds, and on one machine it may be less than one.
      expect(peer?.['latency_ms']).toBeGreaterThanOrEqual(0)
      expect(peer?.['last_seen']).toBeGreaterThan(Date.now() - 60_000)
    }, soon)
  })

  it('answers /node/discovery as not told where a module in its place keeps no figures', async () => {
    const swapped = await Network.start({ nodes: 1, modules: { discovery: () => ({ discoverNow: async () => 0 }) } })
    try {
      const answer = await fetch(`${swapped.node(0).url}/api/v1/node/discovery`)
      expect(answer.status).toBe(501)
      expect(await answer.json()).toMatchObject({ success: false, code: 'not-told' })
      expect((await call(swapped.node(0).url ?? '', '/node/info')).success).toBe(true)
    } finally {
      await swapped.stop()
    }
  })

  it('answers /node/health, /node/config and /metrics', async () => {
    expect((await call(url, '/node/health')).data).toMatchObject({
      status: 'ok',
      ready_peers: 1,
      network: { authority_connectivity: 1, partition_risk: 0 },
    })
    expect((await call(url, '/node/config')).data).toMatchObject({ name: 'egat', http: { host: '127.0.0.1' } })
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toContain('# TYPE libp2p_')
    expect(metrics).toContain('# TYPE gridmesh_')
  })

  it('describes its routes in an OpenAPI document', async () => {
    const document = (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as { openapi: string; paths: object }
    expect(document.openapi).toMatch(/^3\./)
    for (const path of ['/node/info', '/node/peers', '/orders', '/emergencies', '/feed']) {
      expect(document.paths).toHaveProperty([`/api/v1${path}`])
    }
  })
})

describe('the feed', () => {
  it('filters by kind and zone and stops at the limit', async () => {
    for (const zone of ['north', 'south', 'south'])
      expect((await call(url, '/orders', { ...order, zone })).status).toBe(202)
    expect(await feedIds(url, '?zone=south')).toHaveLength(2)
    expect(await feedIds(url, '?kind=market-data')).toHaveLength(0)
    expect(await feedIds(url, '?limit=1')).toHaveLength(1)
    expect(await call(url, '/feed?limit=0')).toMatchObject({ status: 400, code: 'invalid-input' })
    expect(await call(url, '/feed?colour=red')).toMatchObject({ status: 400, error: expect.stringContaining('colour') })
  })

  it('streams new messages, and after a reconnection what was missed', async () => {
    const other = network.node(1).url ?? ''
    const first = await eventsOf(other)
    await call(url, '/orders', { ...order, id: 'sse-1' })
    const seen = await first.next((event) => event.data.includes('sse-1'))
    first.stop()

    await call(url, '/orders', { ...order, id: 'sse-2' })
    await vi.waitFor(async () => expect(await feedIds(other)).toContain('sse-2'), soon)
    const second = await eventsOf(other, seen.id)
    expect((await second.next(({ event }) => event === 'message')).data).toContain('sse-2')
    second.stop()
    // Each has confirmed what it took of the other. While they met, a call may have been lost with one of two connections.
    await vi.waitFor(async () => {
      const { data } = await call(url, '/node/health')
      expect(data.network.message_success_rate).toBeGreaterThan(0.5)
    }, soon)
  })
})

describe('bad requests', () => {
  it.each([
    ['a wrong type', { ...order, quantityWh: 'much' }, 400, 'quantityWh'],
    ['a missing field', { type: 'sell' }, 400, 'priceSatangPerKwh'],
    ['an unknown field', { ...order, colour: 'red' }, 400, 'colour'],
    ['a zone that the genesis does not have', { ...order, zone: 'atlantis' }, 400, 'atlantis'],
    ['a list', [order], 400, 'body'],
  ])('names %s', async (_, body, status, place) => {
    const answer = await call(url, '/orders', body)
    expect(answer).toMatchObject({ status, success: false })
    expect(answer.error).toContain(place)
  })

  it('refuses a body over the limit, one that is no JSON, and one of another type', async () => {
    expect(await call(url, '/orders', { ...order, id: 'x'.repeat(70_000) })).toMatchObject({
      status: 413,
      code: 'body-too-large',
    })
    const post = async (body: string, type: string) =>
      (await fetch(`${url}/api/v1/orders`, { method: 'POST', headers: { 'content-type': type }, body })).status
    expect(await post('{', 'application/json')).toBe(400)
    expect(await post(JSON.stringify(order), 'text/plain')).toBe(415)
    expect(await call(url, '/nowhere')).toMatchObject({ status: 404, code: 'not-found' })
  })

  it('refuses a name that is not of this machine: a web page could have made it resolve here', async () => {
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
    const { hostname, port } = new URL(url)
    const path = '/api/v1/node/info'
    httpRequest({ hostname, port, path, headers: { host: 'evil.example' } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
    expect(await promise).toBe(403)
  })

  it('sends no CORS header', async () => {
    const response = await fetch(`${url}/api/v1/node/info`, { headers: { origin: 'https://evil.example' } })
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('one peer', () => {
  it('is explained, banned until the ban is lifted, and named when it is unknown or no peer id', async () => {
    const flags = { 'reconnection.maxDelayMs': 1_000, 'reconnection.coolDownMs': 1_000 }
    const pair = await Network.start({ nodes: 2, flags })
    try {
      const pairUrl = pair.node(0).url ?? ''
      const path = `/node/peers/${pair.node(1).libp2p.peerId.toString()}`
      expect((await call(pairUrl, path)).data).toMatchObject({ state: 'ready', banned_until: null })

      expect((await call(pairUrl, `${path}/ban`, { reason: 'a test of bans' })).status).toBe(200)
      await vi.waitFor(() => expect(pair.node(0).libp2p.getConnections()).toEqual([]), soon)
      const { data } = await call(pairUrl, path)
      expect(data).toMatchObject({ state: 'banned' })
      expect(String(data['explanation'])).toContain('a test of bans')

      const unban = async (): Promise<unknown> =>
        (await fetch(`${pairUrl}/api/v1${path}/ban`, { method: 'DELETE' })).json()
      expect(await unban()).toEqual({ success: true, data: { banned: false, was_banned: true } })
      await pair.whenConnected()
      expect(await unban()).toEqual({ success: true, data: { banned: false, was_banned: false } })

      expect(await call(pairUrl, '/node/peers/nobody')).toMatchObject({
        status: 400,
        error: expect.stringContaining('nobody'),
      })
      const stranger = '12D3KooWGC6TvWhfagLmNS6jEpsyhG2AqR5Ue6qPMM1ShsWfb6FT'
      expect(await call(pairUrl, `/node/peers/${stranger}`)).toMatchObject({ status: 404, code: 'unknown-peer' })
      expect(await call(pairUrl, `${path}/ban`, { reason: '' })).toMatchObject({ status: 400, code: 'invalid-input' })
    } finally {
      await pair.stop()
    }
  })
})

describe('a token', () => {
  it('is needed to write where one is set', async () => {
    const guarded = await Network.start({ nodes: 1, flags: { 'http.token': '0123456789abcdef' } })
    try {
      const guardedUrl = guarded.node(0).url ?? ''
      expect(await call(guardedUrl, '/orders', order)).toMatchObject({ status: 401, code: 'unauthorised' })
      const wrong = { authorization: 'Bearer 0123456789abcdeX' }
      expect(await call(guardedUrl, '/orders', order, wrong)).toMatchObject({ status: 401 })
      const right = { authorization: 'Bearer 0123456789abcdef' }
      expect(await call(guardedUrl, '/orders', order, right)).toMatchObject({ status: 202 })
      expect(JSON.stringify(await call(guardedUrl, '/node/config'))).not.toContain('0123456789abcdef')
    } finally {
      await guarded.stop()
    }
  })

  it('is required where others can reach the API', async () => {
    await expect(Network.start({ nodes: 1, flags: { 'http.host': '0.0.0.0' } })).rejects.toThrow('http.token')
  })
})

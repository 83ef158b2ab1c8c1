import { expect, it, onTestFinished } from 'vitest'
import { someNode } from '../some-node.ts'

interface Answer {
  status: number
  success: boolean
  error: string
  code: string
}

const order = { type: 'sell', priceSatangPerKwh: 410, quantityWh: 2_500, zone: 'central' }
const match = { buyOrderId: 'a', sellOrderId: 'b', priceSatangPerKwh: 1, quantityWh: 1, zone: 'central' }
const market = { zone: 'central', priceSatangPerKwh: 1, volume24hWh: 1, congestion: 0 }
const emergency = { severity: 'severe', zones: ['central'], requiredAction: 'monitor' }
const ban = '/node/peers/12D3KooWGC6TvWhfagLmNS6jEpsyhG2AqR5Ue6qPMM1ShsWfb6FT/ban'

/** Asks a node that is an authority: with a body by POST. */
async function asking(): Promise<(path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>> {
  const node = await someNode()
  onTestFinished(async () => void (await node.stop()))
  await node.start()
  return async (path, body, headers = {}) => {
    const json = { method: 'POST', body: JSON.stringify(body) }
    const init = body === undefined ? { headers } : { ...json, headers: { 'content-type': 'application/json' } }
    const response = await fetch(`${node.url}/api/v1${path}`, init)
    return { status: response.status, ...((await response.json()) as Omit<Answer, 'status'>) }
  }
}

it('is answered with the field, the value and the rule, whatever the route', async () => {
  const ask = await asking()
  const bad: [string, unknown, string][] = [
    ['/node/peers/xx', undefined, 'id: expected a peer id, got "xx"'],
    ['/orders', { ...order, priceSatangPerKwh: -1 }, 'priceSatangPerKwh: expected a number of at least 0, got -1'],
    ['/orders', { ...order, priceSatangPerKwh: 1.5 }, 'priceSatangPerKwh: expected a whole number, got 1.5'],
    ['/orders', { ...order, quantityWh: 0 }, 'quantityWh: expected a number above 0, got 0'],
    ['/orders', { ...order, quantityWh: 2e9 }, 'quantityWh: expected a number of at most 1000000000, got 2000000000'],
    ['/orders', { ...order, type: 'lend' }, 'type: expected one of buy, sell, got "lend"'],
    ['/orders', { ...order, zone: undefined }, 'zone: expected the name of a zone'],
    ['/orders', { ...order, id: 'a b' }, 'id: expected 1 to 64 letters, digits or any of . _ : -, got "a b"'],
    ['/orders', { ...order, colour: 'red' }, 'body: expected no other field, got "colour"'],
    ['/orders', [order], 'body: expected an object, got [{"type":'],
    ['/matches', { ...match, matchedAtMs: '1' }, 'matchedAtMs: expected a number, got "1"'],
    ['/market-data', { ...market, congestion: 2 }, 'congestion: expected a number of at most 1, got 2'],
    ['/emergencies', { ...emergency, zones: [] }, 'zones: expected a list with a length of at least 1, got []'],
    ['/emergencies', { ...emergency, zones: ['central', 1] }, 'zones.1: expected the name of a zone'],
    ['/system-shutdowns', { reason: '' }, 'reason: expected a text with a length of at least 1, got ""'],
    [ban, { reason: 'x', durationMs: 0 }, 'durationMs: expected a number above 0, got 0'],
    ['/feed?limit=1&limit=2', undefined, 'limit: expected a whole number from 1 to 1000, got ["1","2"]'],
    ['/feed?limit=1001', undefined, 'limit: expected a whole number from 1 to 1000, got "1001"'],
    ['/feed?kind=gossip', undefined, 'kind: expected one of energy-order, order-match, market-data, '],
    ['/feed?zone=North', undefined, 'zone: expected the name of a zone'],
    ['/state/meters/%ff', undefined, 'url: expected a path whose escapes are UTF-8, got "/api/v1/state/meters/%ff"'],
  ]
  for (const [path, body, error] of bad) {
    expect(await ask(path, body)).toMatchObject({
      status: 400,
      success: false,
      code: 'invalid-input',
      error: expect.stringContaining(error),
    })
  }
})

it('is told that a node bans others, and not itself', async () => {
  const node = await someNode()
  onTestFinished(async () => void (await node.stop()))
  await node.start()
  const own = node.libp2p.peerId.toString()
  const response = await fetch(`${node.url}/api/v1/node/peers/${own}/ban`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'x', durationMs: 1 }),
  })
  const error = `id: expected another peer, got this node itself, "${own}"`
  expect([response.status, await response.json()]).toEqual([400, { success: false, error, code: 'invalid-input' }])
})

it('is told which zones there are where it asks the feed for another one', async () => {
  const ask = await asking()
  const error = 'zone: There is no zone "mars"; the genesis file has '
  const refusal = { status: 400, code: 'unknown-zone', error: expect.stringContaining(error) }
  expect(await ask('/feed?zone=mars')).toMatchObject(refusal)
  expect(await ask('/feed?zone=central')).toMatchObject({ status: 200, data: { items: [] } })
})

it('is told once, though it breaks more than one rule in the same words', async () => {
  const ask = await asking()
  const error = 'limit: expected a whole number from 1 to 1000, got "x"'
  expect(await ask('/feed?limit=x')).toMatchObject({ status: 400, error })
})

it('is shown in part where it is long', async () => {
  const ask = await asking()
  const { error } = await ask('/orders', { ...order, zone: 'x'.repeat(1_000) })
  expect(error.length).toBeLessThan(200)
  expect(await ask(`/state/meters/${'x'.repeat(1_025)}`)).toMatchObject({
    status: 414,
    success: false,
    code: 'url-too-long',
    error: expect.stringMatching(/^url: expected a path whose parts have 1024 characters at most, got "\/api.{1,99}$/),
  })
})

it('is one that the network would not take: too large as a message, or over already', async () => {
  const ask = await asking()
  expect(await ask('/system-shutdowns', { reason: '\u0001'.repeat(1_000) })).toMatchObject({
    status: 413,
    success: false,
    code: 'message-too-large',
    error: expect.stringMatching(
      /^body: \d+ bytes of system-shutdown are over maxBytes.system-shutdown, which is 4096$/,
    ),
  })
  expect(await ask('/orders', { ...order, expiresAtMs: 0 })).toMatchObject({
    status: 400,
    success: false,
    code: 'expired',
    error: expect.stringMatching(/^expiresAtMs: expected a time after now, \d+, got 0/),
  })
  expect(await ask('/feed')).toMatchObject({ status: 200, data: { items: [] } })
})

it('is one for the event stream that takes no events', async () => {
  const ask = await asking()
  const answer = { status: 406, success: false, code: 'not-acceptable' }
  expect(await ask('/events', undefined, { accept: 'application/json' })).toMatchObject(answer)
})

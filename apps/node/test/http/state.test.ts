import { getEventListeners, once } from 'node:events'
import type { Socket } from 'node:net'
import { outputId, toHex, transfer } from '@gridmesh/ledger'
import fc from 'fast-check'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Holdings } from '../../src/http/chain/balance.ts'
import { OutputScan } from '../../src/http/chain/output-scan.ts'
import {
  addressOfPerson,
  DAN,
  ERIN,
  genesisOf,
  GENESIS_MS,
  grow,
  issue,
  offer,
  opened,
  payment,
  reading,
  signed,
} from '../chain/chains.ts'
import { startedApi } from './chain-api.ts'
import { client } from './client.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  return () => vi.useRealTimers()
})

const dan = toHex(addressOfPerson(DAN))
const erin = toHex(addressOfPerson(ERIN))
const none = { amount: 0, spendable: 0, outputs: 0 }

describe('balances', () => {
  it('are by asset, with what can be spent, the largest first', async () => {
    const { chain, api } = await startedApi()
    await offer(chain, payment(chain, 0), reading(chain, 1, 500), issue(chain, 0, 7), issue(chain, 1, 300))
    await grow(chain)
    const { data } = await api.get(`/state/balances/${erin}`)
    expect(data).toMatchObject({
      address: erin,
      at: chain.head,
      balances: {
        energy: { amount: 500, spendable: 500, outputs: 1 },
        thb: { amount: 407, spendable: 407, outputs: 3 },
        rec: none,
      },
      offset: 0,
    })
    const outputs = data['outputs'] as { asset: string; amount: number; zone: number }[]
    expect(outputs.map(({ asset, amount, zone }) => [asset, amount, zone])).toEqual([
      ['energy', 500, 1],
      ['thb', 300, 1],
      ['thb', 100, 1],
      ['thb', 7, 1],
    ])
  })

  it('leave out of what can be spent what transactions of the mempool spend', async () => {
    const { chain, api } = await startedApi()
    await offer(chain, payment(chain, 0), payment(chain, 5))
    const { data } = await api.get(`/state/balances/${dan}`)
    expect(data['balances']).toMatchObject({ thb: { amount: 4_000, spendable: 3_800, outputs: 38 } })
    const ids = (data['outputs'] as { id: string }[]).map(({ id }) => id)
    expect(ids).toHaveLength(38)
    expect(ids).not.toContain(toHex(outputId(new Uint8Array(32), 5)))
  })

  it('leave out what came into the mempool while the state was read', async () => {
    const { chain, api } = await startedApi()
    const { entries } = chain.state
    vi.spyOn(chain.state, 'entries').mockImplementation(async function* (options) {
      yield* entries.call(chain.state, options)
      await offer(chain, payment(chain, 1))
    })
    const { data } = await api.get(`/state/balances/${dan}`)
    expect(data['balances']).toMatchObject({ thb: { amount: 4_000, spendable: 3_900, outputs: 39 } })
    expect(data['outputs']).toHaveLength(39)
  })

  it('are paged without a gap or an overlap, of one asset where it is named', async () => {
    const { chain, api } = await startedApi()
    await offer(chain, reading(chain, 1, 500))
    await grow(chain)
    const ids: string[] = []
    for (let offset = 0; offset < 45; offset += 15) {
      const { data } = await api.get(`/state/balances/${dan}?asset=thb&limit=15&offset=${offset}`)
      expect(data['offset']).toBe(offset)
      ids.push(...(data['outputs'] as { id: string }[]).map(({ id }) => id))
    }
    expect(ids).toHaveLength(40)
    expect(new Set(ids).size).toBe(40)
    const { data } = await api.get(`/state/balances/${erin}?asset=thb`)
    expect(data).toMatchObject({ outputs: [], balances: { energy: { amount: 500 } } })
  })

  it('of an address that holds nothing are zeros', async () => {
    const { api } = await startedApi()
    const { data } = await api.get(`/state/balances/${'ab'.repeat(32)}`)
    expect(data).toMatchObject({ balances: { energy: none, thb: none, rec: none }, outputs: [] })
  })

  it('sum and page as a sorted list would, however few outputs are kept on the way', () => {
    const output = fc.record({
      asset: fc.constantFrom('energy' as const, 'thb' as const, 'rec' as const),
      amount: fc.integer({ min: 1, max: 20 }),
    })
    fc.assert(
      fc.property(
        fc.array(output, { maxLength: 60 }),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(8),
        fc.nat(10),
        (list, kept, limit, before) => {
          const rows = list.map((row, i) => ({
            ...row,
            id: String(i).padStart(2, '0'),
            zone: 1,
            owner: new Uint8Array(32),
          }))
          const spent = new Set(rows.slice(0, before).map(({ id }) => id))
          const holdings = new Holdings(undefined, spent, kept)
          for (const row of rows) holdings.add(row.id, row)
          const left = rows
            .filter(({ id }) => !spent.has(id))
            .toSorted((a, b) => b.amount - a.amount || (a.id < b.id ? -1 : 1))
          const { balances, outputs } = holdings.view({ limit, offset: 1 })
          expect(outputs.map(({ id }) => id)).toEqual(
            left
              .slice(0, kept)
              .slice(1, 1 + limit)
              .map(({ id }) => id),
          )
          for (const asset of ['energy', 'thb', 'rec'] as const) {
            const of = (items: typeof rows): number =>
              items.filter((row) => row.asset === asset).reduce((sum, row) => sum + row.amount, 0)
            expect(balances[asset]).toMatchObject({ amount: of(rows), spendable: of(left) })
          }
        },
      ),
    )
  })
})

describe('zones and meters', () => {
  it('tell what meters counted and what outputs hold', async () => {
    const { chain, api } = await startedApi()
    await offer(chain, reading(chain, 1, 500))
    await grow(chain)
    expect((await api.get('/state/zones')).data).toEqual({
      at: chain.head,
      zones: [
        {
          zone: 1,
          name: 'bangkok',
          produced_wh: 500,
          consumed_wh: 0,
          meters: 1,
          held: { energy: 500, thb: 4_000, rec: 0 },
        },
      ],
    })
    expect((await api.get('/state/meters/roof')).data).toEqual({
      name: 'roof',
      zone: 1,
      owner: erin,
      sequence: 1,
      produced_wh: 500,
      consumed_wh: 0,
    })
    expect(await api.get('/state/meters/cellar')).toMatchObject({
      status: 404,
      code: 'unknown-meter',
      error: expect.stringContaining('cellar'),
    })
  })
})

it('counts all meters of a zone, and names a zone that has none', async () => {
  const genesis = genesisOf()
  const owner = addressOfPerson(DAN)
  const { api } = await startedApi({
    genesis: {
      ...genesis,
      zones: [...genesis.zones, { zone: 300, name: 'far' }],
      meters: [...genesis.meters, { name: 'cellar', zone: 1, owner }, { name: 'mill / west', zone: 1, owner }],
    },
  })
  const zones = (await api.get('/state/zones')).data['zones']
  expect(zones).toMatchObject([
    { zone: 1, meters: 3 },
    { zone: 300, name: 'far', meters: 0, held: { energy: 0, thb: 0, rec: 0 } },
  ])
  const path = `/state/meters/${encodeURIComponent('mill / west')}`
  expect((await api.get(path)).data).toMatchObject({ name: 'mill / west', owner: dan, sequence: 0 })
})

it.each([
  'a/b',
  '/',
  'a/',
  '//',
  '50%',
  '%2F',
  '%',
  'a?b#c',
  '#',
  '?',
  ' ',
  '...',
  './..',
  '%2e',
  '~',
  '\\',
  '\n',
  '\0',
  '\u{7f}',
  'หลังคา',
  '屋根',
  '🏠'.repeat(16),
  'é',
  'e\u0301',
  '\ufeffx',
  '\u2028',
  '__proto__',
  'constructor',
  ':name',
  '*',
  ';a=1',
  '"',
  "'",
  'x'.repeat(64),
])('finds a meter of the name %j, as a client asks for it', async (name) => {
  const genesis = genesisOf()
  const meter = { name, zone: 1, owner: addressOfPerson(DAN) }
  const { api } = await startedApi({ genesis: { ...genesis, meters: [...genesis.meters, meter] } })
  const response = await fetch(`${await api.listen()}/api/v1/state/meters/${encodeURIComponent(name)}`)
  expect(await response.json()).toMatchObject({ success: true, data: { name, owner: dan } })
})

describe('reading all outputs', () => {
  it('is one pass for all who ask while another is under way', async () => {
    const { chain } = await startedApi()
    const entries = vi.spyOn(chain.state, 'entries')
    const scan = new OutputScan(chain.state)
    const counts = [0, 0, 0, 0]
    await Promise.all(counts.map(async (_, i) => scan.visit(() => void (counts[i] = (counts[i] ?? 0) + 1))))
    expect(counts).toEqual([40, 40, 40, 40])
    expect(entries).toHaveBeenCalledTimes(1)
    await scan.visit(() => {})
    expect(entries).toHaveBeenCalledTimes(2)
  })

  it('reads the meters once for all who ask for them in a pass, and not where nobody does', async () => {
    const { chain, api } = await startedApi()
    const entries = vi.spyOn(chain.state, 'entries')
    const ofMeters = (): number =>
      entries.mock.calls.filter(([range]) => Buffer.from('m').equals(range?.gte ?? new Uint8Array(0))).length
    const [first, ...others] = await Promise.all(Array.from({ length: 20 }, async () => api.get('/state/zones')))
    expect(first?.data['zones']).toMatchObject([{ meters: 1 }])
    for (const { data } of others) expect(data).toEqual(first?.data)
    expect(ofMeters()).toBeLessThanOrEqual(2)
    entries.mockClear()
    await api.get(`/state/balances/${erin}`)
    expect(ofMeters()).toBe(0)
  })

  it('ends when the last client that asked hangs up, and goes on for the others', async () => {
    const { chain } = await startedApi()
    const scan = new OutputScan(chain.state)
    const [one, other] = [new AbortController(), new AbortController()]
    const counts = { one: 0, other: 0 }
    const withdrawn = { statusCode: 503, code: 'withdrawn' }
    const first = scan.visit(() => void (++counts.one === 3 && one.abort()), { signal: one.signal })
    const second = scan.visit(() => void (++counts.other === 7 && other.abort()), { signal: other.signal })
    await expect(first).rejects.toMatchObject(withdrawn)
    await expect(second).rejects.toMatchObject(withdrawn)
    expect(counts).toEqual({ one: 3, other: 7 })
    await expect(scan.visit(() => counts.one++, { signal: one.signal })).rejects.toMatchObject(withdrawn)
    expect(counts.one).toBe(3)
  })

  it('is of no use to a client that has hung up', async () => {
    const { chain, api } = await startedApi()
    const gate = Promise.withResolvers<void>()
    const read = chain.state.entries.bind(chain.state)
    const shown = vi.fn<() => void>()
    const begun = Promise.withResolvers<void>()
    vi.spyOn(chain.state, 'entries').mockImplementation(async function* (range) {
      begun.resolve()
      await gate.promise
      for await (const entry of read(range)) {
        shown()
        yield entry
      }
    })
    const ended = Promise.withResolvers<void>()
    api.app.addHook('onError', async () => ended.resolve())
    const connected = once(api.app.server, 'connection')
    const { socket } = client(await api.listen())
    const [served] = (await connected) as [Socket]
    socket.write('GET /api/v1/state/zones HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    await begun.promise
    const closed = once(served, 'close')
    socket.destroy()
    await closed
    gate.resolve()
    await ended.promise
    expect(shown).toHaveBeenCalledTimes(1)
  })

  it('refuses the 65th that waits, and goes on after a pass that failed', async () => {
    const chain = await opened()
    const scan = new OutputScan(chain.state)
    const asked = Array.from({ length: 64 }, async () => scan.visit(() => {}))
    await expect(scan.visit(() => {})).rejects.toMatchObject({ statusCode: 503, code: 'busy' })
    await Promise.all(asked)
    vi.spyOn(chain.state, 'entries').mockImplementationOnce(() => {
      throw new TypeError('the disk is gone')
    })
    const { signal } = new AbortController()
    await expect(scan.visit(() => {}, { signal })).rejects.toThrow('the disk is gone')
    expect(getEventListeners(signal, 'abort')).toEqual([])
    let count = 0
    await scan.visit(() => void count++)
    expect(count).toBe(40)
  })
})

it('shows what a payment left behind in its own zone', async () => {
  const { chain, api } = await startedApi()
  const owner = addressOfPerson(ERIN)
  const made = [30, 70].map((amount) => ({ asset: 'thb', amount, owner, zone: 1 }) as const)
  await offer(chain, signed(chain, DAN, transfer, { inputs: [outputId(new Uint8Array(32), 0)], outputs: made }))
  await grow(chain)
  const { data } = await api.get(`/state/balances/${erin}?asset=thb`)
  expect(data['outputs']).toMatchObject([{ amount: 70 }, { amount: 30 }])
})

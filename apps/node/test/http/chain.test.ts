import { memoryStore } from '@gridmesh/block-store'
import { decodeBlock, defaultRegistry, toHex } from '@gridmesh/ledger'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { addressOfPerson, DAN, GENESIS_MS, genesisOf, grow, offer, opened, payment, reading } from '../chain/chains.ts'
import { blockAt, describeBlock } from '../../src/http/chain/blocks.ts'
import { someNode } from '../some-node.ts'
import { type Answer, ChainApi, LoneChain, startedApi } from './chain-api.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  return () => vi.useRealTimers()
})

const dan = toHex(addressOfPerson(DAN))
const ZEROS = '0'.repeat(64)

describe('what the chain says of itself', () => {
  it('tells height, hashes, authorities, mempool, supplies and sync', async () => {
    const { chain, node, api } = await startedApi()
    await offer(chain, payment(chain, 0), reading(chain, 1, 500))
    const { bytes } = await grow(chain)
    const { header } = decodeBlock(bytes, defaultRegistry)
    await offer(chain, payment(chain, 1))
    node.syncStatus = {
      ...node.syncStatus,
      phase: 'blocks',
      progress: { from: 1, height: 5, target: 9, blocksPerSecond: 2.5 },
      peers: [{ id: 'a', blocksPerSecond: 1, requests: 1, standing: 'good' }],
      last: { status: 'failed', code: 'no-peers', message: 'nobody', tip: chain.head, imported: 0 },
    }
    expect((await api.get('/chain/info')).data).toEqual({
      name: 'test',
      chain_id: chain.chainId,
      height: 1,
      hash: chain.head.hash,
      time_ms: header.timeMs,
      state_root: toHex(header.stateRoot),
      finalised: chain.finalised,
      fork_choice: 'authority',
      authorities: [toHex(addressOfPerson(0))],
      zones: ['central', 'bangkok'],
      mempool: { transactions: 1, bytes: chain.mempool.stats().bytes, waiting: 0 },
      supplies: {
        energy: { minted: 500, burned: 0, held: 500 },
        thb: { minted: 4_000, burned: 0, held: 4_000 },
        rec: { minted: 0, burned: 0, held: 0 },
      },
      sync: {
        phase: 'blocks',
        progress: { from: 1, height: 5, target: 9, blocks_per_second: 2.5 },
        peers: 1,
        last: { status: 'failed', code: 'no-peers', message: 'nobody' },
      },
      failure: null,
    })
  })

  it('says why it takes nothing any more', async () => {
    const { node, api } = await startedApi()
    node.failure = new TypeError('the disk is gone')
    expect((await api.get('/chain/info')).data['failure']).toBe('the disk is gone')
  })

  it.each(['/chain/info', '/state/zones'])('says at %s why, where the disk can be read no more', async (path) => {
    const store = memoryStore()
    const { chain, node, api } = await startedApi({ store })
    vi.spyOn(store, 'batch').mockRejectedValueOnce(new TypeError('no space left'))
    const failed = Promise.withResolvers<Error>()
    chain.addEventListener('chain:failed', ({ detail }) => failed.resolve(detail))
    await expect(grow(chain)).rejects.toThrow('no space left')
    const error: unknown = expect.stringContaining('no space left')
    expect(await api.get(path)).toMatchObject({ status: 503, code: 'chain-gone', error })
    node.failure = await failed.promise
    expect(await api.get(path)).toMatchObject({ status: 503, code: 'chain-failed', error })
  })

  it('is part of the health of the node', async () => {
    const node = await someNode()
    onTestFinished(async () => void (await node.stop()))
    await node.start()
    const health = async (): Promise<unknown> =>
      ((await (await fetch(`${node.url}/api/v1/node/health`)).json()) as Answer).data
    expect(await health()).toMatchObject({ status: 'alone', chain_failure: null })
    const chain = new LoneChain(await opened())
    chain.failure = new TypeError('the disk is gone')
    vi.spyOn(node, 'chain', 'get').mockReturnValue(chain)
    expect(await health()).toMatchObject({ status: 'chain-failed', chain_failure: 'the disk is gone' })
  })

  it.each([
    '/chain/info',
    '/block/latest',
    `/block/${ZEROS}`,
    '/block/height/0',
    `/transaction/${ZEROS}`,
    '/mempool',
    `/state/balances/${ZEROS}`,
    '/state/zones',
    '/state/meters/roof',
  ])('answers %s of a node without a chain with how to switch it on', async (path) => {
    expect(await new ChainApi(undefined).get(path)).toMatchObject({
      status: 404,
      code: 'no-chain',
      error: expect.stringContaining('chain.enabled'),
    })
  })

  it('describes its routes in the OpenAPI document', async () => {
    const response = await new ChainApi(undefined).app.inject({
      url: '/api/v1/openapi.json',
      headers: { host: 'localhost' },
    })
    const { paths } = response.json<{ paths: Record<string, object> }>()
    expect(Object.keys(paths).toSorted()).toEqual(
      [
        '/block/height/{height}',
        '/block/latest',
        '/block/{hash}',
        '/chain/info',
        '/mempool',
        '/state/balances/{address}',
        '/state/meters/{name}',
        '/state/zones',
        '/transaction',
        '/transaction/{hash}',
      ].map((path) => `/api/v1${path}`),
    )
  })
})

describe('blocks', () => {
  it('are found by hash, by height and as the newest, with their bytes where those are asked for', async () => {
    const { chain, api } = await startedApi()
    const paid = payment(chain, 0)
    await offer(chain, paid)
    const built = await grow(chain)
    await grow(chain)
    const { hash } = built.header
    const { data } = await api.get(`/block/${hash}`)
    expect(data).toMatchObject({
      height: 1,
      hash,
      parent: chain.chainId,
      kind: 'energy',
      proposer: toHex(addressOfPerson(0)),
      size: built.bytes.byteLength,
      main: true,
      transactions: [{ id: toHex(paid.id), kind: 'transfer', sender: dan }],
    })
    expect(data).not.toHaveProperty('bytes')
    expect((await api.get('/block/height/1')).data).toEqual(data)
    expect((await api.get('/block/height/1?bytes=true')).data['bytes']).toBe(
      Buffer.from(built.bytes).toString('base64'),
    )
    expect((await api.get('/block/latest')).data).toMatchObject({ height: 2, hash: chain.head.hash, parent: hash })
    expect((await api.get('/block/height/0')).data).toMatchObject({ kind: 'genesis', hash: chain.chainId })
  })

  it('are final up to the newest final one, and not above', async () => {
    const { chain, api } = await startedApi({ genesis: genesisOf(2) })
    await grow(chain, 0)
    expect(chain.finalised.height).toBe(0)
    expect((await api.get('/block/height/0')).data['final']).toBe(true)
    expect((await api.get('/block/height/1')).data).toMatchObject({ final: false, main: true })
  })

  it('that a better branch took the place of are still found by hash, as beside it and not final', async () => {
    const [{ chain, api }, other] = [
      await startedApi({ genesis: genesisOf(2) }),
      await opened({ genesis: genesisOf(2) }),
    ]
    const { header } = await grow(chain, 0)
    for (let i = 0; i < 2; i++) await chain.importBlock((await grow(other, 1)).bytes)
    expect(chain.head).toEqual(other.head)
    expect((await api.get(`/block/${header.hash}`)).data).toMatchObject({ height: 1, main: false, final: false })
    expect((await api.get('/block/height/1')).data['main']).toBe(true)
  })

  it('beside the main chain are not final, however low they are', async () => {
    const { chain } = await startedApi()
    const found = await blockAt(chain, 0)
    expect(describeBlock(found, chain, false).final).toBe(true)
    expect(describeBlock({ ...found, isMain: false }, chain, false).final).toBe(false)
  })

  it('are named where there is none', async () => {
    const { api } = await startedApi()
    expect(await api.get('/block/height/1')).toMatchObject({
      status: 404,
      code: 'unknown-block',
      error: expect.stringContaining('newest is 0'),
    })
    expect(await api.get('/block/height/999999999999999')).toMatchObject({ status: 404, code: 'unknown-block' })
    expect(await api.get(`/block/${'ab'.repeat(32)}`)).toMatchObject({
      status: 404,
      code: 'unknown-block',
      error: expect.stringContaining('abab'),
    })
  })

  it('are told as pruned where only the header is kept', async () => {
    const chain = await opened({ blockStore: { keepBlocks: 1 } })
    for (let i = 0; i < 6; i++) await grow(chain)
    const api = new ChainApi(new LoneChain(chain))
    const first = await chain.backend.headers(1, 1)
    expect(first).toHaveLength(1)
    expect(await api.get('/block/height/1')).toMatchObject({
      status: 404,
      code: 'pruned-block',
      error: expect.stringContaining('Block 1'),
    })
  })
})

describe('hostile input', () => {
  const deep = 'x'.repeat(500)
  it.each([
    [`/block/${'A'.repeat(64)}`, 'hash'],
    [`/block/${'a'.repeat(63)}`, 'hash'],
    [`/block/0x${'a'.repeat(62)}`, 'hash'],
    ['/block/height/-1', 'height'],
    ['/block/height/1e3', 'height'],
    ['/block/height/01', 'height'],
    ['/block/height/1.5', 'height'],
    ['/block/height/9007199254740993', 'height'],
    ['/block/height/NaN', 'height'],
    [`/block/height/${deep}`, 'height'],
    ['/block/latest?bytes=yes', 'bytes'],
    ['/block/latest?colour=red', 'colour'],
    [`/transaction/${ZEROS}00`, 'hash'],
    ['/mempool?limit=0', 'limit'],
    ['/mempool?limit=1001', 'limit'],
    ['/mempool?limit=1.0', 'limit'],
    ['/mempool?offset=-1', 'offset'],
    ['/mempool?offset=100001', 'offset'],
    ['/mempool?offset=1&offset=2', 'offset'],
    ['/state/balances/dan', 'address'],
    [`/state/balances/${ZEROS}?asset=gold`, 'asset'],
    [`/state/balances/${ZEROS}?limit=ten`, 'limit'],
    ['/state/meters/%00'.padEnd(200, 'a'), 'name'],
    ['/events?events=new_block,gossip', 'events'],
  ])('%s is refused, and %s named with the rule', async (path, field) => {
    // What is wrong is found before there is a chain to ask.
    const answer = await new ChainApi(undefined).get(path)
    expect(answer).toMatchObject({ status: 400, code: 'invalid-input', error: expect.stringContaining(field) })
    expect(answer.error).not.toContain(deep)
  })

  it('shows the value that came', async () => {
    const api = new ChainApi(undefined)
    expect((await api.get('/block/height/1e3')).error).toBe(
      'height: expected a height, a whole number from 0 of at most 15 digits, got "1e3"',
    )
    expect((await api.get('/mempool?limit=1001')).error).toBe(
      'limit: expected a whole number from 1 to 1000, got "1001"',
    )
    expect((await api.get(`/state/balances/${ZEROS}?asset=gold`)).error).toContain('"gold"')
  })

  it('of a chain that is stopped is told as gone, and not as a fault of the node', async () => {
    const { chain, api } = await startedApi()
    await chain.stop()
    expect(await api.get('/chain/info')).toMatchObject({ status: 503, code: 'chain-gone' })
    expect(await api.get('/state/zones')).toMatchObject({ status: 503, code: 'chain-gone' })
  })
})

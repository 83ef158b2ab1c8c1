import { MAX_TRANSACTION_BYTES, signTransaction, toHex, transfer, outputId, type Transaction } from '@gridmesh/ledger'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import {
  addressOfPerson,
  at,
  DAN,
  ERIN,
  GENESIS_MS,
  genesisOf,
  grow,
  issue,
  offer,
  opened,
  payment,
  people,
  reading,
  signed,
} from '../chain/chains.ts'
import { ChainApi, startedApi } from './chain-api.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  return () => vi.useRealTimers()
})

const hex = ({ bytes }: Transaction): string => toHex(bytes)
const base64 = ({ bytes }: Transaction): string => Buffer.from(bytes).toString('base64')

describe('sending', () => {
  it.each([
    ['hex', hex],
    ['hex in capitals', (transaction: Transaction) => hex(transaction).toUpperCase()],
    ['base64', base64],
  ])('takes a transaction in %s, and says its id', async (_, encode) => {
    const { chain, api } = await startedApi()
    const paid = payment(chain, 0)
    const answer = await api.post('/transaction', { bytes: encode(paid) })
    expect(answer).toMatchObject({ status: 202, data: { id: toHex(paid.id), status: 'added', missing: null } })
    expect(chain.mempool.has(toHex(paid.id))).toBe(true)
  })

  it('says what one waits for that builds on what is not there', async () => {
    const { chain, api } = await startedApi()
    const answer = await api.post('/transaction', { bytes: hex(issue(chain, 3)) })
    expect(answer).toMatchObject({ status: 202, data: { status: 'waiting', missing: { code: 'nonce-gap' } } })
  })

  it('takes the longest transaction there is in hex, and refuses a longer one by its length', async () => {
    const { chain, node, api } = await startedApi()
    node.answer = { status: 'added', id: 'x' }
    const longest = 'ab'.repeat(MAX_TRANSACTION_BYTES)
    expect(await api.post('/transaction', { bytes: longest })).toMatchObject({ status: 202 })
    expect(await api.post('/transaction', { bytes: `${longest}ab` })).toMatchObject({
      status: 400,
      error: expect.stringContaining('65536'),
    })
    expect(await api.post('/transaction', { bytes: 'ab'.repeat(2 * MAX_TRANSACTION_BYTES) })).toMatchObject({
      status: 413,
      code: 'body-too-large',
    })
    expect(chain.mempool.stats().refused).toEqual({})
  })

  it('refuses with 422 what is no transaction or not valid, by the code of the ledger', async () => {
    const { chain, api } = await startedApi()
    const other = Uint8Array.from(payment(chain, 0).bytes)
    other[other.byteLength - 1] = (other.at(-1) ?? 0) ^ 1
    const made = { asset: 'thb', amount: 99, owner: addressOfPerson(ERIN), zone: 1 } as const
    const lost = signed(chain, DAN, transfer, { inputs: [outputId(new Uint8Array(32), 0)], outputs: [made] })
    for (const [bytes, code] of [
      ['00', 'malformed'],
      [toHex(other), 'invalid-signature'],
      [hex(lost), 'not-conserved'],
      [hex(reading(chain, 1, 500, DAN)), 'not-authority'],
    ]) {
      expect(await api.post('/transaction', { bytes })).toMatchObject({ status: 422, success: false, code })
    }
  })

  it('refuses one that was signed for another chain', async () => {
    const { api } = await startedApi()
    const other = await opened({ genesis: genesisOf(1, 'other') })
    expect(await api.post('/transaction', { bytes: hex(payment(other, 0)) })).toMatchObject({
      status: 422,
      code: 'invalid-signature',
    })
  })

  it('answers 409 for one that is in the mempool or in a block already', async () => {
    const { chain, api } = await startedApi()
    const bytes = hex(payment(chain, 0))
    await api.post('/transaction', { bytes })
    expect(await api.post('/transaction', { bytes })).toMatchObject({ status: 409, code: 'already-known' })
    await grow(chain)
    expect(await api.post('/transaction', { bytes })).toMatchObject({ status: 409, code: 'already-applied' })
  })

  it('answers 503 while the chain has failed or does not run, whatever the transaction is', async () => {
    const { chain, node, api } = await startedApi()
    const bytes = hex(payment(chain, 0))
    node.failure = new TypeError('the disk is gone')
    expect(await api.post('/transaction', { bytes })).toMatchObject({
      status: 503,
      code: 'chain-failed',
      error: expect.stringContaining('the disk is gone'),
    })
    node.failure = undefined
    await chain.mempool.stop()
    expect(await api.post('/transaction', { bytes })).toMatchObject({ status: 503, code: 'not-running' })
  })

  it('asks for the token where one is set, before it looks at anything', async () => {
    const { chain, api } = await startedApi({}, { 'http.token': '0123456789abcdef' })
    const body = { bytes: hex(payment(chain, 0)) }
    expect(await api.post('/transaction', body)).toMatchObject({ status: 401, code: 'unauthorised' })
    expect(chain.mempool.stats().transactions).toBe(0)
    const right = { authorization: 'Bearer 0123456789abcdef' }
    expect(await api.post('/transaction', body, right)).toMatchObject({ status: 202 })
  })

  it('says by what header it asks for the token, and takes its scheme in any letters', async () => {
    const { api } = await startedApi({}, { 'http.token': '0123456789abcdef' })
    const url = `${await api.listen()}/api/v1/transaction`
    const refused = await fetch(url, { method: 'POST' })
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    const lower = { authorization: 'bearer 0123456789abcdef' }
    expect(await api.post('/transaction', { bytes: '' }, lower)).toMatchObject({ status: 400 })
  })

  it.each([
    ['nothing', {}],
    ['a number', { bytes: 7 }],
    ['an empty text', { bytes: '' }],
    ['an odd number of digits', { bytes: 'abc' }],
    ['what is neither hex nor base64', { bytes: 'zz!!' }],
    ['hex with a prefix', { bytes: '0x00' }],
    ['spaces', { bytes: 'ab cd' }],
    ['base64 without its end', { bytes: 'abcde' }],
    ['a list', [{ bytes: '00' }]],
    ['another field', { bytes: '0000', colour: 'red' }],
  ])('refuses %s, and names the field', async (_, body) => {
    const answer = await new ChainApi(undefined).post('/transaction', body)
    expect(answer).toMatchObject({ status: 400, code: 'invalid-input' })
    expect(answer.error).toMatch(/bytes|colour|body/)
  })
})

describe('finding', () => {
  it('finds one in the mempool, then in its block, with its body in hex', async () => {
    const { chain, api } = await startedApi()
    const paid = payment(chain, 3)
    const id = toHex(paid.id)
    await offer(chain, paid)
    const pending = await api.get(`/transaction/${id}`)
    expect(pending.data).toEqual({
      id,
      status: 'pending',
      kind: 'transfer',
      sender: toHex(addressOfPerson(DAN)),
      nonce: null,
      size: paid.bytes.byteLength,
      body: {
        inputs: [`${'0'.repeat(64)}0003`],
        outputs: [{ asset: 'thb', amount: 100, owner: toHex(addressOfPerson(ERIN)), zone: 1 }],
      },
      block: null,
    })
    const { header } = await grow(chain)
    await grow(chain)
    expect((await api.get(`/transaction/${id}`)).data).toEqual({
      ...pending.data,
      status: 'included',
      block: {
        height: 1,
        hash: header.hash,
        position: 0,
        time_ms: header.timeMs,
        final: chain.finalised.height >= 1,
        confirmations: 2,
      },
    })
  })

  it('finds one that waits for what it builds on as pending', async () => {
    const { chain, api } = await startedApi()
    const waiting = issue(chain, 1)
    expect(await offer(chain, waiting)).toEqual(['waiting'])
    expect((await api.get(`/transaction/${toHex(waiting.id)}`)).data).toMatchObject({ status: 'pending', nonce: 1 })
  })

  it('says that a block is not final yet', async () => {
    const { chain, api } = await startedApi({ genesis: genesisOf(2) })
    const paid = payment(chain, 0)
    await offer(chain, paid)
    await grow(chain, 0)
    expect((await api.get(`/transaction/${toHex(paid.id)}`)).data['block']).toMatchObject({
      final: false,
      confirmations: 1,
    })
  })

  it('does not take another transaction for it whose block came to its place', async () => {
    const { chain, api } = await startedApi()
    await offer(chain, payment(chain, 0))
    await grow(chain)
    const id = toHex(payment(chain, 1).id)
    const transaction = vi.spyOn(chain.index, 'transaction').mockResolvedValue({ height: 1, position: 0 })
    expect(await api.get(`/transaction/${id}`)).toMatchObject({ status: 404, code: 'unknown-transaction' })
    expect(transaction).toHaveBeenCalledTimes(3)
  })

  it('finds one that came back from a block into the mempool while it was looked for', async () => {
    const { chain, api } = await startedApi()
    const paid = payment(chain, 0)
    vi.spyOn(chain.index, 'transaction').mockImplementationOnce(async () => {
      await offer(chain, paid)
      return undefined
    })
    expect((await api.get(`/transaction/${toHex(paid.id)}`)).data).toMatchObject({ status: 'pending' })
  })

  it('names what it does not know', async () => {
    const { api } = await startedApi()
    const id = 'cd'.repeat(32)
    expect(await api.get(`/transaction/${id}`)).toMatchObject({
      status: 404,
      code: 'unknown-transaction',
      error: expect.stringContaining(id),
    })
  })
})

describe('the mempool', () => {
  it('is told with its ids, a page at a time, in the order in which blocks take them', async () => {
    const { chain, api } = await startedApi()
    for (let i = 0; i < 5; i++) await offer(chain, payment(chain, i))
    const all = [...chain.mempool.transactions()].map(({ id }) => id)
    const first = await api.get('/mempool?limit=3')
    expect(first.data).toMatchObject({
      transactions: 5,
      senders: 1,
      added: 5,
      waiting: 0,
      pending: 0,
      offset: 0,
      ids: all.slice(0, 3),
    })
    expect((await api.get('/mempool?limit=3&offset=3')).data).toMatchObject({ offset: 3, ids: all.slice(3) })
    expect((await api.get('/mempool?offset=5')).data['ids']).toEqual([])
  })

  it('counts what it refused, by code', async () => {
    const { chain, api } = await startedApi()
    await offer(chain, reading(chain, 1, 5, DAN))
    expect((await api.get('/mempool')).data['refused']).toEqual({ 'not-authority': 1 })
  })
})

it('signs for nobody: a transaction needs the key of its sender', async () => {
  const { chain, api } = await startedApi()
  const signer = { ...at(people, DAN), sign: (message: Uint8Array) => at(people, ERIN).sign(message) }
  const made = { asset: 'thb', amount: 100, owner: addressOfPerson(ERIN), zone: 1 } as const
  const body = { inputs: [outputId(new Uint8Array(32), 0)], outputs: [made] }
  const forged = signTransaction(transfer, body, { chainId: Buffer.from(chain.chainId, 'hex'), signer })
  expect(await api.post('/transaction', { bytes: hex(forged) })).toMatchObject({
    status: 422,
    code: 'invalid-signature',
  })
})

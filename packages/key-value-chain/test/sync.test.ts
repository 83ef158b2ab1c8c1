import {
  BlockServer,
  BlockSync,
  blocksCodec,
  getBlocksCodec,
  getHeadersCodec,
  headersCodec,
  type Offence,
  type StatePieceAnswer,
  type SyncPeer,
  type SyncPeers,
  type SyncRequests,
} from '@gridmesh/block-sync'
import { unicast } from '@gridmesh/unicast'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { describe, expect, it, onTestFinished } from 'vitest'
import { decodeBlock, encodeBlock, type KeyValueChain, makeBlock, signHeader } from '../src/index.ts'
import { ANN, at, BEN, blocksUpon, GENESIS, importAll, opened, signed, signerOfSlot, valuesOf } from './chains.ts'

/** Carries a request to a peer and brings the answer, as bytes. */
type Carry = (peer: string, kind: 'headers' | 'blocks', request: Uint8Array) => Promise<Uint8Array>

const NO_PIECE: StatePieceAnswer = { piece: undefined }

function requestsBy(carry: Carry): SyncRequests {
  return {
    headers: async (peer, request) =>
      headersCodec.decode(await carry(peer, 'headers', getHeadersCodec.encode(request))),
    blocks: async (peer, request) => blocksCodec.decode(await carry(peer, 'blocks', getBlocksCodec.encode(request))),
    statePiece: () => Promise.resolve(NO_PIECE),
  }
}

/** The serving side of such a carrier. */
async function answer({ server }: Served, kind: 'headers' | 'blocks', request: Uint8Array): Promise<Uint8Array> {
  const { signal } = new AbortController()
  if (kind === 'headers') return headersCodec.encode(await server.headers(getHeadersCodec.decode(request), { signal }))
  return blocksCodec.encode(await server.blocks(getBlocksCodec.decode(request), { signal }))
}

interface Served {
  chain: KeyValueChain
  server: BlockServer
}

const serve = (chain: KeyValueChain): Served => ({ chain, server: new BlockServer({ chain, reader: chain.reader }) })

function peersOf(servers: ReadonlyMap<string, Served>): { peers: SyncPeers; reports: [string, Offence][] } {
  const reports: [string, Offence][] = []
  const peers: SyncPeers = {
    peers: (): SyncPeer[] => Array.from(servers, ([id, { server }]) => ({ id, isReady: true, ...server.status() })),
    subscribe: () => () => undefined,
    report: (peer, offence) => void reports.push([peer, offence]),
  }
  return { peers, reports }
}

function syncing(chain: KeyValueChain, peers: SyncPeers, carry: Carry): BlockSync {
  const components = { chain, reader: chain.reader, peers, requests: requestsBy(carry) }
  const sync = new BlockSync(components, { behind: 1_000_000, rangeBlocks: 7, headersPerRequest: 20 })
  sync.start()
  onTestFinished(async () => sync.stop())
  return sync
}

/** A chain of many blocks, of two users. */
async function full(count: number): Promise<KeyValueChain> {
  const chain = await opened()
  const blocks = blocksUpon(GENESIS.header, count, { firstSlot: 2 }, (i) => [
    signed(ANN, i, { [`key ${i % 9}`]: i % 4 === 0 ? undefined : String(i) }),
    signed(BEN, i, { last: String(i) }),
  ])
  await importAll(chain, blocks)
  return chain
}

const inMemory =
  (servers: ReadonlyMap<string, Served>): Carry =>
  async (peer, kind, request) => {
    const served = servers.get(peer)
    if (served === undefined) throw new RangeError(`nobody is called ${peer}`)
    return answer(served, kind, request)
  }

describe('in memory', () => {
  it('brings a newcomer up to two peers, with the same state', async () => {
    const source = await full(60)
    const servers = new Map([
      ['a', serve(source)],
      ['b', serve(source)],
    ])
    const chain = await opened()
    const { peers, reports } = peersOf(servers)
    expect(await syncing(chain, peers, inMemory(servers)).sync()).toMatchObject({ status: 'synced', imported: 60 })
    expect([chain.tip(), chain.finalised()]).toEqual([source.tip(), source.finalised()])
    expect(await valuesOf(chain)).toEqual(await valuesOf(source))
    expect(reports).toEqual([])
  })

  it('brings two chains that grew apart to the better branch of them', async () => {
    const [a, b] = [await opened(), await opened()]
    await importAll(
      a,
      blocksUpon(GENESIS.header, 3, { firstSlot: 2 }, (i) => [signed(ANN, i, { a: String(i) })]),
    )
    await importAll(
      b,
      blocksUpon(GENESIS.header, 4, { firstSlot: 3 }, (i) => [signed(BEN, i, { b: String(i) })]),
    )
    const servers = new Map([
      ['a', serve(a)],
      ['b', serve(b)],
    ])
    for (const chain of [a, b]) {
      const { peers } = peersOf(servers)
      expect(await syncing(chain, peers, inMemory(servers)).sync()).toMatchObject({ status: 'synced' })
    }
    expect(a.tip()).toEqual(b.tip())
    expect(a.tip().height).toBe(4)
    expect(await valuesOf(a)).toEqual({ b: '3' })
  })

  it.each<[string, Offence, (bytes: Uint8Array) => Uint8Array]>([
    [
      'blocks with another body',
      'malformed-block',
      (bytes) => {
        const { header, transactions } = decodeBlock(bytes)
        return encodeBlock({ header, transactions: transactions.slice(1) })
      },
    ],
    ['blocks that are none', 'malformed-block', (bytes) => bytes.subarray(0, -1)],
  ])('reports a peer that gives %s, and takes them from another one', async (_, offence, falsify) => {
    const source = await full(30)
    const servers = new Map([
      ['liar', serve(source)],
      ['true', serve(source)],
    ])
    const chain = await opened()
    const { peers, reports } = peersOf(servers)
    const carry: Carry = async (peer, kind, request) => {
      const bytes = await inMemory(servers)(peer, kind, request)
      if (peer !== 'liar' || kind !== 'blocks') return bytes
      const { blocks } = blocksCodec.decode(bytes)
      return blocksCodec.encode({ blocks: blocks.map((block) => block && falsify(block)) })
    }
    expect(await syncing(chain, peers, carry).sync()).toMatchObject({ status: 'synced', imported: 30 })
    expect(chain.tip()).toEqual(source.tip())
    expect(reports).toEqual([['liar', offence]])
  })

  it('reports a peer whose headers nobody may have signed, before it has any block of them', async () => {
    const [source, liar, chain] = [await full(10), await opened(), await opened()]
    // Its own chain takes anything.
    const headers: Uint8Array[] = []
    let parent = GENESIS.header
    for (let i = 1; i <= 20; i++) {
      const { header } = makeBlock({
        genesis: GENESIS,
        parent,
        slot: 2 * i,
        transactions: [],
        signer: signerOfSlot(2 * i),
      })
      parent = signHeader(header, signerOfSlot(2 * i + 1))
      headers.push(parent.bytes)
    }
    const servers = new Map([
      ['liar', serve(liar)],
      ['true', serve(source)],
    ])
    const { peers, reports } = peersOf(servers)
    const lying: SyncPeers = {
      ...peers,
      peers: () => {
        const [first, ...others] = peers.peers()
        return first === undefined ? [] : [{ ...first, tip: { height: 20, hash: 'ff' } }, ...others]
      },
    }
    const carry: Carry = async (peer, kind, request) =>
      peer === 'liar' ? headersCodec.encode({ status: 'found', headers }) : inMemory(servers)(peer, kind, request)
    expect(await syncing(chain, lying, carry).sync()).toMatchObject({ status: 'synced', imported: 10 })
    expect(reports).toEqual([['liar', 'invalid-header']])
  })
})

it('judges headers by chain, turn, signature and order, and takes the first block of its own chain only', async () => {
  const { reader } = await opened()
  const [first, second] = blocksUpon(GENESIS.header, 2, { firstSlot: 2 }).map(({ header }) => header)
  const bytes = [GENESIS.header, at([first], 0), at([second], 0)].map((header) => header?.bytes ?? new Uint8Array())
  expect(reader.judge(bytes)).toBeUndefined()
  expect(reader.judge(bytes.toReversed())).toMatchObject({ code: 'wrong-height' })
  const forged = Uint8Array.from(at(bytes, 0))
  forged[forged.byteLength - 1] = 1
  expect(reader.judge([forged])).toMatchObject({ code: 'wrong-chain' })
})

async function startNode() {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { unicast: unicast() },
  })
  onTestFinished(async () => node.stop())
  return node
}

it('syncs two chains over libp2p on loopback, by requests of unicast', async () => {
  const [alice, bob] = [await startNode(), await startNode()]
  const [source, chain] = [await full(40), await opened()]
  const served = serve(source)
  for (const kind of ['headers', 'blocks'] as const) {
    bob.services.unicast.handle(kind, async (request) => answer(served, kind, request))
  }
  await alice.dial(bob.getMultiaddrs())
  const { peers, reports } = peersOf(new Map([[bob.peerId.toString(), served]]))
  const carry: Carry = async (_, kind, request) => alice.services.unicast.request(bob.peerId, kind, request)
  expect(await syncing(chain, peers, carry).sync()).toMatchObject({ status: 'synced', imported: 40 })
  expect(await valuesOf(chain)).toEqual(await valuesOf(source))
  expect(reports).toEqual([])
})

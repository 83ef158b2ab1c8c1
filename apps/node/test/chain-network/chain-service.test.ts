import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore } from '@gridmesh/block-store'
import { BlockServer } from '@gridmesh/block-sync'
import { memoryRecord } from '@gridmesh/consensus'
import { metrics } from '@gridmesh/metrics'
import { defaultKinds, type Genesis, type Kind, Registry, signerOf, toHex } from '@gridmesh/ledger'
import type { MempoolLog } from '@gridmesh/mempool'
import { defaultLogger } from '@libp2p/logger'
import { TypedEventEmitter } from 'main-event'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { ChainFailedError } from '../../src/chain/errors.ts'
import { ChainService, type ChainServiceInit } from '../../src/chain-network/chain-service.ts'
import { getFewBlocksKind, statusKind } from '../../src/chain-network/kinds.ts'
import { DAN, genesisOf, payment, people, resealed, signed } from '../chain/chains.ts'
import { Bus, type BusNode } from './bus.ts'

const soon = { interval: 10 }
let directory: string
let bus: Bus
/** Begins now: so no block is late, and none is made but for a transaction. */
let genesis: Genesis

beforeEach(async () => {
  const path = await mkdtemp(join(tmpdir(), 'gridmesh-chain-'))
  directory = path
  bus = new Bus()
  genesis = { ...genesisOf(1), timeMs: Date.now() }
  // After all that the test has opened is closed.
  onTestFinished(async () => rm(path, { recursive: true, force: true }))
})

/** A chain on the bus that makes a block as soon as there is something to put in it. */
function initOf(node: BusNode): ChainServiceInit {
  return {
    name: 'test',
    genesis,
    directory: join(directory, node.name),
    consensus: { minIntervalMs: 20, maxIntervalMs: 100_000 },
    verifyThreads: 0,
    messages: node.messages,
    handshake: node.handshake,
    peerManager: node,
    metrics: metrics()({ logger: defaultLogger(), events: new TypedEventEmitter() }),
    logger: defaultLogger(),
  }
}

/** With a `who` it makes blocks. */
async function opened(node: BusNode, who?: number): Promise<ChainService> {
  const service = await ChainService.open({ ...initOf(node), signer: who === undefined ? undefined : people[who] })
  onTestFinished(async () => service.close())
  return service
}

async function pair(): Promise<{ nodes: [BusNode, BusNode]; maker: ChainService; follower: ChainService }> {
  const nodes: [BusNode, BusNode] = [await bus.join('maker'), await bus.join('follower')]
  const [maker, follower] = [await opened(nodes[0], 0), await opened(nodes[1])]
  await maker.start()
  await follower.start()
  for (const node of nodes) node.connect()
  return { nodes, maker, follower }
}

/** Waits until all transactions so far are final: no block comes by itself any more. */
async function atRest({ chain }: ChainService): Promise<void> {
  await vi.waitFor(() => {
    const { filled, final } = chain.consensus.head().standing
    expect(chain.mempool.stats().transactions).toBe(0)
    expect(filled).toBeGreaterThan(0)
    expect(final).toBeGreaterThanOrEqual(filled)
  }, soon)
}

it('passes a transaction on where it is taken, and a block once to everybody', async () => {
  const { maker, follower } = await pair()
  const { bytes, id } = payment(follower.chain, 0)
  expect(await follower.submit(bytes)).toEqual({ status: 'added', id: toHex(id) })
  await atRest(follower)
  await vi.waitFor(() => expect(maker.head).toEqual(follower.head), soon)
  const block = { kind: 'block', from: 'maker', to: 'follower', verdict: 'accept' }
  expect(bus.passed).toEqual([
    { kind: 'transaction', from: 'follower', to: 'maker', verdict: 'accept' },
    ...Array.from({ length: follower.head.height }, () => block),
  ])
  // What is refused here goes nowhere.
  expect(await follower.submit(bytes)).toMatchObject({ status: 'refused' })
  expect(await maker.submit(Uint8Array.of(1))).toMatchObject({ status: 'refused', code: 'malformed' })
  expect(bus.count('transaction')).toBe(1)
})

it('tells its head in the handshake, from the start and with every block', async () => {
  const { nodes, maker, follower } = await pair()
  const [first] = nodes[1].statuses
  expect(first).toEqual({ height: 0, tipHash: follower.chain.chainId })
  await maker.submit(payment(maker.chain, 0).bytes)
  await atRest(maker)
  const { height, hash } = maker.head
  await vi.waitFor(() => expect(nodes[1].statuses.at(-1)).toEqual({ height, tipHash: hash }), soon)
  expect(nodes[1].statuses.map((status) => status.height)).toEqual(Array.from({ length: height + 1 }, (_, i) => i))
})

it('catches up with a peer by its status alone, and says none of what it fetched to others', async () => {
  const maker = await bus.join('maker')
  const making = await opened(maker, 0)
  await making.start()
  for (let i = 0; i < 5; i++) {
    await making.submit(payment(making.chain, i).bytes)
    await atRest(making)
  }
  const late = await bus.join('late')
  const following = await opened(late)
  await following.start()
  maker.connect()
  late.connect()
  await vi.waitFor(() => expect(following.head).toEqual(making.head), soon)
  expect(bus.passed).toEqual([])
  expect([maker.reports, late.reports]).toEqual([[], []])
})

it('reads the blocks of peers by the kinds of its own chain', async () => {
  const note: Kind<string> = {
    name: 'note',
    code: 200,
    family: 'energy',
    isForAuthorities: false,
    isNumbered: true,
    codec: { write: (text, writer) => void writer.text(text), read: (reader) => reader.text(10) },
    reads: () => [],
    check: () => undefined,
    apply: () => {},
  }
  const parts = { registry: new Registry([...defaultKinds, note]) }
  const maker = await bus.join('maker')
  const making = await ChainService.open({ ...initOf(maker), parts, signer: people[0] })
  onTestFinished(async () => making.close())
  await making.start()
  await making.submit(signed(making.chain, DAN, note, 'hello', 0).bytes)
  await atRest(making)
  const late = await bus.join('late')
  const following = await ChainService.open({ ...initOf(late), parts })
  onTestFinished(async () => following.close())
  await following.start()
  maker.connect()
  late.connect()
  await vi.waitFor(async () => {
    await following.sync.sync()
    expect(following.head).toEqual(making.head)
  }, soon)
  expect([maker.reports, late.reports]).toEqual([[], []])
})

/** A maker with some blocks, and one that comes late and begins a sync when that is `less` blocks less than it lacks. */
async function lateBy(less: number) {
  const maker = await bus.join('maker')
  const making = await opened(maker, 0)
  await making.start()
  for (let i = 0; i < 3; i++) {
    await making.submit(payment(making.chain, i).bytes)
    await atRest(making)
  }
  const late = await bus.join('late')
  const heard = vi.spyOn(maker.messages, 'send')
  const asked = vi.spyOn(late.messages, 'request')
  const catchUp = { behind: making.head.height - less, rangeBlocks: 2 }
  const following = await ChainService.open({ ...initOf(late), catchUp })
  onTestFinished(async () => following.close())
  await following.start()
  maker.connect()
  late.connect()
  await vi.waitFor(() => expect(heard.mock.settledResults.some(({ type }) => type === 'fulfilled')).toBe(true), soon)
  const most = (): number =>
    Math.max(...asked.mock.calls.map(([, { kind }, value]) => (kind.endsWith('blocks') ? hashesIn(value) : 0)))
  return { making, following, most }
}

const hashesIn = (value: unknown): number => (value as { hashes: readonly string[] }).hashes.length

it('begins a sync when a peer is more than catchUp.behind blocks ahead, with rangeBlocks to a request', async () => {
  const { making, following, most } = await lateBy(1)
  await vi.waitFor(() => expect(following.head).toEqual(making.head), soon)
  expect(most()).toBe(2)
})

it('begins none by itself when a peer is catchUp.behind blocks ahead and no more', async () => {
  const { making, following } = await lateBy(0)
  expect(following.sync.status()).toMatchObject({ phase: 'idle', last: undefined })
  await following.sync.sync()
  expect(following.head).toEqual(making.head)
})

it('follows a block whose parent it lacks, though its peer is hardly ahead', async () => {
  const { nodes, maker, follower } = await pair()
  const block = follower.chain.engine.messages[0]
  // The first block is lost on its way.
  const handler = nodes[1].handlers.get('block')
  nodes[1].handlers.delete('block')
  await maker.submit(payment(maker.chain, 0).bytes)
  await atRest(maker)
  expect(maker.head.height).toBeLessThanOrEqual(3)
  if (handler !== undefined) nodes[1].handlers.set(block?.kind ?? '', handler)
  await maker.submit(payment(maker.chain, 1).bytes)
  await vi.waitFor(() => expect(follower.head).toEqual(maker.head), soon)
  expect(follower.head.height).toBeGreaterThan(3)
  expect(bus.passed.find(({ kind }) => kind === 'block')).toMatchObject({ verdict: 'ignore' })
})

it.each([
  ['with another state', { stateRoot: new Uint8Array(32) }, 0, 'reject'],
  ['of who is no authority', { proposer: people[DAN]?.publicKey ?? new Uint8Array() }, DAN, 'reject'],
  ['from the future', { timeMs: Date.now() + 3_600_000 }, 0, 'ignore'],
  ['without a parent', { parent: new Uint8Array(32).fill(9) }, 0, 'ignore'],
] as const)('answers a block %s, and keeps what it has', async (_, fields, who, expected) => {
  const { nodes, maker, follower } = await pair()
  await maker.submit(payment(maker.chain, 0).bytes)
  await atRest(follower)
  const [good = new Uint8Array()] = await maker.chain.backend.blocks([maker.head.hash])
  const head = follower.head
  const below = { height: head.height + 1, parent: Buffer.from(head.hash, 'hex') }
  const time = { timeMs: Date.now() }
  const { bytes } = resealed(good, { ...below, ...time, ...fields }, who)
  const kind = { ...nodes[1].handlers.get('block')?.kind } as never
  await nodes[0].messages.broadcast(kind, bytes as never)
  expect(bus.passed.at(-1)).toMatchObject({ kind: 'block', verdict: expected })
  expect(follower.head).toEqual(head)
})

it('says nothing again that a switch of branches gives back, or that a restart finds', async () => {
  const { maker, follower } = await pair()
  await maker.quiet()
  const { bytes } = payment(follower.chain, 3)
  await follower.submit(bytes)
  await follower.close()
  const again = await opened(await bus.join('follower'))
  await again.start()
  expect(again.chain.mempool.stats().transactions).toBe(1)
  expect(bus.count('transaction')).toBe(0)
})

it('makes nothing and takes nothing once the chain has failed, and stops all the same', async () => {
  const { nodes, maker, follower } = await pair()
  const error = new ChainFailedError({ cause: new RangeError('the disk is gone') })
  maker.chain.safeDispatchEvent('chain:failed', { detail: error })
  expect(maker.failure).toBe(error)
  expect(maker.isReady).toBe(false)
  await expect(maker.submit(payment(maker.chain, 0).bytes)).rejects.toBe(error)
  await vi.waitFor(() => expect([...nodes[0].handlers.keys()]).toEqual([]), soon)
  expect(await follower.submit(payment(follower.chain, 0).bytes)).toMatchObject({ status: 'added' })
  expect(maker.sync.status().phase).toBe('idle')
  await maker.close()
  await maker.close()
})

it('stops before it was started, and is silent after', async () => {
  const node = await bus.join('alone')
  const service = await opened(node, 0)
  await service.close()
  expect(node.handlers.size).toBe(0)
  // The store is free again.
  await (await opened(node, 0)).close()
})

it.each<[string, (service: ChainService) => unknown]>([
  ['quiet', async (service) => service.quiet()],
  ['closed', async (service) => service.close()],
  [
    'of no use',
    ({ chain }) =>
      chain.safeDispatchEvent('chain:failed', {
        detail: new ChainFailedError({ cause: new RangeError('the disk is gone') }),
      }),
  ],
])('begins nothing any more when it gets %s while it starts', async (_, end) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const node = await bus.join('hasty')
  const { directory: _directory, ...init } = initOf(node)
  const restored = Promise.withResolvers<Uint8Array[]>()
  const mempoolLog: MempoolLog = {
    async *read() {
      yield* await restored.promise
    },
    append: async () => Promise.resolve(),
    rewrite: async () => Promise.resolve(),
  }
  const parts = { store: memoryStore(), record: memoryRecord(), mempoolLog }
  const service = await ChainService.open({ ...init, signer: people[0], parts })
  const starting = service.start()
  const ending = end(service)
  restored.resolve([])
  await Promise.all([starting, ending])
  await service.quiet()
  expect(await service.sync.sync()).toMatchObject({ status: 'failed', code: 'stopped' })
  expect(service.isReady).toBe(false)
  await service.start()
  expect(node.handlers.size).toBe(0)
  await service.close()
  expect([vi.getTimerCount(), service.head.height]).toEqual([0, 0])
})

it('signs no block again, as one of several authorities, that it has lost with what it had signed', async () => {
  genesis = { ...genesisOf(2), timeMs: Date.now() }
  const consensus = { minIntervalMs: 20, maxIntervalMs: 200, fallbackMs: 50 }
  const open = async (name: string, who?: number): Promise<[BusNode, ChainService]> => {
    const node = await bus.join(name)
    const signer = who === undefined ? undefined : people[who]
    const service = await ChainService.open({ ...initOf(node), consensus, signer })
    onTestFinished(async () => service.close())
    return [node, service]
  }
  const [[lost, first], [keeper, follower]] = [await open('lost', 0), await open('keeper')]
  const found = vi.fn<() => void>()
  follower.chain.engine.addEventListener('consensus:equivocation', found)
  for (const service of [first, follower]) await service.start()
  for (const node of [lost, keeper]) node.connect()
  await vi.waitFor(() => expect(follower.head.height).toBeGreaterThan(2), soon)
  await first.close()
  bus.nodes.delete(lost.peerId.toString())

  // It has all but the newest block, for which no sync begins by itself.
  const { height } = follower.head
  const [back, restored] = await open('back', 0)
  for (let at = 1; at < height; at++) {
    const hash = (await follower.chain.consensus.hashAt(at)) ?? ''
    const [block = new Uint8Array()] = await follower.chain.backend.blocks([hash])
    await restored.chain.backend.importBlock(block)
  }
  await restored.start()
  for (const node of [back, keeper]) node.connect()
  await vi.waitFor(() => expect(follower.head.height).toBeGreaterThan(height), soon)
  expect(found).not.toHaveBeenCalled()
})

it('makes no block with a key that is no authority', async () => {
  const nodes = [await bus.join('maker'), await bus.join('stranger')] as const
  const maker = await opened(nodes[0], 0)
  const stranger = await ChainService.open({ ...initOf(nodes[1]), signer: signerOf(new Uint8Array(32).fill(77)) })
  onTestFinished(async () => stranger.close())
  const proposed = vi.fn<() => void>()
  stranger.chain.engine.addEventListener('consensus:proposed', proposed)
  await stranger.start()
  await stranger.submit(payment(stranger.chain, 0).bytes)
  await maker.start()
  for (const node of nodes) node.connect()
  // By then the stranger had time as well.
  await maker.submit(payment(maker.chain, 1).bytes)
  await vi.waitFor(() => expect(stranger.head.height).toBeGreaterThan(0), soon)
  expect(proposed).not.toHaveBeenCalled()
  const makers = bus.passed.filter(({ kind }) => kind === 'block').map(({ from }) => from)
  expect(new Set(makers)).toEqual(new Set(['maker']))
})

it('lets go of the store and of all files, whatever fails at the end', async () => {
  const node = await bus.join('maker')
  const service = await ChainService.open({ ...initOf(node), signer: people[0] })
  await service.start()
  vi.spyOn(service.chain.mempool, 'stop').mockRejectedValue(new TypeError('the log is gone'))
  await expect(service.close()).rejects.toThrow('the log is gone')
  // Another one may open what this one had.
  const again = await opened(node, 0)
  expect(again.head).toEqual(service.head)
})

it('takes a status from its sender alone, and passes none on', async () => {
  const [node, other] = [await bus.join('here'), await bus.join('other')]
  await (await opened(node)).start()
  const place = { height: 0, hash: 'aa' }
  await other.messages.broadcast(statusKind, { tip: place, finalised: place })
  expect(bus.passed).toEqual([{ kind: statusKind.kind, from: 'other', to: 'here', verdict: 'reject' }])
})

it.each([
  { asked: { hashes: 17, maxBytes: 16_777_216 }, given: { hashes: 16, maxBytes: 1_048_576 } },
  { asked: { hashes: 3, maxBytes: 1_000 }, given: { hashes: 3, maxBytes: 1_000 } },
])(
  'gives $given.hashes blocks, and $given.maxBytes bytes, where few are $asked.hashes and $asked.maxBytes',
  async ({ asked, given }) => {
    const blocks = vi.spyOn(BlockServer.prototype, 'blocks')
    onTestFinished(() => blocks.mockRestore())
    const [node, other] = [await bus.join('here'), await bus.join('other')]
    await (await opened(node)).start()
    const hashes = Array.from({ length: asked.hashes }, (_, i) => `${10 + i}`)
    await other.messages.request(node.peerId, getFewBlocksKind, { ...asked, hashes })
    expect(blocks.mock.calls.map(([request]) => request)).toEqual([{ ...given, hashes: hashes.slice(0, given.hashes) }])
  },
)

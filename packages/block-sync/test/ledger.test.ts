import { beforeEach, expect, it, onTestFinished } from 'vitest'
import type { BlockSyncInit, StatePieceAnswer } from '../src/index.ts'
import { LedgerNode, ledgerReader, PIECES } from './ledger-node.ts'
import { type Behaviour, ModelNet } from './model-net.ts'
import { pass, run, setUp, type Setup, useVirtualTime } from './support.ts'

beforeEach(useVirtualTime)

/** A chain of 60 blocks, which gives the state after the 50th; nobody changes it. */
const full = await (await (await LedgerNode.create()).grow(50)).snapshot().grow(10)

async function newcomer(init: BlockSyncInit = {}): Promise<Setup<LedgerNode>> {
  const chain = await LedgerNode.create()
  onTestFinished(() => chain.close())
  const more = { reader: ledgerReader, state: chain.target, history: chain.history }
  return setUp(chain, { checkpointBehind: 20, rangeBlocks: 7, ...init }, more, new ModelNet(ledgerReader))
}

const join = ({ net }: Setup<LedgerNode>, id: string, behaviour: Behaviour = {}): void => {
  net.join(id, full, { delayMs: 5, ...behaviour }, full.stateReader)
}

it('replays the ledger block by block where no checkpoint is far enough ahead', async () => {
  const setup = await newcomer({ checkpointBehind: 50 })
  join(setup, 'a')

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 60, tip: full.tip() })
  expect(setup.chain.stateRoot).toBe(full.stateRoot)
  expect(setup.chain.added).toEqual([])
})

it('takes the state at a checkpoint in pieces from several peers, goes on by blocks, and fills in the history', async () => {
  const setup = await newcomer({ checkpointBehind: 49 })
  for (const id of ['a', 'b', 'c']) join(setup, id)

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 10, tip: full.tip() })
  expect(setup.chain.stateRoot).toBe(full.stateRoot)
  expect(setup.chain.added.toSorted((a, b) => a - b)).toEqual(Array.from({ length: PIECES }, (_, i) => i))
  const givers = new Set(setup.net.asked.filter(({ kind }) => kind === 'piece').map(({ peer }) => peer))
  expect([...givers].toSorted()).toEqual(['a', 'b', 'c'])

  await pass(until(() => setup.chain.history.lowest() === undefined))
  expect(await headers(setup.chain)).toEqual(await headers(full))
  const hashes = (await headers(full)).map((bytes) => ledgerReader.header(bytes).hash)
  // The body of genesis is one that each node makes for itself; all others came from peers.
  expect((await setup.chain.blocks(hashes)).every((body) => body !== undefined)).toBe(true)
  expect(setup.net.reports).toEqual([])
})

it('hands over all pieces that came by then, up to maxAnswerBytes', async () => {
  const maxAnswerBytes = 2_500
  const setup = await newcomer({ checkpointBehind: 49, maxBlockBytes: 2_000, maxAnswerBytes })
  setup.chain.keepMs = 50
  for (const id of ['a', 'b', 'c']) join(setup, id)

  expect(await run(setup)).toMatchObject({ status: 'synced', tip: full.tip() })
  expect(setup.chain.added.toSorted((a, b) => a - b)).toEqual(Array.from({ length: PIECES }, (_, i) => i))
  const sums = setup.chain.handed.map((bytes) => bytes.reduce((sum, each) => sum + each, 0))
  expect(Math.max(...setup.chain.handed.map(({ length }) => length))).toBeGreaterThan(1)
  expect(Math.max(...sums)).toBeLessThanOrEqual(maxAnswerBytes)
})

it('takes what is true of the pieces that came at once, and asks for the others again', async () => {
  const setup = await newcomer()
  setup.chain.keepMs = 50
  join(setup, 'liar', { statePiece: (__, { piece }) => ({ piece: piece?.map((byte) => byte ^ 1) }) })
  for (const id of ['a', 'b', 'c']) join(setup, id)

  expect(await run(setup)).toMatchObject({ status: 'synced', tip: full.tip() })
  expect(setup.chain.added.toSorted((a, b) => a - b)).toEqual(Array.from({ length: PIECES }, (_, i) => i))
  expect(setup.chain.stateRoot).toBe(full.stateRoot)
  expect(setup.net.reports).toMatchObject([{ peer: 'liar', offence: 'false-piece' }])
})

const headers = (node: LedgerNode): Promise<Uint8Array[]> => node.headers(0, 100)

const lies: Record<string, (honest: StatePieceAnswer) => StatePieceAnswer> = {
  'bytes that are no piece': () => ({ piece: Uint8Array.of(1, 2, 3) }),
  'a changed piece': ({ piece }) => ({ piece: piece?.map((byte, i) => (i === piece.length - 1 ? byte ^ 1 : byte)) }),
}

it.each(Object.entries(lies))('reports %s, and takes it from somebody else', async (_, statePiece) => {
  const setup = await newcomer()
  join(setup, 'liar', { delayMs: 1, statePiece: (__, honest) => statePiece(honest) })
  join(setup, 'honest')

  expect(await run(setup)).toMatchObject({ status: 'synced', tip: full.tip() })
  expect(setup.chain.added).toHaveLength(PIECES)
  expect(setup.chain.stateRoot).toBe(full.stateRoot)
  expect(setup.net.reports).toMatchObject([{ peer: 'liar', offence: 'false-piece' }])
})

it('takes a piece of more bytes than it may hold from somebody else, and blames nobody', async () => {
  const setup = await newcomer()
  join(setup, 'long', { delayMs: 1, statePiece: () => ({ piece: new Uint8Array(5_000_000) }) })
  join(setup, 'short')

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 10, tip: full.tip() })
  expect(setup.chain.added).toHaveLength(PIECES)
  expect(setup.net.reports).toEqual([])
})

it.each([
  { whose: 'its own bounds', piece: new Uint8Array(5_000_000) },
  { whose: 'those of all', piece: undefined },
])('asks for a state in more pieces where one of them is too long by $whose', async ({ piece }) => {
  const setup = await newcomer()
  setup.chain.mayBeFiner = true
  const asked = new Set<number>()
  const statePiece: Behaviour['statePiece'] = ({ pieces }, honest) => {
    asked.add(pieces)
    return pieces > PIECES ? honest : { piece }
  }
  for (const id of ['a', 'b', 'c']) join(setup, id, { statePiece })

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 10, tip: full.tip() })
  expect(setup.chain.stateRoot).toBe(full.stateRoot)
  expect([...asked]).toEqual([PIECES, 16 * PIECES])
  expect(setup.net.reports).toEqual([])
})

it('goes on block by block where no number of pieces will do', async () => {
  const setup = await newcomer({ maxRequests: 1 })
  setup.chain.mayBeFiner = true
  const asked = new Set<number>()
  const statePiece: Behaviour['statePiece'] = ({ pieces }) => {
    asked.add(pieces)
    return { piece: undefined }
  }
  join(setup, 'a', { statePiece })

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 60, tip: full.tip() })
  expect([...asked]).toEqual([16, 256, 4_096, 65_536])
})

it('reports the piece of another place', async () => {
  const setup = await newcomer()
  const first = await full.stateReader.piece(
    { block: full.stateReader.checkpoint() ?? full.tip(), pieces: PIECES, piece: 0 },
    NOT_ABORTED,
  )
  join(setup, 'liar', { statePiece: () => ({ piece: first }) })
  join(setup, 'honest', { delayMs: 50 })

  expect(await run(setup)).toMatchObject({ status: 'synced' })
  expect(setup.chain.added).toHaveLength(PIECES)
  expect(setup.net.reports).toMatchObject([{ peer: 'liar', offence: 'false-piece' }])
})

it('goes on block by block where nobody gives the pieces', async () => {
  const setup = await newcomer()
  join(setup, 'a', { statePiece: () => ({ piece: undefined }) })

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 60, tip: full.tip() })
  expect(setup.chain.stateRoot).toBe(full.stateRoot)
  expect(setup.net.reports).toEqual([])
})

it.each([
  { trusted: full.stateReader.checkpoint(), imported: 10 },
  { trusted: { height: 50, hash: 'ff' }, imported: 60 },
])('takes only the checkpoint that is trusted: $trusted.hash', async ({ trusted, imported }) => {
  const setup = await newcomer()
  setup.chain.target.trusted = () => trusted
  join(setup, 'a')

  expect(await run(setup)).toMatchObject({ status: 'synced', imported })
})

it('does not take the checkpoint of a peer where most have another block in its place', async () => {
  const setup = await newcomer({ confirmations: 3 })
  const other = await (await (await LedgerNode.create()).grow(1)).grow(49)
  onTestFinished(() => other.close())
  setup.net.join('lonely', other, { delayMs: 5 }, other.snapshot().stateReader)
  // They have no state to give, and another block 50.
  for (const id of ['a', 'b', 'c']) setup.net.join(id, full, { delayMs: 5 })

  expect(await run(setup)).toMatchObject({ status: 'synced' })
  expect(setup.chain.added).toEqual([])
})

it('asks only for the pieces that were not kept when it was stopped in the middle', async () => {
  const setup = await newcomer({ maxRequests: 1 })
  let given = 0
  join(setup, 'a', { statePiece: (_, honest) => (given++ < 6 ? honest : { piece: undefined }) })
  // By the second time it has final blocks, and does not take a checkpoint on the word of one.
  for (const id of ['b', 'c']) setup.net.join(id, full, { delayMs: 5 })
  const first = setup.sync.sync()
  await pass(until(() => setup.chain.added.length === 6))
  await pass(setup.sync.stop())
  expect(await first).toMatchObject({ code: 'stopped' })

  given = -1_000
  setup.sync.start()
  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 10, tip: full.tip() })
  expect(setup.chain.added).toHaveLength(PIECES)
})

it('gives up the history of a peer that gives another one, as one that forks below what is final', async () => {
  const setup = await newcomer()
  const other = await (await (await LedgerNode.create()).grow(1)).grow(58)
  onTestFinished(() => other.close())
  join(setup, 'a', {
    headers: async (request, honest) =>
      request.height === undefined
        ? honest
        : { status: 'found', headers: await other.headers(request.height, request.limit) },
  })
  const failed: string[] = []
  setup.sync.addEventListener('sync:history-failed', ({ detail }) => void failed.push(detail.code))

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 10 })
  await pass(until(() => failed.length > 0))
  expect(failed).toEqual(['no-peers'])
  expect(setup.net.reports).toMatchObject([{ peer: 'a', offence: 'forks-below-finality' }])
  expect(setup.chain.history.lowest()?.height).toBe(50)
})

it('lets the history wait while it catches up', async () => {
  const setup = await newcomer({ rangeBlocks: 5 })
  join(setup, 'a', { delayMs: 500 })
  await run(setup)
  await pass(until(() => (setup.chain.history.lowest()?.height ?? 0) < 46))

  expect(setup.sync.status().phase).toBe('history')
  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 0 })
  expect(setup.chain.history.lowest()?.height).toBeGreaterThan(30)
  await pass(until(() => setup.chain.history.lowest() === undefined))
})

const NOT_ABORTED = { signal: new AbortController().signal }

/** Waits, by virtual time. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

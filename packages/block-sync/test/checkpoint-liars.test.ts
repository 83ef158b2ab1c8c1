import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { StateTarget } from '../src/index.ts'
import { LedgerNode, ledgerReader } from './ledger-node.ts'
import { type Behaviour, ModelNet } from './model-net.ts'
import { run, setUp, type Setup, useVirtualTime } from './support.ts'

beforeEach(useVirtualTime)

/** What all honest nodes have: 60 blocks, and the state after the 50th. */
const full = await (await (await LedgerNode.create()).grow(50)).snapshot().grow(10)
/** Another branch, which gives a state above their tips. */
const forged = (await (await (await LedgerNode.create()).grow(1)).grow(79)).snapshot()

/** A node that has some of the blocks that are final for everybody. */
async function nodeAt(height: number): Promise<Setup<LedgerNode>> {
  const chain = await LedgerNode.create()
  onTestFinished(() => chain.close())
  const headers = height === 0 ? [] : await full.headers(1, height)
  const blocks = await full.blocks(headers.map((bytes) => ledgerReader.header(bytes).hash))
  for (const block of blocks) await chain.importBlock(block ?? new Uint8Array())
  const more = { reader: ledgerReader, state: chain.target, history: chain.history }
  return setUp(chain, { checkpointBehind: 20 }, more, new ModelNet(ledgerReader))
}

const NEVER = { signal: new AbortController().signal }
const honest = ({ net }: Setup<LedgerNode>, ...ids: string[]): void => {
  for (const id of ids) net.join(id, full, { delayMs: 5 }, full.stateReader)
}
const liars = ({ net }: Setup<LedgerNode>, behaviour: Behaviour, ...ids: string[]): void => {
  for (const id of ids) net.join(id, forged, { delayMs: 1, ...behaviour }, forged.stateReader)
}

/** Has whatever it is asked for by height below the honest tips, as if it were on their branch. */
const pretending: Behaviour = {
  headers: async (request, own) =>
    request.height === undefined || request.height > 60
      ? own
      : { status: 'found', headers: await full.headers(request.height, request.limit) },
}

describe('a checkpoint above the tips of all but those who claim it', () => {
  it('is not taken of one peer while honest ones are there, whose checkpoint is', async () => {
    const setup = await nodeAt(0)
    liars(setup, {}, 'liar')
    honest(setup, 'a', 'b', 'c')

    expect(await run(setup)).toMatchObject({ status: 'synced', tip: full.tip(), imported: 10 })
    expect(setup.chain.stateRoot).toBe(full.stateRoot)
  })

  it('is taken where those who claim it are all there are: then it is their word', async () => {
    const setup = await nodeAt(0)
    liars(setup, {}, 'only')

    expect(await run(setup)).toMatchObject({ status: 'synced', tip: forged.tip(), imported: 0 })
  })
})

describe('a node that has final blocks', () => {
  it('takes no checkpoint of peers that have another block in the place of its newest final one', async () => {
    const setup = await nodeAt(30)
    liars(setup, {}, 'l1', 'l2', 'l3')

    expect(await run(setup)).toMatchObject({ status: 'failed', tip: { height: 30 } })
    expect(setup.chain.added).toEqual([])
  })

  it.each([
    { lying: ['l1'], telling: [] },
    { lying: ['l1', 'l2'], telling: ['a'] },
    { lying: ['l1', 'l2', 'l3'], telling: ['a', 'b', 'c'] },
  ])('takes none that fewer than 3, or no more than half of all, confirm: $lying among $telling', async (peers) => {
    const setup = await nodeAt(30)
    liars(setup, pretending, ...peers.lying)
    // They are not ahead, as in a network that is in sync: so nobody has a block at the height that is claimed.
    for (const id of peers.telling) setup.net.join(id, await atThirty, { delayMs: 5 })

    await run(setup)
    expect(setup.chain.added).toEqual([])
    expect(setup.chain.tip()).toEqual((await atThirty).tip())
  })

  it('takes the one that most of its peers have, and that has its final block below it', async () => {
    const setup = await nodeAt(20)
    liars(setup, pretending, 'liar')
    honest(setup, 'a', 'b', 'c')

    expect(await run(setup)).toMatchObject({ status: 'synced', tip: full.tip(), imported: 10 })
  })

  it('asks a peer for its final block once in a run, and nobody where all of them would not be enough', async () => {
    const setup = await nodeAt(30)
    const heights: number[] = []
    const headers: Behaviour['headers'] = (request, own) => {
      if (request.height !== undefined) heights.push(request.height)
      return own
    }
    liars(setup, { headers }, 'l1', 'l2')
    await run(setup)
    // Not for what is claimed; only whether its branch may be followed.
    expect(heights.filter((height) => height > 30)).toEqual([])
  })
})

describe('a checkpoint that the chain does not take', () => {
  const failing: Record<string, (target: StateTarget) => StateTarget['begin']> = {
    'throws when it begins': () => () => Promise.reject(new RangeError('no such height')),
    'throws at the end': (target) => async (block) => ({
      ...(await target.begin(block, NEVER)),
      finish: () => Promise.reject(new RangeError('no authorities')),
    }),
  }

  it.each(Object.entries(failing))('is left aside where it %s, and the blocks are taken', async (_, of) => {
    const setup = await nodeAt(0)
    setup.chain.target.begin = of({ ...setup.chain.target })
    honest(setup, 'a', 'b', 'c')

    expect(await run(setup)).toMatchObject({ status: 'synced', tip: full.tip(), imported: 60 })
    expect(setup.net.reports).toEqual([])
  })

  it('ends the run where that takes too long: it may come true yet', async () => {
    const setup = await nodeAt(0)
    setup.chain.target.begin = () => new Promise(() => {})
    honest(setup, 'a', 'b', 'c')

    expect(await run(setup)).toMatchObject({ status: 'failed', code: 'chain-failed' })
  })
})

/** What is final here too, and no more. */
const atThirty = (async () => {
  const chain = await LedgerNode.create()
  const blocks = await full.blocks((await full.headers(1, 30)).map((bytes) => ledgerReader.header(bytes).hash))
  for (const block of blocks) await chain.importBlock(block ?? new Uint8Array())
  return chain
})()

it('counts nobody for a checkpoint who has it and another block in the place of our newest final one', async () => {
  const setup = await nodeAt(30)
  liars(setup, pretending, 'l1')
  // Two of its branch, who do not claim the checkpoint, and say what they have.
  for (const id of ['l2', 'l3']) setup.net.join(id, forged)

  await run(setup)
  expect(setup.chain.added).toEqual([])
  expect(setup.chain.tip().height).toBe(30)
})

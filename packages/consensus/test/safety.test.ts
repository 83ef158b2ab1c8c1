// Votes and finality alone, without engine, clock or fork choice: authorities build on whatever block they are told to,
// as messages that come late, twice or never might have it, and keep to nothing but their commitments.
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ChainTip } from '@gridmesh/interfaces'
import { AuthoritySet } from '../src/poa/authority-set.ts'
import type { Quorum } from '../src/poa/options.ts'
import { firstStanding, nextStanding, type PoaStanding } from '../src/poa/standing.ts'
import { type Commitment, lockFor } from '../src/poa/votes.ts'
import { addressesOf, GENESIS } from './blocks.ts'

const EVERYBODY = addressesOf(8)

interface Block {
  tip: ChainTip
  parent: Block | undefined
  standing: PoaStanding
  /** Who makes the blocks after it. */
  authorities: readonly string[]
  /** The newest block of its branch that changed them, and who they were before. */
  changedAt: number
  former: readonly string[]
}

/** One step: build on a branch, in turn where that is allowed, or begin a branch a few blocks below another. */
interface Step {
  branch: number
  forkBelow: number | undefined
  wantsVote: boolean
  /** Takes that authority in, or out where it is one, if no such change is under way on the branch. */
  changes?: number | undefined
}

interface World {
  size: number
  quorum: Quorum
  /** Numbers of authorities that keep to no commitment. */
  hostile: readonly number[]
  steps: readonly Step[]
}

type MayVote = typeof lockFor

/** Those before a change that is not final yet. */
const formerOf = ({ standing, changedAt, former }: Block): readonly string[] | undefined =>
  changedAt > standing.final ? former : undefined

const ancestor = (block: Block, height: number): Block | undefined => {
  let at: Block | undefined = block
  while (at !== undefined && at.tip.height > height) at = at.parent
  return at
}

/** Who comes after a block, where one change is allowed at a time and somebody has to be left. */
function changed(parent: Block, who: number | undefined): readonly string[] {
  const { authorities } = parent
  if (who === undefined || parent.changedAt > parent.standing.final) return authorities
  const address = EVERYBODY[who] ?? ''
  const others = authorities.filter((each) => each !== address)
  if (others.length < authorities.length) return others.length === 0 ? authorities : others
  return [...authorities, address]
}

/** Plays the steps, and gives the first two final blocks that are not of one branch. */
async function play(
  { size, quorum, hostile, steps }: World,
  mayVote: MayVote,
  formerIn: typeof formerOf = formerOf,
): Promise<string | undefined> {
  const genesis: Block = {
    tip: GENESIS,
    parent: undefined,
    standing: firstStanding(GENESIS),
    authorities: EVERYBODY.slice(0, size),
    changedAt: 0,
    former: [],
  }
  const branches = [genesis, genesis, genesis]
  const commitments = new Map<string, Commitment>()
  let newestFinal = genesis
  for (const [index, { branch, forkBelow, wantsVote, changes }] of steps.entries()) {
    const from = branches[branch] ?? genesis
    const parent = forkBelow === undefined ? from : (ancestor(from, from.tip.height - forkBelow) ?? genesis)
    const height = parent.tip.height + 1
    const tip = { height, hash: `${index}` }
    const { authorities } = parent
    const set = AuthoritySet.of(authorities)
    const proposer = set.inTurn(height)
    const head = { header: { ...GENESIS, ...parent.tip }, standing: parent.standing, authorities }
    const hashAt = async (at: number): Promise<string | undefined> => Promise.resolve(ancestor(parent, at)?.tip.hash)
    const isHostile = hostile.includes(EVERYBODY.indexOf(proposer))
    const lock = await mayVote(commitments.get(proposer) ?? {}, head, hashAt)
    const isVote = wantsVote && (isHostile || lock !== undefined)
    if (isVote && lock !== undefined) commitments.set(proposer, { vote: tip, lock })
    const before = formerIn(parent)
    const former = before === undefined ? undefined : AuthoritySet.of(before)
    const electorate = { set, former, kind: quorum }
    const after = changed(parent, changes)
    const block: Block = {
      tip,
      parent,
      standing: nextStanding(parent.standing, { height, proposer }, isVote, electorate),
      authorities: after,
      ...(after === authorities
        ? { changedAt: parent.changedAt, former: parent.former }
        : { changedAt: height, former: authorities }),
    }
    branches[forkBelow === undefined ? branch : (branch + 1) % branches.length] = block
    const final = ancestor(block, block.standing.final) ?? genesis
    const [low, high] = final.tip.height < newestFinal.tip.height ? [final, newestFinal] : [newestFinal, final]
    if (ancestor(high, low.tip.height) !== low) return `${low.tip.hash} and ${high.tip.hash}`
    newestFinal = high
  }
  return undefined
}

const anyStep: fc.Arbitrary<Step> = fc.record({
  branch: fc.nat(2),
  forkBelow: fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(6) }),
  wantsVote: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
})
const changingStep: fc.Arbitrary<Step> = fc.record({
  branch: fc.nat(2),
  forkBelow: fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(6) }),
  wantsVote: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  changes: fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(7) }),
})
const worlds = (
  sizes: [number, number],
  quorum: Quorum,
  hostileShare: number,
  step: fc.Arbitrary<Step> = anyStep,
): fc.Arbitrary<World> =>
  fc.integer({ min: sizes[0], max: sizes[1] }).chain((size) =>
    fc.record({
      size: fc.constant(size),
      quorum: fc.constant(quorum),
      hostile: fc.uniqueArray(fc.nat(size - 1), { maxLength: Math.max(0, Math.ceil(size * hostileShare) - 1) }),
      steps: fc.array(step, { minLength: 60, maxLength: 250, size: 'max' }),
    }),
  )

// A campaign: RUNS=10000 npx vitest run --project unit packages/consensus/test/safety.test.ts
const RUNS = { numRuns: Number(process.env['RUNS'] ?? 400) }

it('never has two final blocks on different branches while authorities only crash and stray, by majority', async () => {
  await fc.assert(
    fc.asyncProperty(worlds([1, 5], 'majority', 0), async (world) => {
      expect(await play(world, lockFor)).toBeUndefined()
    }),
    RUNS,
  )
})

it('never has two final blocks on different branches while less than a third is hostile, by two thirds', async () => {
  await fc.assert(
    fc.asyncProperty(worlds([4, 7], 'two-thirds', 1 / 3), async (world) => {
      expect(await play(world, lockFor)).toBeUndefined()
    }),
    RUNS,
  )
})

it('never has two final blocks on different branches however authorities come and go, one at a time, by majority', async () => {
  await fc.assert(
    fc.asyncProperty(worlds([1, 5], 'majority', 0, changingStep), async (world) => {
      expect(await play(world, lockFor)).toBeUndefined()
    }),
    RUNS,
  )
})

it('finds two final blocks where a quorum of the new authorities alone makes their change final', async () => {
  const found = await fc.check(
    fc.asyncProperty(worlds([2, 4], 'majority', 0, changingStep), async (world) => {
      return (await play(world, lockFor, () => undefined)) === undefined
    }),
    { seed: 1, numRuns: 20_000, endOnFailure: true },
  )
  expect(found.failed).toBe(true)
})

/** Steps on one branch: a vote for each `v`. */
const stepsOf = (branch: number, votes: string): Step[] =>
  Array.from(votes, (vote) => ({ branch, forkBelow: undefined, wantsVote: vote === 'v' }))

it('finalises nothing by one authority that stayed, while the two others go on elsewhere, as the rule lets them', async () => {
  // Block 1 is certified by 2 and 3, and 4 and 7 are of the third authority. The others vote from height 11 on.
  const steps = [...stepsOf(0, '.vvv..v'), ...stepsOf(1, '..........vv.vv')]
  expect(await play({ size: 3, quorum: 'majority', hostile: [], steps }, lockFor)).toBeUndefined()
})

// The same search without half of the rule: what it finds is what the rule is for.
const lawless: [string, MayVote][] = [
  ['no window', async ({ lock }, head, hashAt) => lockFor(lock === undefined ? {} : { lock }, head, hashAt)],
  ['no lock', async ({ vote }, head, hashAt) => lockFor(vote === undefined ? {} : { vote }, head, hashAt)],
]

it.each(lawless)('finds two final blocks where an authority keeps %s', async (_, mayVote) => {
  const found = await fc.check(
    fc.asyncProperty(worlds([1, 3], 'majority', 0), async (world) => (await play(world, mayVote)) === undefined),
    { seed: 1, numRuns: 20_000, endOnFailure: true },
  )
  expect(found.failed).toBe(true)
})

import { LANES } from '@gridmesh/interfaces'
import * as fc from 'fast-check'
import { type ModelTransaction, transaction } from './model-chain.ts'

const SENDERS = ['ann', 'bob', 'cem']
export const GENESIS = Array.from({ length: 6 }, (_, i) => `g${i}`)

/** A transaction of what is at hand, whether or not it will do. */
export interface Draft {
  sender: number
  /** Against the number that the sender would have next, if all drafts before were applied. */
  nonce: number | undefined
  /** Which of the keys of the drafts before, newest first, and of the genesis. */
  spends: readonly number[]
  makes: number
  lane: number
  owner: number
  padding: number
  isSigned: boolean
  mayMake: number
  /** Against the number that would be next in its series. */
  series: number | undefined
}

/** Of those that have a place in whatever order they come. */
export const plainDraft: fc.Arbitrary<Draft> = fc.record({
  sender: fc.nat(SENDERS.length - 1),
  nonce: fc.constantFrom(undefined, undefined, undefined, 0, 0, 0, 0, -1, 1),
  spends: fc.uniqueArray(fc.oneof(fc.nat(3), fc.nat(20)), { maxLength: 2 }),
  makes: fc.nat(2),
  lane: fc.nat(LANES.length - 1),
  // Mostly anyone.
  owner: fc.nat(SENDERS.length * 6),
  padding: fc.constantFrom(0, 0, 20, 60),
  isSigned: fc.integer({ min: 0, max: 19 }).map((n) => n > 0),
  mayMake: fc.constant(0),
  series: fc.constant(undefined),
})

export const draft: fc.Arbitrary<Draft> = fc
  .record({
    plain: plainDraft,
    mayMake: fc.constantFrom(0, 0, 1),
    series: fc.constantFrom(undefined, undefined, undefined, 1, 1, 1, 2, 0),
  })
  .map(({ plain, mayMake, series }) => Object.assign(plain, { mayMake, series }))

/** Three of which each spends what the one before made, the second what the first perhaps made. */
const line: fc.Arbitrary<Draft[]> = fc.tuple(plainDraft, plainDraft, plainDraft).map(([first, second, third]) => [
  { ...first, owner: SENDERS.length, makes: 0, mayMake: 1 },
  { ...second, owner: SENDERS.length, makes: 1, spends: [0] },
  { ...third, spends: [0] },
])

/** Up to 30, and some lines among them. */
export const manyDrafts: fc.Arbitrary<Draft[]> = fc
  .array(fc.oneof({ weight: 9, arbitrary: draft.map((one) => [one]) }, { weight: 1, arbitrary: line }), {
    minLength: 1,
    maxLength: 24,
  })
  .map((groups) => groups.flat().slice(0, 30))

/** Each with a nonce or a key, for what has neither can be applied twice; and no two alike. */
export function write(drafts: readonly Draft[]): ModelTransaction[] {
  const keys = [...GENESIS]
  const next = new Map<number, number>()
  let last = 0
  return drafts.map((one, index) => {
    const spends = [...new Set(one.spends.map((n) => keys[n % keys.length] ?? 'g0'))]
    const count = next.get(one.sender) ?? 0
    if (one.nonce !== undefined) next.set(one.sender, count + (one.nonce < 0 ? 0 : 1))
    if (one.series !== undefined) last += one.series
    const written = transaction({
      sender: SENDERS[one.sender],
      nonce: one.nonce === undefined ? undefined : Math.max(0, count + one.nonce),
      spends: one.nonce === undefined && spends.length === 0 ? [keys[0] ?? 'g0'] : spends,
      makes: one.makes,
      lane: LANES[one.lane],
      owner: SENDERS[one.owner],
      padding: `${index}${'x'.repeat(one.padding)}`,
      isSigned: one.isSigned,
      mayMake: one.mayMake,
      series: one.series === undefined ? undefined : { name: 'meter', number: last },
    })
    keys.unshift(...written.makes, ...(written.mayMake ?? []))
    return written
  })
}

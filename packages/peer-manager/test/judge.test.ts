import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type JudgeContext, judge, type Subject } from '../src/judge.ts'

const LIMITS = { minPeers: 3, disconnectReputation: -20, banReputation: -50 }

const subjects = fc
  .uniqueArray(
    fc.record({
      reputation: fc.integer({ min: -100, max: 100 }),
      proven: fc.integer({ min: -100, max: 0 }),
      isLink: fc.boolean(),
    }),
    {
      selector: ({ reputation, proven }) => `${reputation}/${proven}`,
      maxLength: 20,
    },
  )
  .map((list): Subject[] =>
    list.map(({ reputation, proven, isLink }, index) => ({
      key: `p${index}`,
      reputation,
      provenReputation: proven,
      isLink,
    })),
  )

function context(list: readonly Subject[], others: number): JudgeContext {
  return { ...LIMITS, links: list.filter(({ isLink }) => isLink).length + others }
}

function slow(key: string, reputation: number, isLink = true): Subject {
  return { key, reputation, provenReputation: 0, isLink }
}

function verdict(reputation: number): string | undefined {
  return judge([slow('a', reputation)], { ...LIMITS, links: 4 })[0]?.action
}

it('gives the same sentences in any order of the subjects', () => {
  const shuffled = subjects.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
  )
  fc.assert(
    fc.property(shuffled, fc.nat(5), ([list, other], others) => {
      expect(judge(other, context(other, others))).toEqual(judge(list, context(list, others)))
    }),
  )
})

it('never takes links below minPeers but for what is proved', () => {
  fc.assert(
    fc.property(subjects, fc.nat(5), (list, others) => {
      const start = context(list, others)
      let { links } = start
      for (const { key } of judge(list, start)) {
        const subject = list.find((one) => one.key === key)
        const isProved = (subject?.provenReputation ?? 0) <= LIMITS.disconnectReputation
        expect(subject?.isLink === true && !isProved && links <= LIMITS.minPeers).toBe(false)
        if (subject?.isLink === true) links--
      }
    }),
  )
})

it('disconnects at the limit and not above it, bans at the other', () => {
  expect(verdict(-19.999)).toBeUndefined()
  expect(verdict(-20)).toBe('disconnect')
  expect(verdict(-49.999)).toBe('disconnect')
  expect(verdict(-50)).toBe('ban')
})

it('drops the worst of the slow only, as many as the floor allows', () => {
  const list = [slow('a', -30), slow('b', -90), slow('c', -25), slow('d', -40)]
  expect(judge(list, { ...LIMITS, links: 5 })).toEqual([
    { key: 'b', action: 'ban', isProvenOnly: false },
    { key: 'd', action: 'disconnect', isProvenOnly: false },
  ])
})

it('takes the last link of a peer that is proved false', () => {
  const liar: Subject = { key: 'liar', reputation: -100, provenReputation: -100, isLink: true }
  expect(judge([liar], { ...LIMITS, links: 1 })).toEqual([{ key: 'liar', action: 'ban', isProvenOnly: true }])
})

it('counts only the proved part below the floor', () => {
  const mixed: Subject = { key: 'm', reputation: -80, provenReputation: -25, isLink: true }
  expect(judge([mixed], { ...LIMITS, links: 3 })).toEqual([{ key: 'm', action: 'disconnect', isProvenOnly: true }])
  expect(judge([mixed], { ...LIMITS, links: 4 })).toEqual([{ key: 'm', action: 'ban', isProvenOnly: false }])
})

it('spares below the floor whom it would spare above it: praise counts in both', () => {
  const useful: Subject = { key: 'u', reputation: 40, provenReputation: -60, isLink: true }
  expect(judge([useful], { ...LIMITS, links: 1 })).toEqual([])
})

import { type HeaderFacts, type PoaStanding, poaRules } from '@gridmesh/consensus'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { at, RULES } from './chains.ts'

const rules = poaRules(RULES)

/** Whose block each height is, by rank from whose turn it is, and how late it comes. */
const steps = fc.array(
  fc.record({
    rank: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(6) }),
    isLate: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  }),
  { minLength: 2, maxLength: 60 },
)

const genesis: HeaderFacts = { height: 0, hash: '00', parent: '', timeMs: 0, proposer: '' }

it('makes final, from any block that is final by definition on, what is final to one who began at genesis', () => {
  let compared = 0
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7 }), steps, fc.nat(), (size, chain, where) => {
      const authorities = Array.from({ length: size }, (_, i) => `a${i}`)
      const start = where % chain.length
      const headers: HeaderFacts[] = [genesis]
      const whole: PoaStanding[] = [rules.begin(genesis)]
      const part: (PoaStanding | undefined)[] = []
      const judge = (standing: PoaStanding, header: HeaderFacts): PoaStanding => {
        const judgement = rules.judge({ header, parent: at(headers, header.height - 1), standing, authorities })
        if (judgement.status === 'refused') throw new RangeError(judgement.message)
        return judgement.standing
      }
      for (const [i, { rank, isLate }] of chain.entries()) {
        const [height, parent] = [i + 1, at(headers, i)]
        const timeMs = parent.timeMs + (isLate ? 60_000 : RULES.minIntervalMs + (rank % size) * RULES.fallbackMs)
        const proposer = at(authorities, (height + rank) % size)
        const header = { height, hash: `${height}`, parent: parent.hash, timeMs, proposer }
        headers.push(header)
        whole.push(judge(at(whole, i), header))
        const before = part.at(-1)
        part.push(height === start ? rules.begin(header) : before === undefined ? undefined : judge(before, header))
      }
      for (const [i, standing] of part.entries()) {
        if (standing === undefined) continue
        const { final, certified } = at(whole, i + 1)
        expect(standing.final).toBe(Math.max(start, final))
        expect(standing.certified).toBe(Math.max(start, certified))
        if (final > start) compared++
      }
    }),
    // So many that chance leaves enough to compare.
    { numRuns: 900 },
  )
  expect(compared).toBeGreaterThan(100)
})

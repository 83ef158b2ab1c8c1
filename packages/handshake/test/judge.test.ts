import type { Reason } from '@gridmesh/interfaces'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { judge, settle, type Judgement } from '../src/judge.ts'
import { REFUSAL_CODES } from '../src/reasons.ts'
import { hellos, reasons } from './arbitraries.ts'
import { makeHello } from './helpers.ts'

/** A judgement without the words, which name each side's own. */
function gist(judgement: Judgement): unknown {
  return judgement.ok ? judgement : judgement.reason.code
}

function reason(code: string): Reason {
  return { code, message: '' }
}

it('reaches the same verdict from both sides of any two Hellos', () => {
  fc.assert(
    fc.property(hellos, hellos, fc.constantFrom(10_000, 30_000, 2_000_000), (a, b, maxClockSkewMs) => {
      const [ofA, ofB] = [judge(a, b, { maxClockSkewMs }), judge(b, a, { maxClockSkewMs })]
      expect(gist(ofB)).toEqual(gist(ofA))
    }),
  )
})

it('agrees only on a version and capabilities that both sides named', () => {
  fc.assert(
    fc.property(hellos, hellos, (a, b) => {
      const judgement = judge(a, b)
      if (!judgement.ok) return
      for (const { protocol, capabilities } of [a, b]) {
        expect(judgement.version).toBeGreaterThanOrEqual(protocol.min)
        expect(judgement.version).toBeLessThanOrEqual(protocol.max)
        expect(capabilities).toEqual(expect.arrayContaining([...judgement.capabilities]))
      }
    }),
  )
})

it('picks the highest common version', () => {
  const judgement = judge(makeHello({ protocol: { min: 1, max: 4 } }), makeHello({ protocol: { min: 3, max: 9 } }))
  expect(judgement).toEqual({ ok: true, version: 4, capabilities: [] })
})

it.each([
  ['wrong-chain', { chainId: 'other' }, 'chain id "other" came, "test" was expected'],
  ['wrong-genesis', { genesisHash: 'ff' }, 'genesis hash "ff" came, '],
  ['no-common-version', { protocol: { min: 2, max: 3 } }, 'versions 2 to 3 came, 1 to 1 were expected'],
  ['clock-skew', { timeMs: 30_001 }, 'the clocks are 30001 ms apart, at most 30000 ms was expected'],
])('refuses with %s and says what came and what was expected', (code, theirs, message) => {
  const judgement = judge(makeHello({ timeMs: 0 }), makeHello({ timeMs: 0, ...theirs }))
  expect(judgement).toMatchObject({ ok: false, reason: { code, message: expect.stringContaining(message) } })
})

it('names the limit of a clock that is off, and takes one that is off by just that', () => {
  const ours = makeHello({ timeMs: 50_000 })
  expect(judge(ours, makeHello({ timeMs: 60_000 }), { maxClockSkewMs: 10_000 }).ok).toBe(true)
  const judgement = judge(ours, makeHello({ timeMs: 60_001 }), { maxClockSkewMs: 10_000 })
  expect(judgement).toMatchObject({ reason: { limit: 'maxClockSkewMs', value: 10_000 } })
})

it('settles on the same code on both sides, whoever refuses, and on none when nobody does', () => {
  const verdicts = fc.option(reasons, { nil: undefined })
  fc.assert(
    fc.property(verdicts, verdicts, (a, b) => {
      const [ofA, ofB] = [settle(a, b), settle(b, a)]
      expect(ofA?.reason.code).toBe(ofB?.reason.code)
      expect(ofA == null).toBe(a == null && b == null)
    }),
  )
})

it('lets the earlier of two known codes stand, and any known one before an unknown one', () => {
  for (const [i, code] of REFUSAL_CODES.entries()) {
    expect(settle(reason('aaa'), reason(code))).toEqual({ reason: reason(code), by: 'them' })
    for (const later of REFUSAL_CODES.slice(i + 1)) {
      expect(settle(reason(code), reason(later))).toEqual({ reason: reason(code), by: 'us' })
    }
  }
})

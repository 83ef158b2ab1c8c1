import { MAX_INPUTS, MAX_OUTPUTS, type Output } from '@gridmesh/ledger'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MAX_PICKED, payFrom, pick } from '../../src/cli/payment.ts'

const [to, from] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]

const largestFirst = fc
  .array(fc.record({ amount: fc.integer({ min: 1, max: 1_000 }), zone: fc.nat(3) }), { minLength: 1, maxLength: 30 })
  .map((rows) =>
    rows
      .toSorted((a, b) => b.amount - a.amount)
      .map(({ amount, zone }, i) => ({ amount, zone, id: i.toString(16).padStart(68, '0') })),
  )

const sumOf = (rows: readonly { amount: number }[]): number => rows.reduce((sum, { amount }) => sum + amount, 0)
const of = (rows: readonly Output[], owner: Uint8Array): Output[] => rows.filter((row) => row.owner === owner)

it('pays what is asked, gives back the rest in its zone, and spends no output that it need not', () => {
  fc.assert(
    fc.property(largestFirst, fc.nat(), fc.option(fc.nat(3), { nil: undefined }), (outputs, seed, zone) => {
      const amount = 1 + (seed % sumOf(outputs))
      const picked = pick(outputs, amount, 'x')
      const { inputs, outputs: made } = payFrom(picked, { asset: 'thb', amount, to, from, zone })
      expect(inputs.map((id) => Buffer.from(id).toString('hex'))).toEqual(picked.map(({ id }) => id))
      expect(sumOf(made)).toBe(sumOf(picked))
      expect(sumOf(of(made, to))).toBe(amount)
      expect(sumOf(picked) - amount).toBeLessThan(picked.at(-1)?.amount ?? 0)
      expect(made.every((row) => row.amount > 0 && row.asset === 'thb')).toBe(true)
      expect(of(made, from).length).toBeLessThanOrEqual(1)
      for (const { zone: at } of of(made, from)) expect(at).toBe(picked.at(-1)?.zone)
      const inZone = (rows: readonly { amount: number; zone: number }[], number: number): number =>
        sumOf(rows.filter((row) => row.zone === number))
      // Without a zone that is named, none gains and none loses.
      const isKept = [0, 1, 2, 3].every((number) => inZone(made, number) === inZone(picked, number))
      expect(zone === undefined ? isKept : of(made, to).every((row) => row.zone === zone)).toBe(true)
      expect(zone === undefined || of(made, to).length === 1).toBe(true)
    }),
  )
})

it('names what there is and what was asked where it is too little', () => {
  const outputs = [{ id: '00', amount: 5, zone: 0 }]
  expect(() => pick(outputs, 6, 'abc')).toThrow('abc can spend 5, where 6 are to be paid')
  expect(() => pick([], 1, 'abc')).toThrow('abc can spend 0')
  expect(pick(outputs, 5, 'abc')).toEqual(outputs)
  // And no more than that, where it is just enough.
  expect(pick([...outputs, { id: '01', amount: 3, zone: 0 }], 5, 'abc')).toEqual(outputs)
})

it('stays within what one transaction can hold, and says so where more outputs would be needed', () => {
  const many = Array.from({ length: MAX_PICKED + 1 }, (_, zone) => ({
    id: zone.toString(16).padStart(68, '0'),
    amount: 2,
    zone,
  }))
  const amount = 2 * MAX_PICKED - 1
  const body = payFrom(pick(many, amount, 'x'), { asset: 'rec', amount, to, from })
  expect(body.inputs.length).toBe(MAX_PICKED)
  expect(body.inputs.length).toBeLessThanOrEqual(MAX_INPUTS)
  expect(body.outputs.length).toBe(MAX_OUTPUTS)
  expect(() => pick(many, 2 * MAX_PICKED + 1, 'x')).toThrow('pay in parts')
})

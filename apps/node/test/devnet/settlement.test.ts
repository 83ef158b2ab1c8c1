import {
  addressOf,
  applyTransaction,
  audit,
  buildGenesis,
  defaultRegistry,
  type Genesis,
  HASH_BYTES,
  MemoryState,
  meters,
  outputId,
  outputs,
  Overlay,
  signerOf,
  toHex,
  type Transaction,
} from '@gridmesh/ledger'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { match } from '../../src/devnet/day/match.ts'
import { gridOf, MEMBERS } from '../../src/devnet/day/members.ts'
import { Settlement } from '../../src/devnet/day/settlement.ts'
import { Trader } from '../../src/devnet/day/trader.ts'
import { ZONES } from '../../src/devnet/plan.ts'
import type { Reading } from '../../src/devnet/sample-day.ts'

const AUTHORITY = signerOf(new Uint8Array(32).fill(255))
/** The grids, and three members of each of two zones. */
const members = [
  ...MEMBERS.filter(({ name }) => name.startsWith('grid-')),
  ...['north', 'south'].flatMap((zone) => MEMBERS.filter((member) => member.zone === zone).slice(0, 3)),
].map(({ name, zone }, index) => {
  const signer = signerOf(new Uint8Array(32).fill(index + 1))
  return { name, zone, signer, address: addressOf(signer.publicKey) }
})
const traded = members.filter(({ name }) => !name.startsWith('grid-'))

/** A chain of those members, with `thb` for each, to which transactions are applied in turn. */
function world(thb = 1_000_000_000) {
  const owned = members.map(({ name, zone, address: owner }) => ({ name, zone: ZONES.indexOf(zone), owner }))
  const genesis: Genesis = {
    name: 'day',
    timeMs: 0,
    zones: ZONES.map((name, zone) => ({ zone, name })),
    authorities: [{ publicKey: AUTHORITY.publicKey, zones: [] }],
    validators: [],
    meters: owned,
    tender: owned.map(({ zone, owner }) => ({ amount: thb, zone, owner })),
  }
  const { changes, chainId } = buildGenesis(genesis)
  const state = new MemoryState()
  state.apply(changes)
  const traders = new Map(members.map((member) => [member.name, new Trader(member, ZONES.indexOf(member.zone))]))
  for (const [index, { amount, zone }] of genesis.tender.entries()) {
    traders.get(at(members, index).name)?.thb.put({ id: outputId(new Uint8Array(HASH_BYTES), index), amount, zone })
  }
  const settlement = new Settlement({ traders, authority: AUTHORITY, chainId, nowMs: () => 1 })
  const apply = (transactions: readonly Transaction[]): void => {
    for (const transaction of transactions) {
      const step = new Overlay(state)
      expect(applyTransaction(transaction, step, { height: 1, timeMs: 1 }, defaultRegistry)).toBeUndefined()
      state.apply(step.changes())
    }
  }
  return { settlement, traders, state, apply }
}

function at<T>(rows: readonly T[], index: number): T {
  const row = rows[index]
  if (row === undefined) throw new RangeError(`no row ${index}`)
  return row
}

function reading(meter: string, productionWh: number, consumptionWh: number): Reading {
  return { interval: 0, meter, kind: 'solar', zone: 'north', productionWh, consumptionWh }
}

function sum(rows: readonly { wh: number }[]): number {
  return rows.reduce((total, row) => total + row.wh, 0)
}

const wh = fc.integer({ min: 0, max: 5_000 })
const interval: fc.Arbitrary<Reading[]> = fc
  .tuple(...traded.map(() => fc.record({ productionWh: wh, consumptionWh: wh })))
  .map((rows) =>
    rows.map((row, index) => {
      const { name, zone } = at(traded, index)
      return { interval: 0, meter: name, kind: 'household', zone, ...row }
    }),
  )

it('makes of any day transactions that all apply in their order, and knows what each member has in the end', () => {
  fc.assert(
    fc.property(fc.array(interval, { minLength: 1, maxLength: 6 }), (day) => {
      const { settlement, traders, state, apply } = world()
      apply(settlement.certify([], day[0] ?? []))
      for (const [place, readings] of day.entries()) {
        apply(settlement.trade(readings))
        apply(settlement.certify(readings, day[place + 1] ?? []))
      }

      const entries = [...state.entries()]
      expect(audit(entries).isExact).toBe(true)
      const held = new Map<string, number>()
      for (const [key, value] of entries) {
        if (!outputs.owns(key)) continue
        const { owner, asset, amount } = outputs.parse(value)
        const place = `${toHex(owner)} ${asset}`
        held.set(place, (held.get(place) ?? 0) + amount)
      }
      for (const { address, energy, thb, name } of traders.values()) {
        const of = (asset: string): number => held.get(`${toHex(address)} ${asset}`) ?? 0
        expect({ name, energy: energy.total, thb: thb.total }).toEqual({ name, energy: of('energy'), thb: of('thb') })
      }
      for (const { name } of traded) {
        const counted = day.flat().filter(({ meter }) => meter === name)
        expect(meters.get(state, name)).toMatchObject({
          producedWh: sum(counted.map(({ productionWh }) => ({ wh: productionWh }))),
          consumedWh: sum(counted.map(({ consumptionWh }) => ({ wh: consumptionWh }))),
        })
      }
    }),
    { numRuns: 30 },
  )
})

it('has the grid feed in exactly what a zone lacks, and buys of members first', () => {
  const { settlement, traders, apply } = world()
  const [seller, buyer] = [at(traded, 0).name, at(traded, 1).name]
  const sunny = [reading(seller, 700, 0)]
  const dark = [reading(buyer, 0, 1_000)]
  apply(settlement.certify(sunny, dark))
  expect(traders.get(gridOf('north'))?.energy.total).toBe(300)
  apply(settlement.trade(dark))
  expect(traders.get(gridOf('north'))?.energy.total).toBe(0)
  expect(traders.get(seller)?.energy.total).toBe(0)
  expect(traders.get(buyer)?.energy.total).toBe(1_000)
})

it('does not pay what a member does not have', () => {
  const { settlement, apply } = world(1)
  const dark = [reading(at(traded, 0).name, 0, 9_000)]
  apply(settlement.certify([], dark))
  expect(() => settlement.trade(dark)).toThrow(expect.objectContaining({ name: 'InsufficientFundsError' }))
})

it('names a meter that the devnet does not have', () => {
  const { settlement } = world()
  expect(() => settlement.trade([reading('moon', 1, 0)])).toThrow(
    expect.objectContaining({ name: 'UnknownMeterError' }),
  )
})

it('fills as much as both sides allow, in their order, and no more', () => {
  const quantities = fc.array(fc.integer({ min: 1, max: 100 }).map((amount) => ({ of: {}, wh: amount })))
  fc.assert(
    fc.property(quantities, quantities, (offers, needs) => {
      const fills = match(offers, needs)
      expect(sum(fills)).toBe(Math.min(sum(offers), sum(needs)))
      expect(fills.every((fill) => fill.wh > 0)).toBe(true)
      for (const { of, wh: most } of offers)
        expect(sum(fills.filter(({ seller }) => seller === of))).toBeLessThanOrEqual(most)
      for (const { of, wh: most } of needs)
        expect(sum(fills.filter(({ buyer }) => buyer === of))).toBeLessThanOrEqual(most)
    }),
  )
})

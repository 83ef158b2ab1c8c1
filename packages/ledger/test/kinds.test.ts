import { describe, expect, it } from 'vitest'
import {
  applyTransaction,
  type Asset,
  audit,
  authorityRegister,
  authorityRevoke,
  checkTransaction,
  defaultKinds,
  defaultRegistry,
  type GridState,
  gridState,
  gridStateUpdate,
  type Kind,
  MalformedError,
  MAX_INPUTS,
  MAX_OUTPUTS,
  meterReading,
  type MeterReadingBody,
  meters,
  type Output,
  outputId,
  outputs,
  Overlay,
  proposal,
  registerAction,
  Registry,
  signTransaction,
  supplies,
  tender,
  type Transaction,
  transfer,
  type TransferBody,
  vote,
  zones,
} from '../src/index.ts'
import {
  addresses,
  ALICE,
  at,
  BOB,
  CAROL,
  DAN,
  ERIN,
  FRANK,
  genesisOutput,
  people,
  RULES,
  TestChain,
} from './helpers.ts'

const MAX = Number.MAX_SAFE_INTEGER
const to = (who: number, amount: number, zone = 1, asset: Asset = 'thb'): Output => ({
  asset,
  amount,
  owner: at(addresses, who),
  zone,
})
const reading = (body: Partial<MeterReadingBody> = {}): MeterReadingBody => ({
  meter: 'home-1',
  zone: 1,
  sequence: 1,
  timeMs: 5,
  producedWh: 0,
  consumedWh: 0,
  inputs: [],
  ...body,
})

const state = (sequence: number): GridState => ({ sequence, timeMs: 1, payload: Buffer.of(sequence) })

describe('transfer', () => {
  it('names the zone of each output among what it reads, and is refused for any that there is not', () => {
    const chain = new TestChain()
    const zonesOf = (...numbers: number[]): Transaction<TransferBody> =>
      chain.sign(DAN, transfer, {
        inputs: [genesisOutput(0)],
        outputs: numbers.map((zone, i) => to(ERIN, i === 0 ? 1_001 - numbers.length : 1, zone)),
      })
    const read = transfer.reads(zonesOf(1, 2, 2, 1)).map((key) => Buffer.from(key).toString('hex'))
    expect(read).toEqual(expect.arrayContaining(['7a0001', '7a0002']))
    expect(chain.add(zonesOf(1, 1, 9))).toEqual(['unknown-zone'])
    expect(chain.add(zonesOf(9, 1))).toEqual(['unknown-zone'])
    expect(chain.add(zonesOf(1, 2, 1))).toEqual([])
  })

  it('moves money and leaves the rest with the sender', () => {
    const chain = new TestChain()
    const made = chain.sign(DAN, transfer, { inputs: [genesisOutput(0)], outputs: [to(ERIN, 400), to(DAN, 600, 2)] })
    expect(chain.add(made)).toEqual([])
    expect(outputs.get(chain.view, genesisOutput(0))).toBeUndefined()
    expect(outputs.get(chain.view, outputId(made.id, 0))).toEqual(to(ERIN, 400))
    expect(outputs.get(chain.view, outputId(made.id, 1))).toEqual(to(DAN, 600, 2))
  })

  it('spends in one block what was made earlier in it, and leaves no trace of what came and went', () => {
    const chain = new TestChain()
    const first = chain.sign(DAN, transfer, { inputs: [genesisOutput(0)], outputs: [to(ERIN, 1_000)] })
    const second = chain.sign(ERIN, transfer, { inputs: [outputId(first.id, 0)], outputs: [to(FRANK, 1_000)] })
    const { changes, block } = chain.build([first, second])
    expect(changes.length).toBe(2)
    expect(chain.import(block)).toBe('valid')
    // Before what it spends, it spends nothing.
    expect(new TestChain().add(second, first)).toEqual(['unknown-input'])
  })

  it.each<[string, number, Output[], number[]]>([
    ['unknown-input', DAN, [to(ERIN, 1_000)], [9]],
    ['not-owner', DAN, [to(ERIN, 500)], [1]],
    ['not-conserved', DAN, [to(ERIN, 1_001)], [0]],
    ['not-conserved', DAN, [to(ERIN, 999)], [0]],
    ['not-conserved', DAN, [to(ERIN, 1_000, 1, 'energy')], [0]],
    ['amount-overflow', DAN, [to(ERIN, MAX), to(ERIN, 1)], [0]],
    ['unknown-zone', DAN, [to(ERIN, 1_000, 3)], [0]],
  ])('is refused with %s', (code, who, made, spent) => {
    const chain = new TestChain()
    const inputs = spent.map(genesisOutput)
    expect(chain.add(chain.sign(who, transfer, { inputs, outputs: made }))).toEqual([code])
  })

  it('is refused when it spends what is spent, in the same block and later', () => {
    const chain = new TestChain()
    const one = chain.sign(DAN, transfer, { inputs: [genesisOutput(0)], outputs: [to(ERIN, 1_000)] })
    const two = chain.sign(DAN, transfer, { inputs: [genesisOutput(0)], outputs: [to(FRANK, 1_000)] })
    expect(chain.add(one, two, one)).toEqual(['unknown-input', 'unknown-input'])
    expect(chain.add(one)).toEqual(['unknown-input'])
  })

  it('takes 256 inputs and 256 outputs, and not one more', () => {
    const chain = new TestChain()
    const sign = (inputs: number, made: number): unknown =>
      chain.sign(DAN, transfer, {
        inputs: Array.from({ length: inputs }, (_, i) => genesisOutput(i)),
        outputs: Array.from({ length: made }, () => to(DAN, 1)),
      })
    expect(() => sign(MAX_INPUTS, MAX_OUTPUTS)).not.toThrow()
    expect(() => sign(MAX_INPUTS + 1, 1)).toThrow(expect.objectContaining({ code: 'oversize' }))
    expect(() => sign(1, MAX_OUTPUTS + 1)).toThrow(expect.objectContaining({ code: 'oversize' }))
    expect(() => sign(0, 1)).toThrow(expect.objectContaining({ code: 'empty' }))
    expect(() => sign(1, 0)).toThrow(expect.objectContaining({ code: 'empty' }))
  })

  it('cannot be written with an input twice, an amount of 0, or one beyond 2^53 - 1', () => {
    const chain = new TestChain()
    const sign = (inputs: Uint8Array[], amount: number): unknown =>
      chain.sign(DAN, transfer, { inputs, outputs: [to(ERIN, amount)] })
    const input = genesisOutput(0)
    expect(() => sign([input, input], 1)).toThrow(expect.objectContaining({ code: 'not-ascending' }))
    expect(() => sign([input], 0)).toThrow(MalformedError)
    expect(() => sign([input], MAX + 1)).toThrow(RangeError)
    expect(() => sign([input], 0.5)).toThrow(RangeError)
  })
})

describe('meter-reading', () => {
  it('mints production for the owner and counts it for meter, zone and supply', () => {
    const chain = new TestChain()
    const made = chain.sign(BOB, meterReading, reading({ producedWh: 7_000, sequence: 3 }))
    expect(chain.add(made)).toEqual([])
    expect(outputs.get(chain.view, outputId(made.id, 0))).toEqual(to(DAN, 7_000, 1, 'energy'))
    expect(meters.get(chain.view, 'home-1')).toMatchObject({ sequence: 3, producedWh: 7_000, consumedWh: 0 })
    expect(zones.get(chain.view, 1)).toEqual({ name: 'bangkok', producedWh: 7_000, consumedWh: 0 })
    expect(supplies.get(chain.view, 'energy')).toEqual({ minted: 7_000, burned: 0 })
  })

  it('burns consumption from the inputs and gives back what they hold besides', () => {
    const chain = new TestChain()
    chain.add(chain.sign(ALICE, meterReading, reading({ producedWh: 7_000 })))
    const inputs = chain.owned(DAN, 'energy').map(({ id }) => id)
    const made = chain.sign(ALICE, meterReading, reading({ sequence: 2, consumedWh: 6_999, inputs }))
    expect(chain.add(made)).toEqual([])
    expect(chain.owned(DAN, 'energy')).toMatchObject([{ id: outputId(made.id, 1), amount: 1 }])
    expect(supplies.get(chain.view, 'energy')).toEqual({ minted: 7_000, burned: 6_999 })
    expect(audit(chain.view.entries()).assets.energy).toEqual({
      held: 1n,
      minted: 7_000n,
      burned: 6_999n,
      isExact: true,
    })
  })

  it.each<[string, number, Partial<MeterReadingBody>]>([
    ['not-authority', DAN, { producedWh: 1 }],
    ['wrong-zone', BOB, { meter: 'home-2', zone: 2 }],
    ['wrong-zone', ALICE, { zone: 2 }],
    ['unknown-meter', ALICE, { meter: 'home-3' }],
    ['stale-sequence', ALICE, { sequence: 5 }],
    ['sequence-too-far', ALICE, { sequence: 6 + 2 ** 32 }],
    ['unknown-input', ALICE, { sequence: 6, consumedWh: 1, inputs: [genesisOutput(9)] }],
    ['not-owner', ALICE, { sequence: 6, consumedWh: 1, inputs: [genesisOutput(1)] }],
    ['wrong-asset', ALICE, { sequence: 6, consumedWh: 1, inputs: [genesisOutput(0)] }],
    ['not-conserved', ALICE, { sequence: 6, consumedWh: 1 }],
    ['amount-overflow', ALICE, { sequence: 6, producedWh: MAX }],
  ])('is refused with %s', (code, who, body) => {
    const chain = new TestChain()
    expect(chain.add(chain.sign(ALICE, meterReading, reading({ sequence: 5, producedWh: 1 })))).toEqual([])
    expect(chain.add(chain.sign(who, meterReading, reading(body)))).toEqual([code])
  })

  it('is refused when it takes inputs and burns nothing', () => {
    const chain = new TestChain()
    chain.add(chain.sign(ALICE, meterReading, reading({ producedWh: 7 })))
    const inputs = chain.owned(DAN, 'energy').map(({ id }) => id)
    expect(chain.add(chain.sign(ALICE, meterReading, reading({ sequence: 2, inputs })))).toEqual(['not-conserved'])
  })
})

describe('tender', () => {
  it('issues money and redeems what the authority holds', () => {
    const chain = new TestChain()
    const { owner, amount, zone } = to(ALICE, 70)
    const issue = chain.sign(ALICE, tender, { action: 'issue', outputs: [{ owner, amount, zone }] })
    expect(chain.add(issue)).toEqual([])
    expect(supplies.get(chain.view, 'thb')).toEqual({ minted: 1_870, burned: 0 })
    expect(chain.add(chain.sign(ALICE, tender, { action: 'redeem', inputs: [outputId(issue.id, 0)] }))).toEqual([])
    expect(supplies.get(chain.view, 'thb')).toEqual({ minted: 1_870, burned: 70 })
    expect(audit(chain.view.entries()).isExact).toBe(true)
  })

  it('is refused from others, of others, in unknown zones, beyond what can be counted, and a second time', () => {
    const chain = new TestChain()
    const issue = (who: number, amount: number, zone = 1, nonce = 0): string[] =>
      chain.add(
        chain.sign(who, tender, { action: 'issue', outputs: [{ owner: at(addresses, DAN), amount, zone }] }, nonce),
      )
    const redeem = (input: number): string[] =>
      chain.add(chain.sign(ALICE, tender, { action: 'redeem', inputs: [genesisOutput(input)] }))
    expect(issue(DAN, 1)).toEqual(['not-authority'])
    expect(redeem(0)).toEqual(['not-owner'])
    expect(redeem(9)).toEqual(['unknown-input'])
    expect(issue(ALICE, 1, 3)).toEqual(['unknown-zone'])
    expect(issue(ALICE, MAX)).toEqual(['amount-overflow'])
    expect(issue(ALICE, 1, 1, 1)).toEqual(['wrong-nonce'])
    expect(issue(ALICE, 1)).toEqual([])
    expect(issue(ALICE, 1)).toEqual(['wrong-nonce'])
  })

  it('has a nonce, and kinds that need none have none', () => {
    const init = { chainId: new Uint8Array(32), signer: at(people, ALICE) }
    expect(() => signTransaction(tender, { action: 'redeem', inputs: [genesisOutput(0)] }, init)).toThrow(RangeError)
    expect(() => signTransaction(meterReading, reading(), { ...init, nonce: 0 })).toThrow(RangeError)
  })
})

describe('grid-state', () => {
  it('is moved by authorities only, and only on', () => {
    const chain = new TestChain()
    expect(chain.add(chain.sign(DAN, gridStateUpdate, state(1)))).toEqual(['not-authority'])
    expect(chain.add(chain.sign(CAROL, gridStateUpdate, state(4)))).toEqual([])
    expect(chain.tip.gridSequence).toBe(4)
    expect(chain.add(chain.sign(CAROL, gridStateUpdate, state(4)))).toEqual(['stale-sequence'])
    expect(chain.add(chain.sign(CAROL, gridStateUpdate, state(5 + 2 ** 32)))).toEqual(['sequence-too-far'])
    expect(chain.add(chain.sign(ALICE, gridStateUpdate, state(5)))).toEqual([])
    expect(gridState.get(chain.view)).toEqual(state(5))
    expect(chain.add(chain.sign(CAROL, gridStateUpdate, state(5 + 2 ** 32)))).toEqual([])
  })
})

describe('a kind for authorities', () => {
  const [proposer, id] = [at(addresses, ALICE), new Uint8Array(32)]
  const authority = { publicKey: at(people, DAN).publicKey, zones: [] }
  const attempts = (chain: TestChain): Transaction[] => [
    chain.sign(DAN, transfer, { inputs: [genesisOutput(0)], outputs: [to(DAN, 1_000)] }),
    chain.sign(DAN, meterReading, reading({ producedWh: 1 })),
    chain.sign(DAN, tender, { action: 'redeem', inputs: [genesisOutput(0)] }),
    chain.sign(DAN, gridStateUpdate, state(1)),
    chain.sign(DAN, proposal, { text: '', action: registerAction(authority), closesAtHeight: 10 }),
    chain.sign(DAN, vote, { proposer, proposal: id, isApproval: true }),
    chain.sign(DAN, authorityRegister, { proposer, proposal: id, authority }),
    chain.sign(DAN, authorityRevoke, { proposer, proposal: id, revoked: at(addresses, BOB) }),
  ]

  it('refuses strangers, and no other kind does', () => {
    const chain = new TestChain()
    const block = { height: 1, timeMs: 1 }
    const codes = attempts(chain).map((transaction): [string, boolean] => {
      const refusal = checkTransaction(transaction, chain.view, block, defaultRegistry)
      return [transaction.kind, refusal?.code === 'not-authority']
    })
    expect(codes).toEqual(defaultKinds.map(({ name, isForAuthorities }) => [name, isForAuthorities]))
  })
})

describe('Registry', () => {
  it('takes a kind more, which is then known by number and name', () => {
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
    const registry = new Registry([...defaultKinds, note])
    expect([...registry.kinds()].map(({ name }) => name)).toContain('note')
    const chain = new TestChain()
    const { block, leftOut } = chain.build([chain.sign(DAN, note, 'hello')], { registry })
    expect(leftOut).toEqual([])
    expect(chain.import(block, { registry })).toBe('valid')
    // A node without it refuses: it cannot even read it.
    expect(
      applyTransaction(at(block.transactions, 0), new Overlay(chain.view), { height: 1, timeMs: 1 }, defaultRegistry),
    ).toMatchObject({ code: 'unknown-kind' })
    expect(new TestChain().import(block, RULES)).toBe('unknown-kind')
  })

  it('refuses a number or a name that is taken or out of range', () => {
    expect(() => new Registry([transfer, { ...tender, code: 1 }])).toThrow(RangeError)
    expect(() => new Registry([transfer, { ...tender, name: 'transfer' }])).toThrow(RangeError)
    expect(() => new Registry([{ ...transfer, code: 0 }])).toThrow(RangeError)
    expect(() => new Registry([{ ...transfer, code: 256 }])).toThrow(RangeError)
  })
})

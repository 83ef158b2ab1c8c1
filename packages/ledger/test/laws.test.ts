// The laws of the ledger over random, hostile and permuted input. That no trades exceed a line's capacity is kept by
// the package of the grid, and so not here.
import * as fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import {
  applyTransaction,
  ASSETS,
  audit,
  authorities,
  authorityRegister,
  authorityRevoke,
  type Block,
  buildBlock,
  claimsOf,
  decodeBlock,
  defaultRegistry,
  encodeBlock,
  gridState,
  gridStateUpdate,
  type LedgerState,
  MemoryState,
  meterReading,
  meters,
  nextNonce,
  outputId,
  outputs,
  type MeterReadingBody,
  type Output,
  Overlay,
  proposal,
  proposals,
  readsOf,
  readsOfBlock,
  registerAction,
  revokeAction,
  StateTree,
  tender,
  toHex,
  type Transaction,
  transfer,
  type TransferBody,
  validateBlock,
  vote,
} from '../src/index.ts'
import { addresses, at, broken, DeclaredView, genesisOutput, people, RULES, TestChain, unspent } from './helpers.ts'

// Hundreds of chains and trees: the bound is for a hang, not for a slow machine.
vi.setConfig({ testTimeout: 60_000 })

const MAX = Number.MAX_SAFE_INTEGER

const COIN: Output = { asset: 'thb', amount: 1, owner: at(addresses, 0), zone: 1 }

/** What somebody tries: true or not is decided by numbers. */
interface Intent {
  what: 'transfer' | 'reading' | 'tender' | 'grid' | 'proposal' | 'vote' | 'register' | 'revoke' | 'replay'
  who: number
  to: number
  pick: number
  amount: number
  lie: 'none' | 'amount' | 'signature' | 'input' | 'number' | 'zone'
}

const lies = fc.constantFrom<Intent['lie']>(
  'none',
  'none',
  'none',
  'none',
  'amount',
  'signature',
  'input',
  'number',
  'zone',
)
const amounts = fc.oneof(fc.integer({ min: 1, max: 400 }), fc.constantFrom(MAX, MAX - 500))
const trades = fc.record<Intent>({
  what: fc.constantFrom('transfer', 'transfer', 'transfer', 'reading', 'reading', 'tender', 'grid', 'vote', 'replay'),
  who: fc.nat(6),
  to: fc.nat(6),
  pick: fc.nat(40),
  amount: amounts,
  lie: lies,
})
/** Mostly of authorities, and on few proposals: or none would ever pass. */
const politics = fc.record<Intent>({
  what: fc.constantFrom('proposal', 'vote', 'vote', 'vote', 'vote', 'register', 'revoke', 'grid', 'replay'),
  who: fc.constantFrom(0, 0, 1, 1, 2, 2, 3),
  to: fc.constantFrom(0, 0, 0, 1),
  pick: fc.nat(40),
  amount: amounts,
  lie: fc.oneof({ weight: 3, arbitrary: fc.constant<Intent['lie']>('none') }, { weight: 1, arbitrary: lies }),
})
const days = fc.array(fc.oneof(fc.array(trades, { maxLength: 6 }), fc.array(politics, { maxLength: 10 })), {
  minLength: 1,
  maxLength: 8,
})

const candidate = { publicKey: at(people, 3).publicKey, zones: [] }
const revoked = at(addresses, 1)

function transferOf(chain: TestChain, { who, to, pick, amount, lie }: Intent): TransferBody {
  const owned = unspent(chain.view).filter(({ owner }) => lie === 'input' || toHex(owner) === toHex(at(addresses, who)))
  const first = owned[pick % Math.max(1, owned.length)]
  // Spends what never was, and a second input of whatever asset now and then.
  const second = pick % 3 === 0 ? owned[(pick + 1) % owned.length] : undefined
  const spent = [...new Set([first, second])].filter((row) => row !== undefined)
  const held = (asset: string): number =>
    spent.filter((row) => row.asset === asset).reduce((sum, row) => sum + row.amount, 0)
  const zone = lie === 'zone' ? 9 : 1 + (pick % 2)
  const made = ASSETS.flatMap((asset) => {
    const given = Math.min(amount, held(asset))
    const kept = Math.min(held(asset) - given, MAX - 1) + (lie === 'amount' ? 1 : 0)
    return [
      { asset, amount: given, owner: at(addresses, to), zone },
      { asset, amount: kept, owner: at(addresses, who), zone },
    ].filter((output) => output.amount > 0)
  })
  const inputs = spent.length === 0 ? [genesisOutput(99)] : spent.map(({ id }) => id)
  return { inputs, outputs: made.length === 0 ? [{ asset: 'thb', amount: 1, owner: at(addresses, to), zone }] : made }
}

function readingOf(chain: TestChain, { to, pick, amount, lie }: Intent): MeterReadingBody {
  const [meter, owner] = to % 2 === 0 ? (['home-1', 3] as const) : (['home-2', 4] as const)
  const inputs = pick % 2 === 0 ? [] : chain.owned(owner, 'energy').slice(0, 3)
  const held = inputs.reduce((sum, row) => sum + row.amount, 0)
  const last = meters.get(chain.view, meter)?.sequence ?? 0
  return {
    meter: lie === 'input' ? 'home-9' : meter,
    zone: lie === 'zone' ? 2 - (to % 2) : 1 + (to % 2),
    sequence: Math.max(1, last + (lie === 'number' ? 0 : 1 + (pick % 3))),
    timeMs: amount,
    producedWh: pick % 3 === 0 ? 0 : amount,
    consumedWh: Math.min(held, amount, MAX - 1) + (lie === 'amount' ? 1 : 0),
    inputs: inputs.map(({ id }) => id),
  }
}

/** `made` is how many numbered transactions the sender has made for this block. */
function transactionOf(chain: TestChain, intent: Intent, past: readonly Transaction[], made: number): Transaction {
  const { what, who, to, pick, amount, lie } = intent
  const nonce = lie === 'number' ? pick : nextNonce(chain.view, at(addresses, who)) + made
  const proposer = at(addresses, to % 3)
  const ref = { proposer, proposal: proposals.get(chain.view, proposer)?.id ?? new Uint8Array(32) }
  const action = pick % 3 !== 0 ? registerAction(candidate) : revokeAction(revoked)
  const height = chain.tip.height
  switch (what) {
    case 'transfer':
      return chain.sign(who, transfer, transferOf(chain, intent))
    case 'reading':
      return chain.sign(who, meterReading, readingOf(chain, intent))
    case 'tender': {
      const inputs = chain.owned(lie === 'input' ? to : who, 'thb').map(({ id }) => id)
      if (pick % 2 === 0 && inputs.length > 0) return chain.sign(who, tender, { action: 'redeem', inputs }, nonce)
      const zone = lie === 'zone' ? 9 : 1
      return chain.sign(who, tender, { action: 'issue', outputs: [{ amount, zone, owner: at(addresses, to) }] }, nonce)
    }
    case 'grid': {
      const newest = gridState.get(chain.view)?.sequence ?? 0
      const sequence = Math.max(1, newest + (lie === 'number' ? 0 : 1 + pick))
      return chain.sign(who, gridStateUpdate, { sequence, timeMs: amount, payload: Uint8Array.of(pick) })
    }
    case 'proposal':
      return chain.sign(who, proposal, { text: 'why', action, closesAtHeight: height + (pick % 20) }, nonce)
    case 'vote':
      return chain.sign(who, vote, { ...ref, isApproval: pick % 5 !== 0 }, nonce)
    case 'register':
      return chain.sign(who, authorityRegister, { ...ref, authority: candidate }, nonce)
    case 'revoke':
      return chain.sign(who, authorityRevoke, { ...ref, revoked }, nonce)
    case 'replay':
      break
  }
  return past[pick % Math.max(1, past.length)] ?? chain.sign(who, transfer, transferOf(chain, intent))
}

function candidatesOf(chain: TestChain, day: readonly Intent[], past: readonly Transaction[]): Transaction[] {
  const made = new Map<number, number>()
  return day.map((intent) => {
    const { who, lie } = intent
    const transaction = transactionOf(chain, intent, past, made.get(who) ?? 0)
    if (lie === 'signature') return broken(transaction)
    if (transaction.nonce !== undefined && lie === 'none') made.set(who, (made.get(who) ?? 0) + 1)
    return transaction
  })
}

/** Two proposals, with a vote for both of every authority: so that days may begin with carrying them out. */
function prepareDecisions(chain: TestChain): void {
  const made = [registerAction(candidate), revokeAction(revoked)].map((action, who) =>
    chain.sign(who, proposal, { text: 'why', action, closesAtHeight: 9 }),
  )
  chain.add(...made)
  for (const { address, id } of made) {
    chain.add(...[0, 1, 2].map((who) => chain.sign(who, vote, { proposer: address, proposal: id, isApproval: true })))
  }
}

/** Lives through days, a block a day, each proposed by an authority that there is; `look` sees each before it is taken over. */
function live(
  all: readonly (readonly Intent[])[],
  look: (chain: TestChain, block: Block, offered: Transaction[]) => void,
): TestChain {
  const chain = new TestChain()
  prepareDecisions(chain)
  const past: Transaction[] = []
  for (const day of all) {
    const offered = candidatesOf(chain, day, past)
    const { block } = chain.build(offered, { signer: at(people, 7) })
    look(chain, block, offered)
    expect(chain.import(block)).toBe('valid')
    past.push(...block.transactions)
  }
  return chain
}

const inputsOf = ({ body }: Transaction): string[] => {
  const { inputs = [] } = body as { inputs?: Uint8Array[] }
  return inputs.map(toHex)
}

it('reaches every kind in both ways, or the laws would be of nothing', () => {
  const reached = new Set<string>()
  const refused = new Set<string>()
  for (const sample of fc.sample(days, { numRuns: 60, seed: 1 })) {
    live(sample, (chain, block, offered) => {
      for (const { kind } of block.transactions) reached.add(kind)
      const { leftOut } = chain.build(offered, { signer: at(people, 7) })
      for (const { refusal } of leftOut) refused.add(refusal.code)
    })
  }
  expect(reached).toEqual(new Set([...defaultRegistry.kinds()].map(({ name }) => name)))
  for (const code of [
    'invalid-signature',
    'wrong-nonce',
    'unknown-input',
    'not-owner',
    'not-conserved',
    'not-authority',
  ]) {
    expect(refused).toContain(code)
  }
})

it('law 1: what is held of each asset is what was minted and not burned, after every block', () => {
  fc.assert(
    fc.property(days, (all) => {
      live(all, (chain) => expect(audit(chain.view.entries()).isExact).toBe(true))
    }),
    { numRuns: 25 },
  )
})

it('law 2: no output is spent twice, however often and wherever it is tried', () => {
  fc.assert(
    fc.property(days, (all) => {
      const spent: string[] = []
      live(all, (_, block) => void spent.push(...block.transactions.flatMap(inputsOf)))
      expect(new Set(spent).size).toBe(spent.length)
    }),
    { numRuns: 25 },
  )
})

it('law 2: undoing block after block gives each earlier state and root, to the byte', () => {
  fc.assert(
    fc.property(days, (all) => {
      const before: [root: string, entries: Map<string, string>][] = []
      const chain = live(all, (now) => void before.push([toHex(now.tree.root), now.entries()]))
      for (const [root, entries] of before.toReversed()) {
        chain.undo()
        expect(toHex(chain.tree.root)).toBe(root)
        expect(chain.entries()).toEqual(entries)
      }
    }),
    { numRuns: 25 },
  )
})

it('law 4: only authorities move the grid state, and the sequences of grid and meters only rise', () => {
  fc.assert(
    fc.property(days, (all) => {
      const newest = new Map<string, number>()
      live(all, (chain, block) => {
        const state = new Overlay(chain.view)
        for (const transaction of block.transactions) {
          const isAuthority = authorities.has(state, transaction.address)
          applied(transaction, state)
          if (transaction.kind !== 'grid-state' && transaction.kind !== 'meter-reading') continue
          const { sequence, meter = 'grid' } = transaction.body as { sequence: number; meter?: string }
          expect(isAuthority).toBe(true)
          expect(sequence).toBeGreaterThan(newest.get(meter) ?? 0)
          newest.set(meter, sequence)
        }
        expect(block.header.gridSequence).toBe(newest.get('grid') ?? 0)
      })
    }),
    { numRuns: 25 },
  )
})

it('law 5: a node that got the state in another order, and every other block first, has the same verdict', () => {
  const orders = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 })
  fc.assert(
    fc.property(days, orders, (all, order) => {
      live(all, (chain, block, offered) => {
        const shuffled = [...chain.view.entries()].toSorted(
          (a, b) => (order[(a[0][5] ?? 0) % 8] ?? 0) - (order[(b[0][5] ?? 0) % 8] ?? 0),
        )
        const view = new MemoryState()
        view.apply(shuffled.map(([key, after]) => ({ key, before: undefined, after })))
        const other: LedgerState = { view, tree: StateTree.from(shuffled) }
        for (const one of [chain.forge(offered), decodeBlock(encodeBlock(block), defaultRegistry)]) {
          const [here, there] = [chain.state, other].map((state) => validateBlock(state, chain.tip, one, RULES))
          expect(summary(there)).toEqual(summary(here))
        }
      })
    }),
    { numRuns: 25 },
  )
})

it('law 6: a refused block says why by code and changes nothing', () => {
  fc.assert(
    fc.property(days, (all) => {
      live(all, (chain, _, offered) => {
        const [root, entries] = [toHex(chain.tree.root), chain.entries()]
        const nobody = broken(chain.sign(3, transfer, { inputs: [genesisOutput(0)], outputs: [COIN] }))
        const verdict = validateBlock(chain.state, chain.tip, chain.forge([...offered, nobody]), RULES)
        expect(verdict).toMatchObject({
          status: 'refused',
          index: expect.any(Number),
          code: expect.stringMatching(/^[a-z-]+$/),
        })
        expect(toHex(chain.tree.root)).toBe(root)
        expect(chain.entries()).toEqual(entries)
      })
    }),
    { numRuns: 25 },
  )
})

it('spends what transactions claim and nothing else, makes the outputs that they are sure of, and reads their meters', () => {
  fc.assert(
    fc.property(days, (week) => {
      live(week, (chain, { header: { height, timeMs }, transactions }) => {
        const state = new Overlay(chain.view)
        for (const transaction of transactions) {
          const step = new Overlay(state)
          expect(applyTransaction(transaction, step, { height, timeMs }, defaultRegistry)).toBeUndefined()
          const moved = step.changes().filter(({ key }) => outputs.owns(key))
          const ids = (rows: typeof moved): string[] => rows.map(({ key }) => toHex(key.subarray(1))).toSorted()
          const { spends, makes, reading } = claimsOf(transaction, defaultRegistry)
          expect(ids(moved.filter(({ after }) => after === undefined))).toEqual(spends.map(toHex).toSorted())
          const made = moved.filter(({ before }) => before === undefined)
          const [sure, most] = [makes?.sure ?? 0, makes?.most ?? makes?.sure ?? 0]
          const places = Array.from({ length: most }, (_, index) => toHex(outputId(transaction.id, index)))
          expect(places).toEqual(expect.arrayContaining(ids(made)))
          const declared = new DeclaredView(state, makes?.reads ?? [])
          for (let index = 0; index < sure; index++) {
            expect(outputs.get(step, outputId(transaction.id, index))).toEqual(makes?.output(index, declared))
          }
          expect(makes?.output(sure, declared)).toBeUndefined()
          expect(reading && meters.get(step, reading.meter)?.sequence).toBe(reading?.sequence)
          for (const { key, after } of step.changes()) {
            if (after === undefined) state.delete(key)
            else state.put(key, after)
          }
        }
      })
    }),
    { numRuns: 25 },
  )
})

it('needs no key of the state but those that transactions and blocks declare', () => {
  fc.assert(
    fc.property(days, (all) => {
      live(all, (chain, _, offered) => {
        for (const transaction of offered) {
          const declared = new DeclaredView(chain.view, readsOf(transaction, defaultRegistry))
          const [some, whole] = [declared, chain.view].map((view) => applied(transaction, new Overlay(view)))
          expect(some).toEqual(whole)
        }
        const block = chain.forge(offered)
        const view = new DeclaredView(chain.view, readsOfBlock(block, defaultRegistry))
        const verdict = validateBlock({ view, tree: chain.tree }, chain.tip, block, RULES)
        expect(summary(verdict)).toEqual(summary(validateBlock(chain.state, chain.tip, block, RULES)))
        const signer = at(people, 0)
        const init = { ...RULES, signer, timeMs: chain.tip.timeMs + 1 }
        const reads = readsOfBlock({ header: { proposer: signer.publicKey }, transactions: offered }, defaultRegistry)
        const declared = { view: new DeclaredView(chain.view, reads), tree: chain.tree }
        const [some, whole] = [declared, chain.state].map((state) => buildBlock(state, chain.tip, offered, init).block)
        expect(some).toEqual(whole)
      })
    }),
    { numRuns: 25 },
  )
})

function applied(transaction: Transaction, state: Overlay): unknown {
  const refusal = applyTransaction(transaction, state, { height: 3, timeMs: 1 }, defaultRegistry)
  return { refusal, changes: state.changes() }
}

/** A verdict without what is only to be called. */
function summary(verdict: ReturnType<typeof validateBlock> | undefined): unknown {
  if (verdict?.status !== 'valid') return verdict
  return {
    changes: verdict.changes.map(({ key, before, after }) =>
      [key, before, after].map((bytes) => bytes && toHex(bytes)),
    ),
    root: toHex(verdict.root),
  }
}

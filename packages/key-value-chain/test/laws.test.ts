import { longest, toHex } from '@gridmesh/ledger'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  type Block,
  encodeBlock,
  execute,
  type Header,
  invert,
  keysOf,
  type StateChange,
  stateName,
  type Transaction,
} from '../src/index.ts'
import { at, blockUpon, GENESIS, genesisOf, opened, signed, valuesOf, wordOf } from './chains.ts'

type State = Map<string, Uint8Array>

function applied(state: State, changes: readonly StateChange[]): State {
  const next = new Map(state)
  for (const { key, before, after } of changes) {
    expect(next.get(stateName(key))).toEqual(before)
    if (after === undefined) next.delete(stateName(key))
    else next.set(stateName(key), after)
  }
  return next
}

const words = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', 'd'),
  fc.option(fc.constantFrom('0', '1', '2'), { nil: undefined }),
  {
    minKeys: 1,
  },
)
/** Of three users; the nonce is the right one most of the time. */
const draft = fc.record({
  who: fc.constantFrom(2, 3, 4),
  words,
  slip: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(-1, 1) }),
})

/** The state, by a second, plain reading of what operations mean. */
function naive(
  transactions: readonly Transaction[],
  nonces: Map<string, number>,
  values: Map<string, string>,
): boolean {
  for (const { sender, nonce, operations } of transactions) {
    if (nonce !== (nonces.get(toHex(sender)) ?? 0)) return false
    nonces.set(toHex(sender), nonce + 1)
    for (const operation of operations) {
      if (operation.type === 'set') values.set(toHex(operation.key), toHex(operation.value))
      else values.delete(toHex(operation.key))
    }
  }
  return true
}

it('applies all of a block or nothing, as a plain map would, and undone it is as if it had not been', () => {
  const blocks = fc.array(fc.array(draft, { maxLength: 6 }), { maxLength: 6 })
  fc.assert(
    fc.property(blocks, (drafts) => {
      let state: State = new Map()
      let [nonces, values] = [new Map<string, number>(), new Map<string, string>()]
      for (const rows of drafts) {
        const next = new Map(nonces)
        const transactions = rows.map(({ who, words: set, slip }) => {
          const name = toHex(signed(who, 0, { a: 'b' }).sender)
          const nonce = Math.max(0, (next.get(name) ?? 0) + slip)
          next.set(name, nonce + 1)
          return signed(who, nonce, set)
        })
        const [newNonces, newValues] = [new Map(nonces), new Map(values)]
        const isValid = naive(transactions, newNonces, newValues)
        const known = new Set(keysOf(transactions).map(stateName))
        const execution = execute(transactions, new Map([...state].filter(([key]) => known.has(key))))
        expect(execution.status).toBe(isValid ? 'valid' : 'refused')
        if (execution.status === 'refused') continue
        const after = applied(state, execution.changes)
        expect(applied(after, invert(execution.changes))).toEqual(state)
        ;[state, nonces, values] = [after, newNonces, newValues]
        const held = [...state]
          .filter(([key]) => key.startsWith('00'))
          .map(([key, value]) => [key.slice(2), toHex(value)])
        expect(new Map(held as [string, string][])).toEqual(values)
      }
    }),
    { numRuns: 200 },
  )
})

/** A block of a tree: the index of its parent, how many slots later, and what is in it. */
const node = fc.record({
  parent: fc.nat(),
  later: fc.integer({ min: 1, max: 3 }),
  drafts: fc.array(draft, { maxLength: 2 }),
})
const tree = fc.record({ nodes: fc.array(node, { minLength: 1, maxLength: 12 }), order: fc.infiniteStream(fc.nat()) })
const deep = genesisOf({ finalDepth: 100 })

interface TreeBlock {
  block: Block
  /** `undefined` where it, or one below it, is not valid. */
  state: { nonces: Map<string, number>; values: Map<string, string> } | undefined
}

function grow(
  nodes: readonly {
    parent: number
    later: number
    drafts: { who: number; words: Record<string, string | undefined>; slip: number }[]
  }[],
): TreeBlock[] {
  const all: TreeBlock[] = []
  for (const { parent: pick, later, drafts } of nodes) {
    const index = pick % (all.length + 1)
    const parent = index === 0 ? undefined : at(all, index - 1)
    const header: Header = parent?.block.header ?? deep.header
    const nonces = new Map(parent?.state?.nonces)
    const transactions = drafts.map(({ who, words: set, slip }) => {
      const name = toHex(signed(who, 0, { a: 'b' }).sender)
      const nonce = Math.max(0, (nonces.get(name) ?? 0) + slip)
      nonces.set(name, nonce + 1)
      return signed(who, nonce, set, deep.chainId)
    })
    const block = blockUpon(header, header.slot + later, transactions, deep)
    const state = { nonces: new Map(parent?.state?.nonces), values: new Map(parent?.state?.values) }
    const isValid =
      (parent === undefined || parent.state !== undefined) && naive(transactions, state.nonces, state.values)
    all.push({ block, state: isValid ? state : undefined })
  }
  return all
}

it('comes to the best valid block and its state in any order of arrival', async () => {
  await fc.assert(
    fc.asyncProperty(tree, async ({ nodes, order }) => {
      const all = grow(nodes)
      const valid = all.filter(({ state }) => state !== undefined)
      const best = valid.reduce<TreeBlock | undefined>(
        (found, one) => (found !== undefined && longest.better(found.block.header, one.block.header) ? found : one),
        undefined,
      )
      const chain = await opened({}, undefined, deep)
      let waiting = all.map(({ block }) => encodeBlock(block))
      for (let rounds = 0; waiting.length > 0 && rounds < all.length + 1; rounds++) {
        const later: Uint8Array[] = []
        while (waiting.length > 0) {
          const [bytes] = waiting.splice((order.next().value ?? 0) % waiting.length, 1)
          if (bytes !== undefined && wordOf(await chain.importBlock(bytes)) === 'unknown-parent') later.push(bytes)
        }
        waiting = later
      }
      expect(chain.tip().hash).toBe(toHex(best?.block.header.hash ?? deep.header.hash))
      const values = Object.entries(await valuesOf(chain)).map(([key, value]) => [
        Buffer.from(key).toString('hex'),
        Buffer.from(value).toString('hex'),
      ])
      expect(new Map(values as [string, string][])).toEqual(best?.state?.values ?? new Map())
      for (const [sender, nonce] of best?.state?.nonces ?? []) {
        expect(await chain.nextNonce(Buffer.from(sender, 'hex'))).toBe(nonce)
      }
    }),
    { numRuns: 60 },
  )
}, 60_000)

it('is changed by no block that has a byte changed, and refuses it by a code', async () => {
  const chain = await opened()
  const first = blockUpon(GENESIS.header, 1, [signed(2, 0, { a: '1', b: '2' })])
  await chain.importBlock(encodeBlock(first))
  const bytes = encodeBlock(blockUpon(first.header, 2, [signed(2, 1, { a: undefined }), signed(3, 0, { c: '3' })]))
  const [tip, values] = [chain.tip(), await valuesOf(chain)]
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.byteLength - 1), fc.integer({ min: 1, max: 255 }), async (index, flip) => {
      const wrong = Uint8Array.from(bytes)
      wrong[index] = at([...wrong], index) ^ flip
      const outcome = await chain.importBlock(wrong)
      expect(outcome).toMatchObject({ status: 'refused' })
      expect(chain.tip()).toEqual(tip)
      expect(await valuesOf(chain)).toEqual(values)
      expect(chain.stats()).toEqual({ sideBlocks: 0, sideBytes: 0, queued: 0, queuedBytes: 0 })
    }),
    { numRuns: 300 },
  )
  expect(wordOf(await chain.importBlock(bytes))).toBe('imported')
}, 60_000)

it('refuses the whole of the nonces that a number cannot count on from', () => {
  const last = signed(2, Number.MAX_SAFE_INTEGER, { a: 'b' })
  const [key] = keysOf([last])
  const next = Buffer.from('001fffffffffffff', 'hex')
  expect(execute([last], new Map([[stateName(key ?? new Uint8Array()), next]]))).toMatchObject({ code: 'nonce-spent' })
})

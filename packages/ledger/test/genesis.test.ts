import { expect, it } from 'vitest'
import {
  audit,
  authorityList,
  buildGenesis,
  chainIdOf,
  chainName,
  GenesisError,
  MemoryState,
  meters,
  parseGenesis,
  supplies,
  toHex,
  validators,
  zones,
} from '../src/index.ts'
import { addresses, at, DAN, GENESIS, people, TestChain, VAL } from './helpers.ts'

/** What is wrong with the text, as path and rule. */
function faults(text: string): Record<string, string> {
  try {
    parseGenesis(text)
  } catch (err) {
    if (!(err instanceof GenesisError)) throw err
    return Object.fromEntries(err.faults.map(({ path, value }) => [path, value]))
  }
  return {}
}

it('makes the state that the text says', () => {
  const { block, chainId, changes, tree } = buildGenesis(parseGenesis(GENESIS))
  const view = new MemoryState()
  view.apply(changes)
  expect(chainName.get(view)).toBe('test')
  expect(zones.get(view, 2)).toEqual({ name: 'chiang mai', producedWh: 0, consumedWh: 0 })
  expect(authorityList.get(view)?.length).toBe(3)
  expect(validators.get(view, at(addresses, VAL))?.stake).toBe(10)
  expect(toHex(meters.get(view, 'home-1')?.owner ?? new Uint8Array(0))).toBe(toHex(at(addresses, DAN)))
  expect(supplies.get(view, 'thb')).toEqual({ minted: 1_800, burned: 0 })
  expect(audit(view.entries()).isExact).toBe(true)
  expect(block.header).toMatchObject({ kind: 'genesis', height: 0, gridSequence: 0 })
  expect(toHex(block.header.stateRoot)).toBe(toHex(tree.root))
  expect(toHex(chainIdOf(block.header))).toBe(toHex(chainId))
})

it('is a function of what it says, and not of how it is written', () => {
  const json = GENESIS.replaceAll('name: test', 'name:   "test"   # a comment')
  expect(toHex(new TestChain(json).chainId)).toBe(toHex(new TestChain().chainId))
  const other = GENESIS.replace('name: test', 'name: test 2')
  expect(toHex(new TestChain(other).chainId)).not.toBe(toHex(new TestChain().chainId))
})

it('names the path and the value of all that is wrong at once', () => {
  const key = toHex(at(people, 0).publicKey)
  expect(
    faults(`
name: ''
time: yesterday
zones: [{ zone: 70000, name: a }, { zone: 1 }]
authorities: [{ publicKey: abc, power: all }]
tender: [{ amount: 0, zone: 1, owner: ${key} }, { amount: 9007199254740992, zone: 1.5, owner: ${key.toUpperCase()} }]
colour: red
`),
  ).toEqual({
    colour: '"red"',
    name: '""',
    time: '"yesterday"',
    'zones[0].zone': '"70000"',
    'zones[1].name': 'missing',
    'authorities[0].publicKey': '"abc"',
    'authorities[0].power': '"all"',
    'tender[0].amount': '"0"',
    'tender[1].amount': '"9007199254740992"',
    'tender[1].zone': '"1.5"',
    'tender[1].owner': JSON.stringify(key.toUpperCase()),
  })
})

it('names zones that there are not, what is there twice, and more money than can be counted', () => {
  const text = GENESIS.replace('zone: 2, name: chiang mai', 'zone: 1, name: chiang mai')
    .replace('name: home-2', 'name: home-1')
    .replace('amount: 500', `amount: ${Number.MAX_SAFE_INTEGER}`)
  expect(Object.keys(faults(text)).toSorted()).toEqual([
    'meters[1]',
    'meters[1].zone',
    'tender',
    'tender[2].zone',
    'zones[1]',
  ])
  expect(faults(GENESIS.replace('zones: [1]', 'zones: [3, 1, 1]'))).toEqual({
    'authorities[1].zones[1]': '"1"',
    'authorities[1].zones[2]': '3',
  })
})

it.each(['2026-02-30T00:00:00Z', '2026-04-31T12:00:00.000Z', '2026-01-01T24:00:00Z', '1969-12-31T23:59:59Z'])(
  'refuses the time %s',
  (time) => {
    expect(faults(GENESIS.replace(/^time: .*$/m, `time: ${time}`))).toEqual({ time: JSON.stringify(time) })
  },
)

it('refuses names with half a character, of which two would be one', () => {
  const text = GENESIS.replace('home-1', String.raw`"\ud800"`).replace('home-2', String.raw`"\ud801"`)
  expect(faults(text)).toEqual({ 'meters[0].name': '"\\ud800"', 'meters[1].name': '"\\ud801"' })
})

it('refuses what is no YAML, no object, too long, or refers to itself', () => {
  for (const text of ['a: [', '- 1', '', 'a: &a [1]\nb: *a', 'name: a\nname: b'])
    expect(faults(text)).toHaveProperty('')
  expect(faults(`name: ${'x'.repeat(4_194_304)}`)).toEqual({ '': '4194310 characters' })
})

it('reads a key of digits and an e as what it is', () => {
  const key = `${'1'.repeat(40)}e${'2'.repeat(23)}`
  expect(faults(GENESIS.replace(toHex(at(people, VAL).publicKey), key))).toEqual({})
})

import { expect, it } from 'vitest'
import { hintsFor } from '../../src/cli/devnet-hints.ts'
import { planDevnet } from '../../src/devnet/plan.ts'

const plan = (nodes: number) => planDevnet({ nodes, baseHttp: 20_000, baseP2p: 21_000 })

it.each([
  [1, 'egat'],
  [3, 'egat'],
  [4, 'producer'],
])('what is said to be tried with %d nodes names nodes that there are: orders go to %s', (count, trader) => {
  const hints = hintsFor(plan(count), '.devnet')
  expect(hints[0]).toMatch(new RegExp(`--node ${trader}$`))
  const names = hints.flatMap((hint) => [...hint.matchAll(/--node (\S+)/g)].map(([, name]) => name))
  expect(plan(count).map(({ name }) => name)).toEqual(expect.arrayContaining(names))
})

it('what is said to be tried names the directory where it is not the usual one', () => {
  expect(hintsFor(plan(1), 'elsewhere').every((hint) => hint.includes('--data elsewhere'))).toBe(true)
})

it('what is said to be tried needs nothing of the repository where the command is installed', () => {
  const [first, second] = hintsFor(plan(4), '.devnet', true)
  expect(first).toBe('gridmesh peers --node producer')
  expect(second).toMatch(/^gridmesh emergency /)
  expect(hintsFor(plan(4), '.devnet', false)[0]).toBe(
    'npm run gridmesh -- submit examples/data/orders.csv --node producer',
  )
})

import { expect, it } from 'vitest'
import { lawIn } from '../../src/conformance/case.ts'
import { broadcastConformance, discoveryStrategyConformance } from '../../src/conformance/index.ts'
import { Patience } from '../../src/conformance/patience.ts'

const patience = new Patience(50)
const never = new Promise<never>(() => undefined)
const create = () => never

/** A world that notes its end. */
function makeWorld(stop: () => Promise<void> | void = () => undefined) {
  const world = { stops: 0, stop: () => (world.stops++, stop()) }
  return world
}

it('makes a world for each run and stops it, whether the law holds or not', async () => {
  const worlds: ReturnType<typeof makeWorld>[] = []
  const createNext = () => {
    const world = makeWorld()
    worlds.push(world)
    return world
  }
  await lawIn(patience, createNext, 'holds', () => undefined).run()
  const broken = lawIn(patience, createNext, 'does not hold', () => {
    throw new RangeError('found by the case')
  })
  await expect(broken.run()).rejects.toThrow('found by the case')
  expect(worlds.map(({ stops }) => stops)).toEqual([1, 1])
})

it('tells what the case found, also where the world cannot be stopped after it', async () => {
  const stuck = makeWorld(() => never)
  const found = lawIn(
    patience,
    () => stuck,
    'does not hold',
    () => {
      throw new RangeError('found by the case')
    },
  )
  await expect(found.run()).rejects.toThrow('found by the case')
  const sound = lawIn(
    patience,
    () => stuck,
    'holds',
    () => undefined,
  )
  await expect(sound.run()).rejects.toThrow('stop of the harness: not within 50 ms')
})

it('fails a case that waits in vain, and names what it waited for', async () => {
  const hanging = lawIn(
    patience,
    () => makeWorld(),
    'waits',
    async () => patience.within('an answer', never),
  )
  await expect(hanging.run()).rejects.toThrow('an answer: not within 50 ms')
  const stuck = lawIn(
    patience,
    () => never,
    'has no world',
    () => undefined,
  )
  await expect(stuck.run()).rejects.toThrow('create of the harness: not within 50 ms')
  await expect(patience.until('a change', () => false)).rejects.toThrow('a change: not within 50 ms')
})

it('fails where a rejection is expected and a promise resolves', async () => {
  await expect(patience.rejection('a bad call', Promise.resolve())).rejects.toThrow('a bad call: resolved')
  expect(await patience.rejection('a bad call', Promise.reject(new RangeError('bad')))).toBeInstanceOf(RangeError)
})

it.each([0, -1, Number.NaN])('refuses a patience of %d ms', (patienceMs) => {
  expect(() => broadcastConformance({ create, patienceMs })).toThrow(RangeError)
  expect(() => discoveryStrategyConformance({ create, patienceMs })).toThrow(`patienceMs ${patienceMs}`)
})

it('leaves the cases out that a harness says do not apply, and gives each a name of its own', () => {
  const all = broadcastConformance({ create, maxMessageBytes: 1, blamedBy: () => [] }).map(({ name }) => name)
  const few = broadcastConformance({
    create,
    strategies: ['directed'],
    relays: false,
    confirms: false,
    expires: false,
    ownBytes: false,
  }).map(({ name }) => name)
  expect(new Set(all).size).toBe(all.length)
  expect(all).toEqual(expect.arrayContaining(few))
  expect(few.filter((name) => /gossip|flood|confirm|TimeoutError|blame|pass|own/.test(name))).toEqual([
    'directed gives up waiting for confirmations when the signal aborts',
  ])
})

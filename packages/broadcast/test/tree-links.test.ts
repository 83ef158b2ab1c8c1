import fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import { type Pairs, TreeModel } from './helpers/tree-model.ts'

const MAX_NODES = 16
/** So short that no message is asked for that comes by itself, however long its way. */
const CALM_MS = 10

/** A connected graph: each node after the first is linked to one before it, and some pairs besides, up to very many. */
const meshes = fc.integer({ min: 2, max: MAX_NODES }).chain((size) =>
  fc
    .tuple(
      fc.array(fc.nat(), { minLength: size - 1, maxLength: size - 1 }),
      fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 3 * size, size: 'max' }),
    )
    .map(([parents, chords]): { size: number; pairs: Pairs } => {
      const links = parents.map((parent, i) => [i + 1, parent % (i + 1)] as const)
      return { size, pairs: links.concat(chords.filter(([a, b]) => a !== b)) }
    }),
)

const now = performance.now.bind(performance)
afterEach(() => {
  performance.now = now
})

/** A model whose time is that of `performance`, and whose links take up to `maxDelayMs`, as the seed decides. */
function modelOf(size: number, pairs: Pairs, seed: number, maxDelayMs: number): TreeModel {
  let state = seed
  // Park and Miller's generator.
  const chance = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
  const model = new TreeModel({ size, pairs, maxDelayMs, chance })
  // Not a mock: that would keep each call.
  performance.now = () => model.nowMs
  return model
}

const seeds = fc.integer({ min: 1, max: 2_147_483_646 })

const delays = fc.integer({ min: 1, max: 400 })
/** So many that several are under way at once. */
const publishes = fc.array(fc.record({ atMs: fc.nat(20_000), author: fc.nat() }), {
  minLength: 1,
  maxLength: 60,
  size: 'max',
})
const authorLists = fc.array(fc.nat(), { minLength: 1, maxLength: 8, size: 'max' })

/** What happens to a mesh: two nodes take each other in or out of it, or lose their connection, for good or not. */
interface Change {
  atMs: number
  kind: 'join' | 'part' | 'cut' | 'reconnect' | 'restart'
  a: number
  b: number
}

/** So far apart are changes of one link: whose only link is lost time and again for 10 s may miss a message. */
const LINK_STAYS_MS = 2_000

const changeLists = fc.array(
  fc.record({
    atMs: fc.nat(20_000),
    kind: fc.constantFrom<Change['kind']>('join', 'part', 'cut', 'reconnect', 'restart'),
    a: fc.nat(),
    b: fc.nat(),
  }),
  { maxLength: 40, size: 'max' },
)

/** Has changes happen, but for those that the mesh would fall apart by. */
function change(model: TreeModel, size: number, pairs: Pairs, changes: readonly Change[]): void {
  let links = pairs
  const changedAtMs = new Map<string, number>()
  for (const { atMs, kind, a: from, b: to } of changes.toSorted((one, other) => one.atMs - other.atMs)) {
    const [a, b] = (kind === 'join' ? undefined : links[from % links.length]) ?? [from % size, to % size]
    const name = [a, b].toSorted((one, other) => one - other).join('-')
    if (kind === 'restart') model.at(atMs, () => model.restart(a))
    if (a === b || kind === 'restart' || atMs < (changedAtMs.get(name) ?? -Infinity) + LINK_STAYS_MS) continue
    const others = links.filter((other) => !isSame(other, [a, b]))
    const isParting = kind === 'part' || kind === 'cut'
    if (isParting && !isConnected(size, others)) continue
    changedAtMs.set(name, atMs)
    links = isParting ? others : [...others, [a, b]]
    model.at(atMs, () => {
      if (kind === 'part') model.part(a, b)
      if (kind === 'cut' || kind === 'reconnect') model.cut(a, b)
      if (kind === 'join' || kind === 'reconnect') model.join(a, b)
    })
  }
}

/**
 * Has each author write many messages at once, so that they overtake each other and are late, and then one by one, and
 * in time, until all is calm.
 */
function write(model: TreeModel, authors: readonly number[], calmMs: number): void {
  for (let i = 0; i < 40; i++) {
    for (const author of authors) model.publishAt(i * 100, author, `${i} of ${author}`)
  }
  model.run()
  model.maxDelayMs = CALM_MS
  const calmUntilMs = model.nowMs + calmMs
  for (let i = 0; model.nowMs < calmUntilMs; i++) {
    model.publishAt(model.nowMs + 100, authors[i % authors.length] ?? 0, `${i} alone`)
    model.run()
  }
}

/** Has each node write once, and counts what that took, who was left out, and the links that are left. */
function measured(model: TreeModel, size: number): { sends: number; grafts: number; left: number; links: number } {
  const { sends, grafts } = model
  let left = 0
  for (let node = 0; node < size; node++) {
    model.publishAt(model.nowMs + 100, node, `from ${node}`)
    model.run()
    left += size - model.holders(`from ${node}`)
  }
  return { sends: model.sends - sends, grafts: model.grafts - grafts, left, links: model.eager().length }
}

function treeOf(size: number): ReturnType<typeof measured> {
  return { sends: size * (size - 1), grafts: 0, left: 0, links: size - 1 }
}

it('carries each message of any authors to every node of a mesh, whatever the delays', () => {
  fc.assert(
    fc.property(meshes, seeds, delays, publishes, ({ size, pairs }, seed, maxDelayMs, all) => {
      const model = modelOf(size, pairs, seed, maxDelayMs)
      all.forEach(({ atMs, author }, i) => model.publishAt(atMs, author % size, `m${i}`))
      model.run()
      expect(all.map((_, i) => model.holders(`m${i}`))).toEqual(all.map(() => size))
    }),
  )
})

it('carries each message to every node while the mesh changes, as long as it holds together', () => {
  fc.assert(
    fc.property(meshes, seeds, delays, publishes, changeLists, ({ size, pairs }, seed, maxDelayMs, all, changes) => {
      const model = modelOf(size, pairs, seed, maxDelayMs)
      all.forEach(({ atMs, author }, i) => model.publishAt(atMs, author % size, `m${i}`))
      // Who starts anew may take what nobody else has with it.
      const kept = changes.filter(({ kind }) => kind !== 'restart')
      change(model, size, pairs, kept)
      model.run()
      expect(all.map((_, i) => model.holders(`m${i}`))).toEqual(all.map(() => size))
    }),
  )
})

it('comes to a tree over whose links each message goes once', () => {
  fc.assert(
    fc.property(meshes, seeds, delays, authorLists, ({ size, pairs }, seed, maxDelayMs, authors) => {
      const model = modelOf(size, pairs, seed, maxDelayMs)
      write(
        model,
        authors.map((author) => author % size),
        60_000,
      )
      expect(measured(model, size)).toEqual(treeOf(size))
    }),
  )
})

it('comes to a tree again once the mesh, and the nodes of it that started anew, have calmed down', () => {
  fc.assert(
    fc.property(meshes, seeds, delays, authorLists, changeLists, ({ size, pairs }, seed, maxDelayMs, list, changes) => {
      const model = modelOf(size, pairs, seed, maxDelayMs)
      const authors = list.map((author) => author % size)
      for (let i = 0; i < 50; i++) model.publishAt(i * 400, authors[i % authors.length] ?? 0, `m${i}`)
      change(model, size, pairs, changes)
      model.run()
      write(model, authors, 60_000)
      expect(measured(model, size)).toEqual(treeOf(size))
    }),
  )
})

function isSame(one: Pairs[number], other: Pairs[number]): boolean {
  return (one[0] === other[0] && one[1] === other[1]) || (one[0] === other[1] && one[1] === other[0])
}

function isConnected(size: number, pairs: Pairs): boolean {
  const reached = new Set([0])
  for (let before = 0; before < reached.size;) {
    before = reached.size
    for (const [a, b] of pairs) if (reached.has(a) || reached.has(b)) reached.add(a).add(b)
  }
  return reached.size === size
}

it('carries a message over the only link there is, though that is lost time and again for more than 3 s', () => {
  const model = new TreeModel({ size: 2, pairs: [[0, 1]], maxDelayMs: 100, chance: () => 0.5 })
  performance.now = () => model.nowMs
  model.publishAt(0, 0, 'lost')
  // Each time before a word arrives.
  for (let atMs = 25; atMs < 4_000; atMs += 100) {
    model.at(atMs, () => {
      model.cut(0, 1)
      model.join(0, 1)
    })
  }
  model.run()
  expect(model.holders('lost')).toBe(2)
})

import fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import { type Pairs, TreeModel } from './helpers/tree-model.ts'

const MAX_NODES = 16
/** So short that no message is asked for that comes by itself, however long its way. */
const CALM_MS = 10

/** A connected graph: each node after the first is linked to one before it, and some pairs besides. */
const meshes = fc.integer({ min: 2, max: MAX_NODES }).chain((size) =>
  fc
    .tuple(
      fc.array(fc.nat(), { minLength: size - 1, maxLength: size - 1 }),
      fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 3 * size }),
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

it('carries each message of any authors to every node of a mesh, whatever the delays', () => {
  const publishes = fc.array(fc.record({ atMs: fc.nat(20_000), author: fc.nat() }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(
      meshes,
      seeds,
      fc.integer({ min: 1, max: 400 }),
      publishes,
      ({ size, pairs }, seed, maxDelayMs, all) => {
        const model = modelOf(size, pairs, seed, maxDelayMs)
        all.forEach(({ atMs, author }, i) => model.publishAt(atMs, author % size, `m${i}`))
        model.run()
        expect(all.map((_, i) => model.holders(`m${i}`))).toEqual(all.map(() => size))
      },
    ),
  )
})

it('comes to a tree over whose links each message goes once', () => {
  const authorLists = fc.array(fc.nat(), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(
      meshes,
      seeds,
      fc.integer({ min: 1, max: 400 }),
      authorLists,
      ({ size, pairs }, seed, maxDelayMs, authors) => {
        const model = modelOf(size, pairs, seed, maxDelayMs)
        const publish = (author: number, id: string): void => {
          model.publishAt(model.nowMs + 100, author % size, id)
          model.run()
          expect(model.holders(id)).toBe(size)
        }
        // First all at once, so that messages overtake each other and are late, and then one by one, and in time.
        for (let i = 0; i < 40; i++) {
          for (const author of authors) model.publishAt(i * 100, author % size, `${i} of ${author}`)
        }
        model.run()
        model.maxDelayMs = CALM_MS
        const calmUntilMs = model.nowMs + 60_000
        for (let i = 0; model.nowMs < calmUntilMs; i++) publish(authors[i % authors.length] ?? 0, `${i} alone`)

        const before = { sends: model.sends, grafts: model.grafts }
        for (let node = 0; node < size; node++) publish(node, `from ${node}`)
        const after = { sends: model.sends - before.sends, grafts: model.grafts - before.grafts }
        expect(after).toEqual({ sends: size * (size - 1), grafts: 0 })
        expect(model.eager()).toHaveLength(size - 1)
      },
    ),
  )
})

it('mends itself where links are cut, as long as the mesh holds together', () => {
  fc.assert(
    fc.property(meshes, seeds, ({ size, pairs }, seed) => {
      const model = modelOf(size, pairs, seed, 50)
      for (let i = 0; i < 50; i++) model.publishAt(i * 100, 0, `before ${i}`)
      model.run()
      const isBridge = (pair: Pairs[number]): boolean =>
        !isConnected(
          size,
          pairs.filter((other) => !isSame(other, pair)),
        )
      const cut = pairs.filter((pair, i) => i < pairs.length && !isBridge(pair)).slice(0, 1)
      for (const [a, b] of cut) model.cut(a, b)
      for (let i = 0; i < 50; i++) model.publishAt(model.nowMs + 1 + i * 100, i % size, `after ${i}`)
      model.run()
      for (let i = 0; i < 50; i++) expect(model.holders(`after ${i}`)).toBe(size)
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

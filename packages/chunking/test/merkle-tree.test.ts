import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { HASH_BYTES, leafHash, MerkleTree, pathLength, rootOfPath } from '../src/index.ts'
import { EMPTY_ROOT, LEAVES, PATHS, ROOTS } from './fixtures/rfc6962.ts'
import { hex, unhex } from './helpers.ts'

const leafLists = fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 70 })

function sha256(...parts: Uint8Array[]): Uint8Array {
  return createHash('sha256').update(Buffer.concat(parts)).digest()
}

/** The largest power of two below `n`. */
function splitAt(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

/** MTH of RFC 6962, section 2.1, word for word: slow, and nothing like what is tested. */
function slowRoot(leaves: Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256()
  const [only] = leaves
  if (leaves.length === 1 && only !== undefined) return sha256(Uint8Array.of(0), only)
  const k = splitAt(leaves.length)
  return sha256(Uint8Array.of(1), slowRoot(leaves.slice(0, k)), slowRoot(leaves.slice(k)))
}

/** PATH of RFC 6962, section 2.1.1, word for word. */
function slowPath(m: number, leaves: Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return []
  const k = splitAt(leaves.length)
  return m < k
    ? [...slowPath(m, leaves.slice(0, k)), slowRoot(leaves.slice(k))]
    : [...slowPath(m - k, leaves.slice(k)), slowRoot(leaves.slice(0, k))]
}

function treeOf(leaves: Uint8Array[]): MerkleTree {
  return new MerkleTree(Buffer.concat(leaves.map(leafHash)))
}

it('has the known roots of the trees over one to eight leaves, and of none', () => {
  const leaves = LEAVES.map(unhex)
  expect(hex(treeOf([]).root)).toBe(EMPTY_ROOT)
  expect(ROOTS.map((_, i) => hex(treeOf(leaves.slice(0, i + 1)).root))).toEqual(ROOTS)
  expect(ROOTS.map((_, i) => hex(slowRoot(leaves.slice(0, i + 1))))).toEqual(ROOTS)
})

it('gives the known audit paths', () => {
  const leaves = LEAVES.map(unhex)
  for (const { index, size, path } of PATHS) {
    expect(hex(treeOf(leaves.slice(0, size)).path(index))).toBe(path.join(''))
    expect(slowPath(index, leaves.slice(0, size)).map(hex)).toEqual(path)
    const root = rootOfPath(leafHash(unhex(LEAVES[index])), index, size, unhex(path.join('')))
    expect(hex(root)).toBe(ROOTS[size - 1])
  }
})

it('agrees with the definition on roots and paths, whatever the number of leaves', () => {
  fc.assert(
    fc.property(leafLists, fc.nat(), (leaves, n) => {
      const index = n % leaves.length
      const tree = treeOf(leaves)
      expect(hex(tree.root)).toBe(hex(slowRoot(leaves)))
      expect(hex(tree.path(index))).toBe(slowPath(index, leaves).map(hex).join(''))
      expect(pathLength(index, leaves.length) * HASH_BYTES).toBe(tree.path(index).byteLength)
    }),
  )
})

it('leads by the path of a leaf to the root at its index and at no other, and for no other leaf', () => {
  const distinct = fc.uniqueArray(fc.uint8Array({ maxLength: 20 }), { minLength: 2, maxLength: 40, selector: hex })
  fc.assert(
    fc.property(distinct, fc.nat(), fc.nat(), (leaves, a, b) => {
      const tree = treeOf(leaves)
      const [index, other] = [a % leaves.length, b % leaves.length]
      const path = tree.path(index)
      const leaf = leafHash(leaves[index] ?? new Uint8Array())
      const isRoot = (hash: Uint8Array, at: number): boolean =>
        path.byteLength === pathLength(at, leaves.length) * HASH_BYTES &&
        hex(rootOfPath(hash, at, leaves.length, path)) === hex(tree.root)
      expect(isRoot(leaf, index)).toBe(true)
      if (other === index) return
      expect(isRoot(leaf, other)).toBe(false)
      expect(isRoot(leafHash(leaves[other] ?? new Uint8Array()), index)).toBe(false)
    }),
  )
})

it('takes no node for a leaf', () => {
  const [a, b] = [leafHash(Uint8Array.of(1)), leafHash(Uint8Array.of(2))]
  const tree = new MerkleTree(Buffer.concat([a, b]))
  expect(hex(leafHash(Buffer.concat([a, b])))).not.toBe(hex(tree.root))
})

it('refuses half a hash, and the path of a leaf that is not there', () => {
  expect(() => new MerkleTree(new Uint8Array(33))).toThrow(RangeError)
  const tree = treeOf([Uint8Array.of(1)])
  expect(tree.path(0)).toEqual(new Uint8Array())
  for (const index of [-1, 1, 0.5, Number.NaN]) expect(() => tree.path(index)).toThrow(RangeError)
})

import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { HashBatch } from '../src/crypto/hash-batch.ts'

const slow = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()
const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 40 })

function hashed(all: readonly Uint8Array[], withLanes: boolean): Buffer[] {
  const target = Buffer.alloc(all.length * 32)
  const batch = new HashBatch(target, withLanes)
  for (const [i, each] of all.entries()) batch.add(i * 32, Buffer.from(each))
  batch.finish()
  return all.map((_, i) => target.subarray(i * 32, (i + 1) * 32))
}

it('hashes each message as SHA-256 does, with vectors and without, at every length up to some blocks', () => {
  const all = Array.from({ length: 600 }, (_, length) => Buffer.alloc(length, length))
  for (const withLanes of [true, false]) expect(hashed(all, withLanes)).toEqual(all.map(slow))
})

it('hashes messages of any bytes and lengths in any order', () => {
  fc.assert(
    fc.property(messages, (all) => {
      expect(hashed(all, true)).toEqual(all.map(slow))
    }),
  )
})

it('hashes what is longer than 32 blocks, 2,039 bytes, one by one', () => {
  const all = [2_038, 2_039, 2_040, 70_000].map((length) => Buffer.alloc(length, 7))
  expect(hashed(all, true)).toEqual(all.map(slow))
})

it('hashes a part of a buffer, and what is added may change afterwards', () => {
  const [target, source] = [Buffer.alloc(64), Buffer.from('0123456789')]
  const batch = new HashBatch(target)
  batch.add(32, source, 2, 5)
  source.fill(0)
  batch.add(0, source, 9)
  batch.finish()
  expect([target.subarray(32), target.subarray(0, 32)]).toEqual([slow(Buffer.from('234')), slow(Buffer.alloc(1))])
})

it('keeps batches apart that are filled by turns', () => {
  fc.assert(
    fc.property(messages, (all) => {
      const targets = [0, 1].map(() => Buffer.alloc(all.length * 32))
      const batches = targets.map((target) => new HashBatch(target))
      for (const [i, each] of all.entries()) batches[i % 2]?.add(i * 32, Buffer.from(each))
      for (const batch of batches) batch.finish()
      for (const [i, each] of all.entries()) {
        expect(targets[i % 2]?.subarray(i * 32, (i + 1) * 32)).toEqual(slow(each))
      }
    }),
  )
})

it('writes nothing but the digests, and nothing again when it is finished twice', () => {
  const target = Buffer.alloc(96, 1)
  const batch = new HashBatch(target)
  batch.add(32, Buffer.from('one'))
  batch.finish()
  expect(target).toEqual(Buffer.concat([Buffer.alloc(32, 1), slow(Buffer.from('one')), Buffer.alloc(32, 1)]))
  target.fill(2)
  batch.finish()
  expect(target).toEqual(Buffer.alloc(96, 2))
})

it('is not finished by another batch, which nothing was added to', () => {
  const targets = [Buffer.alloc(32), Buffer.alloc(32)] as const
  const [one, three] = [new HashBatch(targets[0]), new HashBatch(targets[1])]
  one.add(0, Buffer.from('one'))
  new HashBatch(Buffer.alloc(0)).finish()
  three.add(0, Buffer.from('three'))
  one.finish()
  three.finish()
  expect(targets).toEqual([slow(Buffer.from('one')), slow(Buffer.from('three'))])
})

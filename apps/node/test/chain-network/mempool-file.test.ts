import { mkdir, mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { MempoolFile } from '../../src/chain-network/mempool-file.ts'

let directory: string
let path: string
const call = { signal: new AbortController().signal }

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gridmesh-mempool-'))
  path = join(directory, 'mempool.log')
})
afterEach(async () => rm(directory, { recursive: true }))

async function read(file: MempoolFile): Promise<number[][]> {
  const records: number[][] = []
  for await (const record of file.read(call)) records.push([...record])
  return records
}

const records = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 })

it('has nothing where there is no file', async () => {
  expect(await read(new MempoolFile(path))).toEqual([])
})

it('gives back what was written anew and appended, in order, to whoever opens it next', async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.array(records, { maxLength: 4 }), async (first, others) => {
      const file = new MempoolFile(path)
      await file.rewrite(first, call)
      for (const more of others) await file.append(more)
      const expected = [...first, ...others.flat()].map((record) => Array.from(record))
      expect(await read(file)).toEqual(expected)
      await file.close()
      expect(await read(new MempoolFile(path))).toEqual(expected)
    }),
    { numRuns: 30 },
  )
})

it('reads what is longer than one chunk of a file', async () => {
  const file = new MempoolFile(path)
  const long = [1, 2, 3].map((byte) => new Uint8Array(200_000).fill(byte))
  await file.rewrite(long, call)
  const lengths: number[] = []
  for await (const record of file.read(call)) lengths.push(record.byteLength, record[199_999] ?? 0)
  expect(lengths).toEqual([200_000, 1, 200_000, 2, 200_000, 3])
})

it('gives the whole records of a file that is cut at any byte', async () => {
  const file = new MempoolFile(path)
  await file.rewrite([Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)], call)
  const bytes = await readFile(path)
  const counts: number[] = []
  for (let length = bytes.byteLength; length >= 0; length--) {
    await truncate(path, length)
    counts.push((await read(new MempoolFile(path))).length)
  }
  // 4 + 2, 4 and 4 + 1 bytes.
  expect(counts).toEqual([3, ...Array<number>(5).fill(2), ...Array<number>(4).fill(1), ...Array<number>(6).fill(0)])
})

it('stops at a length that no record has, says where, and keeps the file when it is written anew', async () => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(1_048_577)
  const damaged = Buffer.concat([Buffer.from([0, 0, 0, 1, 9]), length, Buffer.alloc(2_000_000)])
  await writeFile(path, damaged)
  await writeFile(`${path}.damaged`, 'of another time')
  const file = new MempoolFile(path)
  const found: number[][] = []
  const reading = (async () => {
    for await (const record of file.read(call)) found.push([...record])
  })()
  await expect(reading).rejects.toMatchObject({
    code: 'damaged-mempool',
    message: `${path} cannot be read from byte 5 on, and is kept as ${path}.damaged: no record has 1048577 bytes`,
  })
  expect(found).toEqual([[9]])
  await file.rewrite([Uint8Array.of(9)], call)
  expect(await read(file)).toEqual([[9]])
  expect(damaged.equals(await readFile(`${path}.damaged`))).toBe(true)
  // The next time all of it can be read.
  await file.rewrite([Uint8Array.of(8)], call)
  expect(damaged.equals(await readFile(`${path}.damaged`))).toBe(true)
})

it('says so where the disk gives nothing of the file', async () => {
  await mkdir(path)
  await expect(read(new MempoolFile(path))).rejects.toMatchObject({
    code: 'damaged-mempool',
    message: expect.stringMatching(/byte 0 .*EISDIR/),
  })
})

it('keeps the old records where writing anew was given up', async () => {
  const file = new MempoolFile(path)
  await file.rewrite([Uint8Array.of(1)], call)
  const gone = AbortSignal.abort(new RangeError('given up'))
  await expect(file.rewrite([new Uint8Array(300_000)], { signal: gone })).rejects.toThrow('given up')
  // On a full disk, what was written of it would be what the blocks have no room for.
  expect(await readdir(directory)).toEqual(['mempool.log'])
  expect(await read(file)).toEqual([[1]])
  await file.append([Uint8Array.of(2)])
  await file.close()
  expect(await read(file)).toEqual([[1], [2]])
})

it('is readable by its owner alone, and leaves one file', async () => {
  const file = new MempoolFile(path)
  await file.append([Uint8Array.of(1)])
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  await file.rewrite([Uint8Array.of(2)], call)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  // What follows goes behind what was written anew.
  await file.append([Uint8Array.of(3)])
  await file.close()
  expect(await read(file)).toEqual([[2], [3]])
  expect(await readdir(directory)).toEqual(['mempool.log'])
})

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MAX_BLOCK_BYTES } from '@gridmesh/ledger'
import fc from 'fast-check'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { BlockFileReader, BlockFileWriter } from '../../src/cli/block-file.ts'
import { BlockFileError } from '../../src/cli/errors.ts'
import { syncsIn } from '../syncs.ts'

const directory = mkdtempSync(join(tmpdir(), 'gridmesh-blocks-'))
afterAll(() => rmSync(directory, { recursive: true }))
const CHAIN = 'ab'.repeat(32)
const HEAD_BYTES = 42
let count = 0
const newPath = (): string => join(directory, `${count++}.gmb`)

async function written(blocks: readonly Uint8Array[]): Promise<string> {
  const path = newPath()
  const file = await BlockFileWriter.create(path, CHAIN)
  for (const block of blocks) await file.append(block)
  await file.close()
  return path
}

/** All blocks that can be read, and why it ended. */
async function read(path: string): Promise<{ blocks: string[]; offset: number; fault: string | undefined }> {
  const file = await BlockFileReader.open(path)
  const blocks: string[] = []
  let fault: string | undefined
  try {
    for (let block = await file.next(); block !== undefined; block = await file.next()) {
      blocks.push(Buffer.from(block).toString('hex'))
    }
  } catch (err) {
    fault = err instanceof BlockFileError && err.offset === file.offset ? err.message : `another error: ${String(err)}`
  }
  await file.close()
  return { blocks, offset: file.offset, fault }
}

const hexOf = (blocks: readonly Uint8Array[]): string[] => blocks.map((block) => Buffer.from(block).toString('hex'))
const someBlocks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 6 })

it('begins with its magic, its version and the chain, and has each block behind its length', async () => {
  const path = await written([Uint8Array.of(1, 2, 3), Uint8Array.of(9)])
  expect((await readFile(path)).toString('hex')).toBe(
    `${Buffer.from('GMBLOCKS').toString('hex')}0001${CHAIN}000000030102030000000109`,
  )
})

it('gives back what was written, in order', async () => {
  await fc.assert(
    fc.asyncProperty(someBlocks, async (blocks) => {
      const path = await written(blocks)
      const { size } = await stat(path)
      expect(await read(path)).toEqual({ blocks: hexOf(blocks), offset: size, fault: undefined })
      const file = await BlockFileReader.open(path)
      expect(file).toMatchObject({ chainId: CHAIN, size, path })
      await file.close()
    }),
    { numRuns: 40 },
  )
})

it('gives the whole blocks before any byte at which it is torn, and names where the fault is', async () => {
  await fc.assert(
    fc.asyncProperty(someBlocks, fc.nat(), async (blocks, seed) => {
      const path = await written(blocks)
      const { size } = await stat(path)
      const length = HEAD_BYTES + (seed % (size - HEAD_BYTES + 1))
      await writeFile(path, (await readFile(path)).subarray(0, length))
      const ends = [0]
      for (const { byteLength } of blocks) ends.push((ends.at(-1) ?? 0) + 4 + byteLength)
      const whole = ends.filter((end) => HEAD_BYTES + end <= length).length - 1
      const end = HEAD_BYTES + (ends[whole] ?? 0)
      const { blocks: got, offset, fault } = await read(path)
      expect(got).toEqual(hexOf(blocks.slice(0, whole)))
      expect(offset).toBe(end)
      const isNamed = fault?.includes(`At byte ${end}: the file ends after ${length - end} of `)
      expect(isNamed).toBe(end === length ? undefined : true)
    }),
    { numRuns: 60 },
  )
})

describe('a file', () => {
  it('holds a block of 1,000,000 bytes, and none that claims more, or none at all', async () => {
    const largest = new Uint8Array(MAX_BLOCK_BYTES).fill(7)
    const path = await written([largest])
    expect((await read(path)).blocks).toEqual(hexOf([largest]))
    for (const [length, shown] of [
      [MAX_BLOCK_BYTES + 1, '1000001'],
      [0, '0'],
      [0xff_ff_ff_ff, '4294967295'],
    ] as const) {
      const bytes = await readFile(await written([]))
      const claim = Buffer.alloc(4)
      claim.writeUInt32BE(length)
      await writeFile(path, Buffer.concat([bytes, claim, Buffer.alloc(100)]))
      expect(await read(path)).toMatchObject({
        blocks: [],
        fault: expect.stringContaining(`a block of ${shown} bytes`),
      })
    }
  })

  it('that exists is never overwritten', async () => {
    const path = await written([Uint8Array.of(1)])
    const before = await readFile(path)
    await expect(BlockFileWriter.create(path, CHAIN)).rejects.toMatchObject({
      name: 'UnusableFileError',
      path,
      message: expect.stringContaining('never overwritten'),
    })
    expect(await readFile(path)).toEqual(before)
  })

  it('is in its place once it is whole, and before that beside it', async () => {
    const path = newPath()
    const file = await BlockFileWriter.create(path, CHAIN)
    await file.append(Uint8Array.of(1))
    expect([existsSync(path), existsSync(`${path}.part`)]).toEqual([false, true])
    await file.close()
    expect([existsSync(path), existsSync(`${path}.part`)]).toEqual([true, false])
  })

  it('that comes into the place of another one meanwhile is refused, and the other one stays', async () => {
    const path = newPath()
    const file = await BlockFileWriter.create(path, CHAIN)
    await writeFile(path, 'another one')
    await expect(file.close()).rejects.toMatchObject({ name: 'UnusableFileError', path })
    expect(await readFile(path, 'utf8')).toBe('another one')
    await file.discard()
    expect(existsSync(`${path}.part`)).toBe(false)
  })

  it('that was not finished is removed', async () => {
    const path = newPath()
    const file = await BlockFileWriter.create(path, CHAIN)
    await file.append(Uint8Array.of(1))
    await file.discard()
    expect([existsSync(path), existsSync(`${path}.part`)]).toEqual([false, false])
  })

  it('whose head cannot be written leaves nothing behind', async () => {
    const path = newPath()
    await using some = await open(directory, 'r')
    const full = Object.assign(new TypeError('write'), { code: 'ENOSPC' })
    const write = vi.spyOn(Object.getPrototypeOf(some), 'writeFile').mockRejectedValueOnce(full)
    onTestFinished(() => write.mockRestore())
    await expect(BlockFileWriter.create(path, CHAIN)).rejects.toThrow('the disk is full')
    expect([existsSync(path), existsSync(`${path}.part`)]).toEqual([false, false])
  })

  it.each([
    ['is empty', ''],
    ['is of another kind', Buffer.from('%PDF-1.7 and more than a head of it ....................').toString('hex')],
    ['ends within its head', Buffer.from('GMBLOCKS').toString('hex').concat('0001abab')],
    ['is of a later version', Buffer.from('GMBLOCKS').toString('hex').concat('0002', CHAIN)],
    ['is of no version', Buffer.from('GMBLOCKS').toString('hex').concat('0000', CHAIN)],
  ])('that %s is refused, with what it is', async (_, hex) => {
    const path = newPath()
    await writeFile(path, Buffer.from(hex, 'hex'))
    await expect(BlockFileReader.open(path)).rejects.toMatchObject({
      name: 'UnusableFileError',
      message: expect.stringMatching(/not begin with|ends within|has version/),
    })
  })

  it('that is another one is refused without a word of what is in it: it may be a key', async () => {
    const path = newPath()
    await writeFile(path, 'CAESQDTrsecret')
    const refusal = BlockFileReader.open(path).catch((err: unknown) => String(err))
    expect(await refusal).toMatch(/it does not begin with "GMBLOCKS"/)
    expect(await refusal).not.toContain('CAES')
  })

  it('that is not there, or is a directory, is named', async () => {
    await expect(BlockFileReader.open(join(directory, 'none'))).rejects.toThrow('does not exist')
    await expect(BlockFileReader.open(directory)).rejects.toMatchObject({ name: 'UnusableFileError' })
    await rm(join(directory, 'none'), { force: true })
  })
})

it('is on the disk as a whole when it is closed', async () => {
  const syncs = await syncsIn(directory)
  const { size } = await stat(await written([Uint8Array.of(1, 2, 3), Uint8Array.of(9)]))
  expect(syncs).toMatchObject([{ size }])
})

import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { KeyValueStore } from '../src/index.ts'
import { openLevel } from '../src/level-store.ts'
import { folder } from './helpers.ts'

const SECTOR = 512
/** What a table ends with, some of which is not used. */
const FOOTER_BYTES = 48
const VALUE_BYTES = 4_096
const SIZES = { writeBufferBytes: 262_144, blockCacheBytes: 0 }
/** Of a store as somebody left it who was killed: two tables, and a log. */
const place = mkdtempSync(join(tmpdir(), 'block-store-'))
const killed = join(place, 'killed')
const tables = (path: string): string[] => readdirSync(path).filter((name) => name.endsWith('.ldb'))
const keyOf = (i: number): Uint8Array => Uint8Array.of(i)

beforeAll(async () => {
  const path = join(place, 'live')
  const store = await openLevel(path, SIZES)
  for (let i = 0; tables(path).length < 2; i++) {
    await store.batch([{ key: keyOf(i), value: randomBytes(VALUE_BYTES) }], { sync: true })
  }
  await store.close()
  // By now all of them are finished.
  const again = await openLevel(path, SIZES)
  cpSync(path, killed, { recursive: true })
  await again.close()
})

afterAll(() => rmSync(place, { recursive: true }))

/** The same with some bytes of a table changed. */
function changed(table: string, change: (bytes: Buffer) => void): string {
  const path = join(folder(), 'copy')
  cpSync(killed, path, { recursive: true })
  const file = join(path, table)
  const bytes = readFileSync(file)
  change(bytes)
  writeFileSync(file, bytes)
  return path
}

/** The same without a file. */
function without(name: string): string {
  const path = join(folder(), 'copy')
  cpSync(killed, path, { recursive: true })
  rmSync(join(path, name))
  return path
}

async function openedAndClosed(path: string): Promise<void> {
  const store: KeyValueStore = await openLevel(path, SIZES)
  await store.close()
}

it('opens what a kill left, and has no file of its own there once it is closed', async () => {
  const path = changed(tables(killed)[0] ?? '', () => undefined)
  expect(readdirSync(path)).toContain('open')
  const store = await openLevel(path, SIZES)
  expect(await store.get(keyOf(1))).toHaveLength(VALUE_BYTES)
  await store.close()
  expect(readdirSync(path)).not.toContain('open')
})

it('finds any sector of a table that is lost, where LevelDB would end the process, and names the table', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(1), fc.nat(), async (which, sector) => {
      const table = tables(killed)[which] ?? ''
      const path = changed(table, (bytes) => {
        const start = (sector % Math.ceil(bytes.length / SECTOR)) * SECTOR
        bytes.fill(0, start, Math.min(start + SECTOR, bytes.length))
      })
      const error = { name: 'CorruptStoreError', record: `table ${table}` }
      await expect(openedAndClosed(path)).rejects.toMatchObject(error)
      // It is looked at again as long as it is not mended.
      await expect(openedAndClosed(path)).rejects.toMatchObject(error)
    }),
    { numRuns: 30 },
  )
})

it('finds any byte of a table that is another, but for those that mean nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(1), fc.nat(), fc.integer({ min: 1, max: 255 }), async (which, index, flip) => {
      const table = tables(killed)[which] ?? ''
      const { length } = readFileSync(join(killed, table))
      const at = index % (length - FOOTER_BYTES)
      const path = changed(table, (bytes) => bytes.writeUInt8(bytes.readUInt8(at) ^ flip, at))
      await expect(openedAndClosed(path)).rejects.toMatchObject({ record: `table ${table}`, code: 'checksum' })
    }),
    { numRuns: 30 },
  )
})

it('lets go of what it found damaged, so that it opens once that is mended', async () => {
  const [table = ''] = tables(killed)
  const path = changed(table, (bytes) => bytes.fill(0, 0, SECTOR))
  await expect(openedAndClosed(path)).rejects.toMatchObject({ record: `table ${table}` })
  cpSync(join(killed, table), join(path, table))
  await openedAndClosed(path)
})

it('finds another bit in the filter, by which LevelDB would miss keys that are there', async () => {
  const [table = ''] = tables(killed)
  const path = changed(table, (bytes) => {
    // The filter lies right before the block that names it.
    const metaIndex = bytes.lastIndexOf('filter.leveldb')
    const at = metaIndex - 300
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  })
  await expect(openedAndClosed(path)).rejects.toMatchObject({ record: `table ${table}`, code: 'checksum' })
})

it('opens over tables that nobody needs, be they unfinished or damaged, as a loss of power leaves them', async () => {
  const [table = ''] = tables(killed)
  const path = changed(table, () => undefined)
  writeFileSync(join(path, '000099.ldb'), randomBytes(1_000))
  const bytes = readFileSync(join(killed, table))
  writeFileSync(join(path, '000098.ldb'), bytes.fill(0, 0, SECTOR))
  await openedAndClosed(path)
  expect(tables(path)).not.toContain('000098.ldb')
  expect(tables(path)).not.toContain('000099.ldb')
})

it('does not open where a table that is needed has lost its end', async () => {
  const [table = ''] = tables(killed)
  const path = changed(table, (bytes) => bytes.fill(0, bytes.length - 8))
  await expect(openedAndClosed(path)).rejects.toMatchObject({ record: `table ${table}`, code: 'malformed' })
})

it('does not open by what is left when a file that leads to its data, or holds it, is gone', async () => {
  const manifest = readFileSync(join(killed, 'CURRENT'), 'latin1').trim()
  await expect(openedAndClosed(without('CURRENT'))).rejects.toThrow('The block store is corrupt: CURRENT: missing')
  for (const name of [manifest, ...tables(killed)]) {
    await expect(openedAndClosed(without(name))).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:files|missing|unavailable)$/),
    })
  }
  // Whoever closed it cannot have lost it either.
  const closed = without('CURRENT')
  rmSync(join(closed, 'open'))
  await expect(openedAndClosed(closed)).rejects.toMatchObject({ code: 'missing' })
})

it('opens where its first start ended before there was anything', async () => {
  const path = folder()
  writeFileSync(join(path, 'MANIFEST-000001'), '')
  writeFileSync(join(path, 'LOG'), '')
  await expect(openedAndClosed(path)).resolves.toBeUndefined()
})

import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { expect, it } from 'vitest'
import { tablesInUse } from '../src/tables-in-use.ts'
import { folder } from './helpers.ts'

const BLOCK_BYTES = 32_768
const KEY_BYTES = 1_500

const manifestOf = (path: string): string => join(path, readFileSync(join(path, 'CURRENT'), 'latin1').trim())

/** A directory whose manifest has several blocks, with records across their ends, and what LevelDB says is in use there. */
async function written(): Promise<{ path: string; inUse: string[] }> {
  const path = join(folder(), 'level')
  const level = new ClassicLevel<string, Uint8Array>(path, {
    valueEncoding: 'view',
    writeBufferSize: 65_536,
    maxFileSize: 1_048_576,
    compression: false,
  })
  await level.open()
  // A manifest has the first and the last key of each table.
  while (statSync(manifestOf(path)).size < 3 * BLOCK_BYTES) {
    const batch = level.batch()
    for (let i = 0; i < 40; i++) batch.put(randomBytes(KEY_BYTES / 2).toString('hex'), randomBytes(100))
    await batch.write()
  }
  await level.compactRange('0', 'g')
  const inUse = [...level.getProperty('leveldb.sstables').matchAll(/^ (\d+):\d+\[/gm)].map(
    ([, number = '']) => `${number.padStart(6, '0')}.ldb`,
  )
  await level.close()
  return { path, inUse: inUse.toSorted() }
}

it('names the tables that LevelDB says are in use, and no others that are there', async () => {
  const { path, inUse } = await written()
  writeFileSync(join(path, '999999.ldb'), 'nobody needs it')
  expect(inUse.length).toBeGreaterThan(1)
  expect((await tablesInUse(path)).toSorted()).toEqual(inUse)
})

it('leaves out a record at the end of a manifest that was not finished, as LevelDB does', async () => {
  const { path, inUse } = await written()
  const manifest = manifestOf(path)
  const whole = readFileSync(manifest)
  writeFileSync(manifest, Buffer.concat([whole, whole.subarray(0, 20)]))
  expect((await tablesInUse(path)).toSorted()).toEqual(inUse)
  truncateSync(manifest, whole.length + 5)
  expect((await tablesInUse(path)).toSorted()).toEqual(inUse)
})

it('names none where there is no database, and does not fail by a manifest that is none', async () => {
  expect(await tablesInUse(join(folder(), 'nowhere'))).toEqual([])
  const path = folder()
  writeFileSync(join(path, 'CURRENT'), 'MANIFEST-000001\n')
  expect(await tablesInUse(path)).toEqual([])
  writeFileSync(join(path, 'MANIFEST-000001'), randomBytes(100_000))
  writeFileSync(join(path, '000001.ldb'), 'nobody needs it')
  expect(readdirSync(path)).toHaveLength(3)
  await expect(tablesInUse(path)).resolves.toBeInstanceOf(Array)
})

import { type FileHandle, chmod, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { createIdentity, identityPath, loadIdentity, readIdentity } from '../src/identity.ts'
import { syncsIn } from './syncs.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gridmesh-identity-'))
})
afterEach(() => rm(directory, { recursive: true }))

it('makes a key on the first start, readable by its owner only, and finds it again on the next', async () => {
  const first = await loadIdentity(directory)
  expect((await stat(identityPath(directory))).mode & 0o777).toBe(0o600)
  expect((await loadIdentity(directory)).equals(first)).toBe(true)
})

it('has a key on the disk before it gives it', async () => {
  const syncs = await syncsIn(directory)
  const path = identityPath(directory)
  await createIdentity(path)
  expect(syncs).toEqual([{ size: (await stat(path)).size, names: ['identity.key'] }])
})

it('never overwrites a key', async () => {
  const path = identityPath(directory)
  await createIdentity(path)
  const before = await readFile(path)
  await expect(createIdentity(path)).rejects.toMatchObject({
    code: 'unusable-file',
    path,
    message: `Cannot use the key file ${path}: there is a file already, and it is never overwritten`,
  })
  expect(await readFile(path)).toEqual(before)
})

it('leaves no file without a key behind where the disk is full', async () => {
  const path = identityPath(directory)
  const full = Object.assign(new Error('full'), { code: 'ENOSPC' })
  await using any = await open(directory, 'r')
  const spy = vi.spyOn(Object.getPrototypeOf(any) as FileHandle, 'writeFile').mockRejectedValueOnce(full)
  onTestFinished(() => spy.mockRestore())
  await expect(createIdentity(path)).rejects.toThrow('the disk is full')
  await expect(loadIdentity(directory)).resolves.toMatchObject({ type: 'Ed25519' })
})

it('refuses a key that others can read, and says what to run', async () => {
  const path = identityPath(directory)
  await createIdentity(path)
  await chmod(path, 0o644)
  await expect(readIdentity(path)).rejects.toThrow(`chmod 600 ${path}`)
})

it.each([
  ['empty', ''],
  ['not base64', '!!!'],
  ['not a key', Buffer.from('hello').toString('base64')],
  ['cut short', 'CAESQ'],
])('refuses a file that is %s without quoting it', async (_, content) => {
  const path = identityPath(directory)
  await writeFile(path, content, { mode: 0o600 })
  const failure: Error = await readIdentity(path).then(
    () => expect.unreachable(),
    (err: Error) => err,
  )
  expect(failure).toMatchObject({ name: 'UnusableFileError', path })
  expect(failure.message).toContain('no ed25519 key')
  expect(failure.cause).toBeUndefined()
})

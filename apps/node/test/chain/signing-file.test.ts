import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SigningFile } from '../../src/chain/signing-file.ts'
import { syncsIn } from '../syncs.ts'
import { at, GENESIS_MS, offer, opened, payment, people } from './chains.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'signing-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

const slot = (height: number, name = 'a') => ({ height, name })

describe('a signing file', () => {
  it('is empty before the first, and knows slots and the last state after a restart', async () => {
    const path = join(folder(), 'record')
    const file = new SigningFile(path)
    expect([await file.load(), await file.has(slot(1))]).toEqual([undefined, false])
    await Promise.all([file.save(slot(1), Uint8Array.of(1)), file.save(slot(2, 'b'), Uint8Array.of(2, 3))])
    const again = new SigningFile(path)
    expect(Buffer.from((await again.load()) ?? [])).toEqual(Buffer.of(2, 3))
    const known = [slot(1), slot(2, 'b'), slot(2), slot(3)].map(async (each) => again.has(each))
    expect(await Promise.all(known)).toEqual([true, true, false, false])
  })

  it('counts what is forgotten as signed, and the height itself as it is, also after a restart', async () => {
    const path = join(folder(), 'record')
    const file = new SigningFile(path)
    await file.save(slot(5), Uint8Array.of(1))
    await file.forgetBelow(5)
    await file.forgetBelow(3)
    expect(await Promise.all([slot(4), slot(5), slot(5, 'b')].map(async (each) => file.has(each)))).toEqual([
      true,
      true,
      false,
    ])
    await file.save(slot(7), Uint8Array.of(2))
    await file.forgetBelow(6)
    const again = new SigningFile(path)
    expect(await Promise.all([slot(4), slot(5), slot(5, 'b')].map(async (each) => again.has(each)))).toEqual([
      true,
      true,
      false,
    ])
    await file.save(slot(8), Uint8Array.of(3))
    expect(await new SigningFile(path).has(slot(5, 'b'))).toBe(true)
  })

  it('is readable by its owner alone', async () => {
    const path = join(folder(), 'record')
    await new SigningFile(path).save(slot(1), Uint8Array.of(1))
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it.each([
    ['cut', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['changed', (bytes: Buffer) => Buffer.from(bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)))],
    ['empty', () => Buffer.alloc(0)],
  ])('is refused when it was %s, so that nothing is signed', async (_, harm) => {
    const path = join(folder(), 'record')
    await new SigningFile(path).save(slot(1), Uint8Array.of(1))
    writeFileSync(path, harm(readFileSync(path)))
    await expect(new SigningFile(path).load()).rejects.toMatchObject({
      name: 'CorruptRecordError',
      code: 'corrupt-record',
    })
    await expect(new SigningFile(path).has(slot(9))).rejects.toMatchObject({ code: 'corrupt-record' })
  })

  it('is on the disk before it takes the place of the old one, and so is that it did', async () => {
    const directory = folder()
    const path = join(directory, 'record')
    const syncs = await syncsIn(directory)
    await new SigningFile(path).save(slot(1), Uint8Array.of(1))
    const [file, place] = [
      { size: statSync(path).size, names: ['record.next'] },
      { size: undefined, names: ['record'] },
    ]
    expect(syncs).toEqual(process.platform === 'win32' ? [file] : [file, place])
  })

  it('is written again after it could not be', async () => {
    const path = join(folder(), 'record')
    const file = new SigningFile(path)
    mkdirSync(`${path}.next`)
    await expect(file.save(slot(1), Uint8Array.of(1))).rejects.toMatchObject({ code: 'EISDIR' })
    rmdirSync(`${path}.next`)
    await file.save(slot(2), Uint8Array.of(2))
    const again = new SigningFile(path)
    expect(await Promise.all([again.has(slot(1)), again.has(slot(2))])).toEqual([false, true])
  })

  it('keeps the old one where the new one cannot be written', async () => {
    const directory = folder()
    const path = join(directory, 'record')
    const file = new SigningFile(path)
    await file.save(slot(1), Uint8Array.of(1))
    const lost = new SigningFile(join(directory, 'nowhere', 'record'))
    await expect(lost.save(slot(1), Uint8Array.of(1))).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await lost.has(slot(1))).toBe(false)
    expect(await new SigningFile(path).has(slot(1))).toBe(true)
  })
})

it('makes a block of what it is offered in a directory, and goes on there after a restart', async () => {
  const directory = join(folder(), 'chain')
  const sinceMs = Date.now()
  const clock = { nowMs: () => GENESIS_MS + 5_000 + Date.now() - sinceMs }
  const init = { directory, clock, signer: at(people, 0) }
  const chain = await opened(init)
  const { promise, resolve } = Promise.withResolvers<void>()
  chain.addEventListener('chain:head', () => resolve())
  await chain.start()
  expect(await offer(chain, payment(chain, 0))).toEqual(['added'])
  await promise
  const { head } = chain
  await chain.stop()
  expect(statSync(join(directory, 'signing.record')).mode & 0o777).toBe(0o600)
  const again = await opened(init)
  expect(again.head).toEqual(head)
  await again.start()
})

// Puts one package, @gridmesh/block-store, on a disk: two blocks, the second taken back for another, and all of it there
// when the store is opened again.
// Run: node examples/block-store-alone.ts
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BlockStore, StoreLockedError, type StoredBlock } from '@gridmesh/block-store'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined) => (value === undefined ? 'nothing' : new TextDecoder().decode(value))
const block = (height: number, parent: Uint8Array, body: string): StoredBlock => ({
  height,
  parent,
  hash: createHash('sha256').update(parent).update(body).digest(),
  header: bytes(`header ${height}`),
  body: bytes(body),
  transactions: [createHash('sha256').update(body).digest()],
})

const folder = mkdtempSync(join(tmpdir(), 'chain-'))
const store = await BlockStore.open(folder)
const genesis = block(0, new Uint8Array(32), 'alice has 12 kWh')
await store.append(genesis, [{ key: bytes('alice'), before: undefined, after: bytes('12 kWh') }])

const first = block(1, genesis.hash, 'alice gives 5 kWh to bob')
await store.append(first, [
  { key: bytes('alice'), before: bytes('12 kWh'), after: bytes('7 kWh') },
  { key: bytes('bob'), before: undefined, after: bytes('5 kWh') },
])
console.log(`at height ${store.tip?.height} bob has ${text(await store.get(bytes('bob')))}`)

const reverted = await store.revert()
console.log(`taken back: ${text(reverted.body)}; bob has ${text(await store.get(bytes('bob')))}`)
const second = block(1, genesis.hash, 'alice gives 2 kWh to carol')
await store.append(second, [
  { key: bytes('alice'), before: bytes('12 kWh'), after: bytes('10 kWh') },
  { key: bytes('carol'), before: undefined, after: bytes('2 kWh') },
])

await assert.rejects(BlockStore.open(folder), StoreLockedError)
await store.close()

const again = await BlockStore.open(folder)
const state: string[] = []
for await (const [key, value] of again.entries()) state.push(`${text(key)}: ${text(value)}`)
console.log(`opened again at height ${again.tip?.height}: ${state.join(', ')}`)
assert.deepEqual(state, ['alice: 10 kWh', 'carol: 2 kWh'])
assert.equal(await again.heightOf(first.hash), undefined)
assert.deepEqual(await again.transaction(second.transactions[0] ?? new Uint8Array()), { height: 1, position: 0 })
await again.close()
rmSync(folder, { recursive: true })

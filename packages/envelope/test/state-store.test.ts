import { readFileSync } from 'node:fs'
import { MemoryDatastore } from 'datastore-core'
import { Key } from 'interface-datastore'
import { expect, it } from 'vitest'
import { STATE_KEY } from '../src/constants.ts'
import { StateRecord } from '../src/pb/state.ts'
import { type EnvelopeState, StateStore } from '../src/state-store.ts'

const KEY = new Key(STATE_KEY)
const STATE: EnvelopeState = {
  isClean: true,
  leaseMs: 1_790_000_006_000,
  floorMs: 1_789_999_970_000,
  sequenceMark: 1_790_000_000_000_123n,
  windows: [
    { sender: '\u0001'.repeat(32), lane: 'critical', top: 2n ** 64n - 1n, newestMs: 1_790_000_000_000 },
    { sender: '\u0001'.repeat(32), lane: 'bulk', top: 0n, newestMs: 1_790_000_000_000 },
    { sender: '\u00ff'.repeat(32), lane: 'normal', top: 7n, newestMs: 1_790_000_000_001 },
  ],
  ahead: new Map([['\u00fe'.repeat(32), 1_790_000_030_000]]),
}
const GOLDEN = Buffer.from(readFileSync(new URL('fixtures/state.hex', import.meta.url), 'utf8').trim(), 'hex')

it('finds nothing where nothing was written', async () => {
  expect(await new StateStore(new MemoryDatastore(), 1_000).read()).toBeUndefined()
})

it('reads and writes the golden bytes', async () => {
  const datastore = new MemoryDatastore()
  const store = new StateStore(datastore, 1_000)
  await store.write(STATE)
  expect(Buffer.from(await datastore.get(KEY)).toString('hex')).toBe(GOLDEN.toString('hex'))
  expect(await store.read()).toEqual(STATE)
})

it.each([
  ['of another version', { version: 1 }],
  ['with a sender ahead that has no time', { version: 2, aheadKeys: [new Uint8Array(32)] }],
  ['with a row that has no top', { version: 2, senderKeys: [new Uint8Array(32)], lanes: [1], newestMs: [1] }],
  [
    'with a lane that does not exist',
    { version: 2, senderKeys: [new Uint8Array(32)], lanes: [5], tops: [1n], newestMs: [1] },
  ],
])('refuses a record %s', async (_what, record) => {
  const datastore = new MemoryDatastore()
  await datastore.put(KEY, StateRecord.encode(record))
  await expect(new StateStore(datastore, 1_000).read()).rejects.toThrow(Error)
})

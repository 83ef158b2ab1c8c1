import { type Libp2pEvents, TypedEventEmitter } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { MemoryDatastore } from 'datastore-core'
import { type Datastore, Key } from 'interface-datastore'
import { expect, it, vi } from 'vitest'
import { DATASTORE_PREFIX } from '../src/constants.ts'
import { stored, type Strategy } from '../src/index.ts'
import { at, candidateOf, collect, makePeerIds } from './support.ts'

const peer = candidateOf(at(await makePeerIds(1), 0), 0)
const NEED = { need: [], signal: new AbortController().signal }

async function start(datastore: Datastore): Promise<Strategy> {
  const strategy = stored()({ datastore, events: new TypedEventEmitter<Libp2pEvents>(), logger: defaultLogger() })
  await strategy.start?.()
  return strategy
}

it('writes with the next what could not be written', async () => {
  const datastore = new MemoryDatastore()
  const strategy = await start(datastore)
  vi.spyOn(datastore, 'batch').mockImplementationOnce(() => {
    throw new TypeError('thrown by a test')
  })
  strategy.succeeded?.(peer)
  await strategy.stop?.()
  expect(await collect((await start(datastore)).discover(NEED))).toEqual([])
  await strategy.start?.()
  await strategy.stop?.()
  expect(await collect((await start(datastore)).discover(NEED))).toHaveLength(1)
})

it('places peers by a secret of its own in every datastore', async () => {
  const datastores = [new MemoryDatastore(), new MemoryDatastore()]
  for (const datastore of datastores) await (await start(datastore)).stop?.()
  const key = new Key(`${DATASTORE_PREFIX}/secret`)
  const secrets = await Promise.all(datastores.map(async (datastore) => datastore.get(key)))
  expect(secrets[0]).not.toEqual(secrets[1])
})

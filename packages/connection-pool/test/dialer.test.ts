import { defaultLogger } from '@libp2p/logger'
import { expect, it } from 'vitest'
import { Dialer } from '../src/dialer.ts'
import { resolveOptions } from '../src/options.ts'
import { PoolState } from '../src/pool-state.ts'
import { at, FakeLibp2p, makePeerIds } from './support.ts'

const ids = await makePeerIds(2)

it.each(['works', 'fails'])('counts a dial as under way no longer once it %s', async (end) => {
  const libp2p = new FakeLibp2p()
  if (end === 'fails') libp2p.dial = () => Promise.reject(new RangeError('refused'))
  const underWay: number[] = []
  const components = { connectionManager: libp2p.connectionManager() }
  const log = defaultLogger().forComponent('test')
  const dialer = new Dialer(components, new PoolState(resolveOptions()), log, (_, count) => void underWay.push(count))
  for (const peer of ids) {
    const outcome = await Promise.allSettled([dialer.wait(dialer.dial(peer, []), undefined)])
    expect(outcome).toMatchObject([{ status: end === 'works' ? 'fulfilled' : 'rejected' }])
    expect(dialer.get(peer.toString())).toBeUndefined()
  }
  expect(underWay).toEqual([0, 0])
  expect(at(libp2p.dialled, 1)).toBe(at(ids, 1))
})

import { expect, it } from 'vitest'
import { MAX_COUNTED_PEERS } from '../src/constants.ts'
import { VainAnnouncers } from '../src/vain-announcers.ts'
import { peerIds } from './helpers/peer-ids.ts'

it('counts for a peer until one comes that it gave', async () => {
  const [one, other] = await peerIds(2)
  const vain = new VainAnnouncers()
  for (const peer of [one, one, other]) vain.failed(peer)
  expect([one, other].map((peer) => vain.countOf(peer.toString()))).toEqual([2, 1])
  vain.gave(one)
  expect([one, other].map((peer) => vain.countOf(peer.toString()))).toEqual([0, 1])
})

it('remembers MAX_COUNTED_PEERS of them, those that failed last', async () => {
  const [peer] = await peerIds(2)
  const named = (name: string): typeof peer => Object.create(peer, { toString: { value: () => name } })
  const vain = new VainAnnouncers()
  for (let i = 0; i < MAX_COUNTED_PEERS; i++) vain.failed(named(`${i}`))
  vain.failed(named('0'))
  vain.failed(named('new'))
  expect(['0', '1', '2', 'new'].map((name) => vain.countOf(name))).toEqual([2, 0, 1, 1])
})

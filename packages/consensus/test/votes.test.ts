import { expect, it } from 'vitest'
import type { ChainTip } from '@gridmesh/interfaces'
import type { Head, PoaStanding } from '../src/index.ts'
import { type Commitment, type HashAt, lockFor } from '../src/poa/votes.ts'
import { addressesOf, GENESIS } from './blocks.ts'

/** A branch of blocks named by letter and height, and the head of three authorities on it. */
const branch = (letter: string, height: number, certified: number): [Head<PoaStanding>, HashAt] => {
  const hashAt: HashAt = async (block) => Promise.resolve(block <= height ? `${letter}${block}` : undefined)
  const standing = { weight: 0, certified, final: 0, filled: 0, reputation: 0, set: '', votes: [] }
  return [{ header: { ...GENESIS, height, hash: `${letter}${height}` }, standing, authorities: addressesOf(3) }, hashAt]
}
const at = (hash: string): ChainTip => ({ height: Number(hash.slice(1)), hash })

it.each<[string, Commitment, ReturnType<typeof branch>, string | undefined]>([
  ['nothing was built before', {}, branch('x', 20, 14), 'x14'],
  ['its vote is here', { vote: at('x20') }, branch('x', 20, 14), 'x14'],
  ['its vote is elsewhere, at the lowest height of the window', { vote: at('y15') }, branch('x', 20, 14), undefined],
  ['its vote is elsewhere, just below the window', { vote: at('y14') }, branch('x', 20, 14), 'x14'],
  ['its vote is higher than the head', { vote: at('x21') }, branch('x', 20, 14), undefined],
  ['its lock is here and newer', { lock: at('x16') }, branch('x', 20, 14), 'x16'],
  ['its lock is here and older', { lock: at('x12') }, branch('x', 20, 14), 'x14'],
  ['its lock is elsewhere and newer', { lock: at('y15') }, branch('x', 20, 14), undefined],
  ['its lock is elsewhere, as high as what is certified here', { lock: at('y14') }, branch('x', 20, 14), undefined],
  ['its lock is elsewhere and older', { lock: at('y13') }, branch('x', 20, 14), 'x14'],
])('when %s, takes the lock that is due', async (_, commitment, [head, hashAt], lock) => {
  expect(await lockFor(commitment, head, hashAt)).toEqual(lock === undefined ? undefined : at(lock))
})

it('takes no lock that the chain does not know any more', async () => {
  const [head] = branch('x', 20, 14)
  expect(await lockFor({}, head, async () => Promise.resolve(undefined))).toBeUndefined()
})

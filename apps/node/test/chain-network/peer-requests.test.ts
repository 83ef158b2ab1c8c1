import type { RequestKind } from '@gridmesh/interfaces'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect, it } from 'vitest'
import { getFewBlocksKind, getHeadersKind } from '../../src/chain-network/kinds.ts'
import { peerRequests } from '../../src/chain-network/peer-requests.ts'

const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
const busy = (): Error => Object.assign(new Error('busy'), { code: 'busy', retryAfterMs: 1 })

/** Messages that answer with one thing after the other; an error is thrown. */
function answering(...answers: unknown[]) {
  const asked: { peer: string; kind: string; value: unknown }[] = []
  const request = async (to: PeerId, { kind }: RequestKind<never, never>, value: unknown): Promise<never> => {
    asked.push({ peer: to.toString(), kind, value })
    const answer = answers[Math.min(asked.length, answers.length) - 1]
    if (answer instanceof Error) throw answer
    return answer as never
  }
  return { asked, requests: peerRequests({ request }) }
}

const hashes = (count: number) => Array.from({ length: count }, (_, i) => `${i}`)
const options = () => ({ signal: AbortSignal.timeout(10_000) })

it('asks each request by its kind, and gives the answer', async () => {
  const { asked, requests } = answering('a', 'b', 'c')
  const block = { height: 0, hash: '00' }
  const answers = [
    await requests.headers(peer, { limit: 1, height: 0 }, options()),
    await requests.blocks(peer, { hashes: ['00'], maxBytes: 1 }, options()),
    await requests.statePiece(peer, { block, piece: 0, pieces: 1 }, options()),
  ]
  expect(answers).toEqual(['a', 'b', 'c'])
  expect(asked.map(({ kind }) => kind)).toEqual(['get-headers', 'get-few-blocks', 'get-state-piece'])
  expect(asked.every((each) => each.peer === peer)).toBe(true)
})

it('asks a busy peer again after the time that it named', async () => {
  const { asked, requests } = answering(busy(), busy(), 'here')
  expect(await requests.headers(peer, { limit: 1, height: 0 }, options())).toBe('here')
  expect(asked).toHaveLength(3)
})

it('asks for more than 16 blocks in the lane that gives way to all others', async () => {
  const { asked, requests } = answering('many')
  expect(await requests.blocks(peer, { hashes: hashes(17), maxBytes: 5 }, options())).toBe('many')
  expect(asked).toMatchObject([{ kind: 'get-blocks', value: { hashes: hashes(17), maxBytes: 5 } }])
})

it('asks a peer that is too busy for many blocks for the first 16, until it has room for those', async () => {
  const { asked, requests } = answering(busy(), busy(), 'few')
  expect(await requests.blocks(peer, { hashes: hashes(17), maxBytes: 5 }, options())).toBe('few')
  const few = { kind: 'get-few-blocks', value: { hashes: hashes(16), maxBytes: 5 } }
  expect(asked).toMatchObject([{ kind: 'get-blocks' }, few, few])
})

it('hands on a failure of many blocks, and asks for no fewer', async () => {
  const { asked, requests } = answering(new RangeError('lost'))
  await expect(requests.blocks(peer, { hashes: hashes(17), maxBytes: 5 }, options())).rejects.toThrow('lost')
  expect(asked).toHaveLength(1)
})

it.each([getHeadersKind, getFewBlocksKind])(
  'asks for $kind in a lane that is open on an overloaded node',
  ({ lane }) => {
    expect(lane).toBe('high')
  },
)

it('gives up a busy peer when nobody waits any more', async () => {
  const { requests } = answering(busy())
  const controller = new AbortController()
  const asking = requests.headers(peer, { limit: 1, height: 0 }, { signal: controller.signal })
  controller.abort()
  await expect(asking).rejects.toMatchObject({ name: 'AbortError' })
})

it('hands on any other failure, and a lie by its own name', async () => {
  const lie = Object.assign(new Error('bad'), { name: 'MalformedMessageError' })
  const { requests } = answering(new RangeError('lost'), new Error('invalid', { cause: lie }))
  const ask = async () => requests.headers(peer, { limit: 1, height: 0 }, options())
  await expect(ask()).rejects.toThrow('lost')
  await expect(ask()).rejects.toBe(lie)
})

import { BUCKETS, decodeBlock, decodePiece, defaultRegistry, type Piece, toHex } from '@gridmesh/ledger'
import { beforeEach, expect, it, vi } from 'vitest'
import { ProvedState } from '../../src/chain/checkpoints/proved-state.ts'
import { addressOfPerson, at, GENESIS_MS } from './genesis.ts'
import { blockOf, chainOf, pieceOf } from './states.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 100_000_000 })
  return () => vi.useRealTimers()
})

it('is whole with the last of its pieces and not before, whatever comes twice or is false', async () => {
  const full = await chainOf(7)
  const { header } = decodeBlock(
    await blockOf(full, (full.stateReader.checkpoint() ?? full.head).hash),
    defaultRegistry,
  )
  const pieces: Piece[] = []
  for (const i of [0, 1, 2, 3]) pieces.push(decodePiece((await pieceOf(full, i, 4)) ?? new Uint8Array()))
  await full.stop()
  const mismatch = expect.objectContaining({ code: 'state-mismatch', height: 5, expected: toHex(header.stateRoot) })

  const state = new ProvedState(header)
  for (const piece of [...pieces.slice(1), ...pieces.slice(1)]) {
    expect(state.put(piece)).toBeUndefined()
    expect(() => state.whole()).toThrow(mismatch)
  }
  expect(state.put({ ...at(pieces, 0), entries: at(pieces, 1).entries })).toBe('wrong-bucket')
  expect(state.put({ ...at(pieces, 0), count: BUCKETS / 2 })).toBe('wrong-proof-length')
  expect(() => state.whole()).toThrow(mismatch)
  expect(state.put(at(pieces, 0))).toBeUndefined()
  const { tree, authorities } = state.whole()
  expect(toHex(tree.root)).toBe(toHex(header.stateRoot))
  expect(authorities).toEqual([toHex(addressOfPerson(0))])
})

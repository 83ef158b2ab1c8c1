import { statusCodec } from '@gridmesh/block-sync'
import { expect, it } from 'vitest'
import { statusKind } from '../../src/chain-network/kinds.ts'

const { codec } = statusKind
const status = { tip: { height: 7, hash: 'ab' }, finalised: { height: 3, hash: 'cd' } }

it('reads a status that it wrote', () => {
  expect(codec.decode(codec.encode(status))).toEqual(status)
})

it('reads a status of another version as none, whatever follows', () => {
  const [version = 0, ...rest] = statusCodec.encode(status)
  for (const other of [0, version + 1, 255]) {
    expect(codec.decode(Uint8Array.of(other, ...rest))).toBeUndefined()
    expect(codec.decode(Uint8Array.of(other))).toBeUndefined()
  }
})

it('refuses what is malformed in our version, and to send none', () => {
  const bytes = statusCodec.encode(status)
  expect(() => codec.decode(bytes.subarray(0, -1))).toThrow('Malformed status')
  expect(() => codec.decode(new Uint8Array())).toThrow('Malformed status')
  expect(() => codec.encode(undefined)).toThrow(RangeError)
})

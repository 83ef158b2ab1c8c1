import { readFileSync } from 'node:fs'
import { decodeFrame, encodeFrame } from '@gridmesh-internal/foreign'
import { expect, it } from 'vitest'

const ORIGIN_BYTES = 38

/** The bytes that our own tests hold the protocol down with. */
function golden(name: string): Uint8Array {
  const url = new URL(`../../../packages/broadcast/test/fixtures/${name}.hex`, import.meta.url)
  return Buffer.from(readFileSync(url, 'utf8').trim(), 'hex')
}

it('writes the same frame by hand that our own encoder writes', () => {
  const { origin, payload } = decodeFrame(golden('gossip'))
  expect(origin).toHaveLength(ORIGIN_BYTES)
  expect(Buffer.from(encodeFrame(payload, origin))).toEqual(golden('gossip'))
})

it('reads by hand what our own encoder wrote for a flood', () => {
  expect(decodeFrame(golden('flood'))).toMatchObject({
    lane: 'critical',
    topic: '/gridmesh/test-chain/alarm/1',
    payload: Uint8Array.of(1, 2, 3),
  })
})

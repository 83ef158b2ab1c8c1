import type { Hello, Reason } from '@gridmesh/interfaces'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeFrame } from '../src/decode-frame.ts'
import { encodeFrame } from '../src/encode-frame.ts'
import { HandshakeViolationError } from '../src/errors.ts'
import { hellos } from './arbitraries.ts'
import { FRAME_LIMITS, makeHello } from './helpers.ts'

function outcome(bytes: Uint8Array): string {
  try {
    return decodeFrame(bytes, FRAME_LIMITS).kind
  } catch (err) {
    return err instanceof HandshakeViolationError ? 'violation' : `untyped ${String(err)}`
  }
}

it('throws nothing untyped for any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 512 }), (bytes) => {
      expect(outcome(bytes)).toMatch(/^(hello|verdict|status|goodbye|unknown|violation)$/)
    }),
    { numRuns: 1_000 },
  )
})

it('throws nothing untyped for any byte changed, or any end cut off, in a frame', () => {
  fc.assert(
    fc.property(hellos, fc.nat(), fc.integer({ min: 1, max: 255 }), (hello, at, flip) => {
      const bytes = encodeFrame({ kind: 'hello', hello })
      const i = at % bytes.byteLength
      expect(i === 0 ? 'violation' : outcome(bytes.subarray(0, i))).toBe('violation')
      bytes[i] = (bytes[i] ?? 0) ^ flip
      expect(outcome(bytes)).toMatch(/^(hello|verdict|status|goodbye|unknown|violation)$/)
    }),
    { numRuns: 1_000 },
  )
})

it.each<[string, Partial<Hello>]>([
  ['no version', { protocol: { min: 0, max: 1 } }],
  ['a version range that ends before it begins', { protocol: { min: 3, max: 2 } }],
  ['a chain id of 129 bytes', { chainId: 'x'.repeat(129) }],
  ['a genesis hash of 129 bytes', { genesisHash: 'x'.repeat(129) }],
  ['a tip hash of 129 bytes', { tipHash: 'x'.repeat(129) }],
  ['a role of 65 bytes', { role: 'x'.repeat(65) }],
  ['a role of 22 characters that take 66 bytes', { role: '€'.repeat(22) }],
  ['a region with a line break', { region: 'no\nrth' }],
  ['65 capabilities', { capabilities: Array<string>(65).fill('x') }],
  ['a capability of 65 bytes', { capabilities: ['x'.repeat(65)] }],
  ['33 listen addresses', { listenAddresses: Array<string>(33).fill('x') }],
  ['a listen address of 257 bytes', { listenAddresses: ['x'.repeat(257)] }],
  ['a user agent of 129 bytes', { userAgent: 'x'.repeat(129) }],
  ['a negative quota', { quota: { messagesPerSecond: -1, bytesPerSecond: 1 } }],
  ['a quota that is no number', { quota: { messagesPerSecond: 1, bytesPerSecond: NaN } }],
  ['credentials of 2049 bytes', { credentials: new Uint8Array(2_049) }],
])('refuses a Hello with %s', (_, hello) => {
  expect(outcome(encodeFrame({ kind: 'hello', hello: makeHello(hello) }))).toBe('violation')
})

it('takes a Hello with every field at its limit, which fits one frame', () => {
  const hello = makeHello({
    protocol: { min: 1, max: 2 ** 32 - 1 },
    chainId: 'x'.repeat(128),
    genesisHash: 'x'.repeat(128),
    height: Number.MAX_SAFE_INTEGER,
    tipHash: 'x'.repeat(128),
    role: 'x'.repeat(64),
    region: 'x'.repeat(64),
    capabilities: Array<string>(64).fill('x'.repeat(64)),
    listenAddresses: Array<string>(32).fill('x'.repeat(256)),
    userAgent: 'x'.repeat(128),
    quota: { messagesPerSecond: 1, bytesPerSecond: 1 },
    credentials: new Uint8Array(2_048),
  })
  const bytes = encodeFrame({ kind: 'hello', hello })
  expect(bytes.byteLength).toBeLessThanOrEqual(16_384)
  expect(decodeFrame(bytes, FRAME_LIMITS)).toEqual({ kind: 'hello', hello })
})

it.each([
  ['a verdict that accepts with a reason', '1207080112030a0161'],
  ['a verdict that refuses without one', '1200'],
  ['a goodbye without a reason', '2200'],
  ['a reason whose code is not in kebab-case', '22050a030a0141'],
  ['a height of 2 to the 53rd', '1a09088080808080808010'],
  ['a height of 2 to the 64th less one', '1a0b08ffffffffffffffffff01'],
  ['two messages in one frame', '1a001a00'],
  ['a field that runs over the end of its message', '1a020805ff'],
  ['a string that runs over the end of the frame', '1a0412ff0000'],
])('refuses %s', (_, hex) => {
  expect(outcome(Buffer.from(hex, 'hex'))).toBe('violation')
})

it('refuses a reason whose value is not finite', () => {
  const reason: Reason = { code: 'a', message: '' }
  const bytes = encodeFrame({ kind: 'goodbye', reason: { ...reason, value: 1 } })
  bytes.set(Buffer.from('000000000000f07f', 'hex'), bytes.byteLength - 8)
  expect(outcome(bytes)).toBe('violation')
})

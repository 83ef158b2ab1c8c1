import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFrame } from '../src/decode-frame.ts'
import { encodeFrame } from '../src/encode-frame.ts'
import type { OutboundFrame } from '../src/frame.ts'
import { hellos, reasons } from './arbitraries.ts'
import { FRAME_LIMITS, GENESIS } from './helpers.ts'

// The bytes come from what protons generates for pb/handshake.proto, and hold our own codec to it.
const GOLDEN: Record<string, OutboundFrame> = {
  hello: {
    kind: 'hello',
    hello: {
      protocol: { min: 1, max: 2 },
      chainId: 'gridmesh-test',
      genesisHash: GENESIS,
      height: 5_000_000_000,
      tipHash: '00ff',
      role: 'authority',
      region: 'eu-north',
      capabilities: ['archive', 'sync'],
      listenAddresses: ['/ip4/127.0.0.1/tcp/9000', '/ip6/::1/tcp/9000'],
      userAgent: 'gridmesh/1.0',
      timeMs: 1_792_000_000_000,
      quota: { messagesPerSecond: 100, bytesPerSecond: 5_242_880 },
      credentials: Uint8Array.of(1, 2, 3),
    },
  },
  'hello-minimal': {
    kind: 'hello',
    hello: {
      protocol: { min: 1, max: 1 },
      chainId: 'c',
      genesisHash: 'ff',
      height: 0,
      tipHash: '',
      role: '',
      region: '',
      capabilities: [],
      listenAddresses: [],
      userAgent: '',
      timeMs: 1,
    },
  },
  'verdict-accepted': { kind: 'verdict', refusal: undefined },
  'verdict-refused': {
    kind: 'verdict',
    refusal: {
      code: 'clock-skew',
      message: 'the clocks are 45000 ms apart',
      limit: 'maxClockSkewMs',
      value: 30_000,
    },
  },
  'verdict-referring': {
    kind: 'verdict',
    refusal: { code: 'inbound-full', message: 'maxInbound is 50', limit: 'maxInbound', value: 50 },
    referrals: [Uint8Array.of(1, 2, 3), Uint8Array.of(255)],
  },
  status: { kind: 'status', status: { height: 5_000_000_000, tipHash: '00ff' } },
  goodbye: { kind: 'goodbye', reason: { code: 'shutting-down', message: 'this node is shutting down' } },
}

describe('golden bytes', () => {
  it.each(Object.entries(GOLDEN))('reads %s and writes the same bytes', (name, frame) => {
    const hex = readFileSync(new URL(`fixtures/${name}.hex`, import.meta.url), 'utf8').trim()
    expect(decodeFrame(Buffer.from(hex, 'hex'), FRAME_LIMITS)).toEqual(frame)
    expect(Buffer.from(encodeFrame(frame)).toString('hex')).toBe(hex)
  })
})

it('reads back every frame it writes', () => {
  const status = fc.record({ height: fc.maxSafeNat(), tipHash: fc.string({ maxLength: 128, unit: 'grapheme-ascii' }) })
  const frames: fc.Arbitrary<OutboundFrame> = fc.oneof(
    hellos.map((hello) => ({ kind: 'hello' as const, hello })),
    fc.option(reasons, { nil: undefined }).map((refusal) => ({ kind: 'verdict' as const, refusal })),
    fc
      .tuple(reasons, fc.array(fc.uint8Array({ maxLength: 512 }), { minLength: 1, maxLength: 8 }))
      .map(([refusal, referrals]) => ({ kind: 'verdict' as const, refusal, referrals })),
    status.map((next) => ({ kind: 'status' as const, status: next })),
    reasons.map((reason) => ({ kind: 'goodbye' as const, reason })),
  )
  fc.assert(
    fc.property(frames, (frame) => {
      expect(decodeFrame(encodeFrame(frame), FRAME_LIMITS)).toEqual(frame)
    }),
  )
})

it('reads a frame of a later version as unknown, and skips fields it does not know', () => {
  expect(decodeFrame(Uint8Array.of(0x2a, 0), FRAME_LIMITS)).toEqual({ kind: 'unknown' })
  expect(decodeFrame(new Uint8Array(), FRAME_LIMITS)).toEqual({ kind: 'unknown' })
  const status = Uint8Array.of(0x1a, 4, 0x08, 5, 0x78, 1)
  expect(decodeFrame(status, FRAME_LIMITS)).toEqual({ kind: 'status', status: { height: 5, tipHash: '' } })
})

it('sends a reason in a form that no peer takes for a violation', () => {
  const reason = { code: 'Not Kebab', message: `line\nbreak${'x'.repeat(600)}`, limit: 'x'.repeat(65), value: NaN }
  const frame = decodeFrame(encodeFrame({ kind: 'goodbye', reason }), FRAME_LIMITS)
  expect(frame).toMatchObject({ kind: 'goodbye', reason: { code: 'unspecified' } })
  expect(frame.kind === 'goodbye' && frame.reason.message).toBe(`line break${'x'.repeat(502)}`)
  const cut = decodeFrame(
    encodeFrame({ kind: 'goodbye', reason: { code: 'a', message: '€'.repeat(200) } }),
    FRAME_LIMITS,
  )
  expect(cut).toMatchObject({ reason: { message: '€'.repeat(170) } })
})

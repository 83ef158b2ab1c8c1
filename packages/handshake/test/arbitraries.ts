import type { Hello, Reason } from '@gridmesh/interfaces'
import fc from 'fast-check'

const text = (maxLength: number) => fc.string({ maxLength, unit: 'grapheme-ascii' })

/** Any Hello that fits on the wire. Few values per field, so that two of them often agree. */
export const hellos: fc.Arbitrary<Hello> = fc
  .record(
    {
      protocol: fc
        .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 3 }))
        .map(([min, more]) => ({ min, max: min + more })),
      chainId: fc.constantFrom('one', 'two'),
      genesisHash: fc.constantFrom('aa', 'bb'),
      height: fc.maxSafeNat(),
      tipHash: text(128),
      role: text(64),
      region: text(64),
      capabilities: fc.array(fc.constantFrom('archive', 'relay', 'sync', 'validate'), { maxLength: 8 }),
      listenAddresses: fc.array(text(256), { maxLength: 4 }),
      userAgent: text(128),
      timeMs: fc.constantFrom(1_000_000, 1_030_000, 1_030_001, 2_000_000),
      quota: fc.record({
        messagesPerSecond: fc.double({ min: 0, max: 1e9, noNaN: true }).map((x) => x + 0),
        bytesPerSecond: fc.double({ min: 0, max: 1e9, noNaN: true }).map((x) => x + 0),
      }),
      credentials: fc.uint8Array({ maxLength: 64 }),
    },
    {
      requiredKeys: [
        'protocol',
        'chainId',
        'genesisHash',
        'height',
        'tipHash',
        'role',
        'region',
        'capabilities',
        'listenAddresses',
        'userAgent',
        'timeMs',
      ],
    },
  )
  .map((hello) => hello as Hello)

/** Any reason that fits on the wire. */
export const reasons: fc.Arbitrary<Reason> = fc
  .record(
    {
      code: fc.constantFrom('busy', 'duplicate', 'unauthorised', 'custom-a', 'custom-b'),
      message: text(512),
      limit: text(64),
      value: fc.double({ noNaN: true, noDefaultInfinity: true }),
    },
    { requiredKeys: ['code', 'message'] },
  )
  .map((reason) => reason as Reason)

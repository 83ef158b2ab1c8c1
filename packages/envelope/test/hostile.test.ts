import type { Signer } from '@gridmesh/interfaces'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EnvelopeService } from '../src/envelope-service.ts'
import { compress, jsonCodec, nodeCryptoSigner, protobufCodec, type SignedFields } from '../src/index.ts'
import { ALICE, BOB, codeOf, craft, nominalSigner, now, refusal, started } from './helpers.ts'

const alice = nodeCryptoSigner(ALICE)

describe.each([protobufCodec(), jsonCodec()])('hostile bytes for the $name codec', (codec) => {
  let bob: EnvelopeService

  beforeEach(async () => {
    bob = await started({ codec: codec.name, maxBytes: 4_096 }, {}, BOB)
  })

  afterEach(() => bob.stop())

  it('are refused with a typed error for every single bit that is flipped', async () => {
    const arbitrary = fc.record({ kind: fc.stringMatching(/^[!-~]{1,16}$/), payload: fc.uint8Array({ maxLength: 16 }) })
    await fc.assert(
      fc.asyncProperty(arbitrary, async (fields) => {
        const bytes = craft(alice, { ...fields, sequence: next() }, codec)
        const passed: number[] = []
        for (let bit = 0; bit < bytes.byteLength * 8; bit++) {
          if ((await codeOf(() => bob.open(flip(bytes, bit)))) === undefined) passed.push(bit)
        }
        expect(passed).toEqual([])
        expect(now(bob.open(bytes)).kind).toBe(fields.kind)
      }),
      { numRuns: 1 },
    )
  }, 30_000)

  it('are refused when a bit of a compressed payload is flipped', async () => {
    const packed = compress(new Uint8Array(Buffer.from('kilowatt hour, '.repeat(200))), {
      compressAboveBytes: 0,
      maxRatio: 100,
    })
    const bytes = craft(alice, { ...packed, sequence: next() }, codec)
    const bits = fc.nat({ max: bytes.byteLength * 8 - 1 })
    await fc.assert(
      fc.asyncProperty(bits, async (bit) => {
        expect(await codeOf(() => bob.open(flip(bytes, bit)))).toBeDefined()
      }),
      { numRuns: 200 },
    )
    expect(now(bob.open(bytes)).payload.byteLength).toBe(3_000)
  })

  it('are refused when cut anywhere, or when anything follows', async () => {
    const bytes = craft(alice, { sequence: next() }, codec)
    for (let length = 0; length < bytes.byteLength; length++) {
      expect(await codeOf(() => bob.open(bytes.subarray(0, length)))).toBeTypeOf('string')
    }
    expect(await codeOf(() => bob.open(Buffer.concat([bytes, Buffer.from([0x20])])))).toBe('malformed')
    now(bob.open(bytes))
  })

  it('never throw anything untyped, random or mutated', async () => {
    const bytes = craft(alice, {}, codec)
    const mutated = fc
      .tuple(fc.nat({ max: bytes.byteLength }), fc.nat({ max: 20 }), fc.uint8Array({ maxLength: 20 }))
      .map(([at, drop, insert]) => Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + drop)]))
      .filter((made) => Buffer.compare(made, bytes) !== 0)
    const start = Buffer.from(codec.name === 'json' ? '{"version":1,' : [8, 1])
    const random = fc.uint8Array({ maxLength: 3_000 }).map((tail) => Buffer.concat([start, tail]))
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, random, fc.uint8Array()), async (hostile) => {
        expect(await codeOf(() => bob.open(hostile))).toBeTypeOf('string')
      }),
      { numRuns: 1_000 },
    )
  })

  it('are refused unread when larger than the limit', async () => {
    const limit = codec.maxEncodedBytes(4_096)
    expect(await codeOf(() => bob.open(new Uint8Array(limit + 1)))).toBe('too-large')
    expect(await codeOf(() => bob.open(new Uint8Array(limit)))).toBe('malformed')
    const fits = craft(alice, { payload: new Uint8Array(4_096), sequence: next() }, codec)
    expect(await codeOf(() => bob.open(craft(alice, { payload: new Uint8Array(4_097) }, codec)))).toBe('too-large')
    expect(now(bob.open(fits)).payload.byteLength).toBe(4_096)
  })

  it.each([
    ['declares more than maxBytes', 4_097, 100],
    ['declares more than a hundredfold', 2_001, 20],
    ['is a bomb that declares little', 2_000, 20],
  ])('with a payload that %s are refused before it is inflated that far', async (_what, inflatedBytes, size) => {
    const bomb = compress(new Uint8Array(10_000_000), { compressAboveBytes: 0, maxRatio: Infinity })
    const payload = Buffer.concat([bomb.payload.subarray(0, size)])
    const bytes = craft(alice, { compression: 1, inflatedBytes, payload, sequence: next() }, codec)
    expect(await refusal(() => bob.open(bytes))).toMatchObject({ report: 'invalid-message' })
  })

  it('with a whole bomb are refused at the declared length', async () => {
    const bomb = compress(new Uint8Array(4_000_000), { compressAboveBytes: 0, maxRatio: Infinity })
    const bytes = craft(alice, { ...bomb, inflatedBytes: 4_096, sequence: next() }, codec)
    expect(await refusal(() => bob.open(bytes))).toEqual({ code: 'inflation-limit', report: 'invalid-message' })
  })
})

function maxBytes(kind: string): number | undefined {
  return kind === 'small' ? 10 : undefined
}

async function caught(call: () => unknown): Promise<unknown> {
  try {
    await call()
    return undefined
  } catch (err) {
    return err
  }
}

let count = 0n
function next(): bigint {
  return ++count
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice()
  copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

describe('protobuf framing that readers pass over', () => {
  const bytes = craft(alice, { payload: new Uint8Array([9]) })
  const at = 2 + 2 + 'test-chain'.length

  it.each([
    ['an unknown field', Buffer.concat([bytes, Buffer.from([0x60, 1])])],
    ['an unknown field inside', Buffer.concat([bytes.subarray(0, at), Buffer.from([0x60, 1]), bytes.subarray(at)])],
    ['a repeated version', Buffer.concat([bytes.subarray(0, 2), bytes])],
    ['a repeated payload', Buffer.concat([bytes, bytes.subarray(-3)])],
    ['a padded varint', Buffer.concat([bytes.subarray(0, -2), Buffer.from([0x81, 0x00, 9])])],
    ['a default written out', Buffer.concat([bytes.subarray(0, -3), Buffer.from([0x40, 0]), bytes.subarray(-3)])],
    ['fields in another order', Buffer.concat([bytes.subarray(0, 2), bytes.subarray(-3), bytes.subarray(2, -3)])],
    ['deeply nested groups', Buffer.concat([bytes.subarray(0, 2), Buffer.alloc(100_000, 0x63)])],
    ['a header without end', Buffer.concat([bytes.subarray(0, 2), Buffer.alloc(1_000_000, 0x40)])],
    [
      'a name that is all of it',
      Buffer.concat([bytes.subarray(0, 2), Buffer.from([0x12, 0xff, 0x7f]), Buffer.alloc(16_383, 65)]),
    ],
    ['an empty payload written out', Buffer.concat([bytes.subarray(0, -3), Buffer.from([0x5a, 0])])],
    ['a payload longer than the bytes', Buffer.concat([bytes.subarray(0, -3), Buffer.from([0x5a, 2, 9])])],
    ['a payload shorter than the bytes', Buffer.concat([bytes.subarray(0, -3), Buffer.from([0x5a, 1, 9, 9])])],
    ['a varint without end', Buffer.concat([bytes.subarray(0, 2), Buffer.alloc(12, 0xff)])],
  ])('is refused: %s', async (_what, hostile) => {
    const bob = await started({}, {}, BOB)
    expect(await codeOf(() => bob.open(hostile))).toBe('malformed')
    await bob.stop()
  })
})

describe('JSON that means the same', () => {
  const text = Buffer.from(craft(alice, { payload: new Uint8Array([9]) }, jsonCodec())).toString()

  it.each([
    ['white space', text.replace(',"kind"', ', "kind"')],
    ['an unknown field', text.replace(',"kind"', ',"extra":1,"kind"')],
    ['a prototype', text.replace(',"kind"', ',"__proto__":{},"kind"')],
    ['a repeated field', text.replace(',"kind"', ',"chainId":"test-chain","kind"')],
    ['a missing field', text.replace('"compression":0,', '')],
    ['a mistyped field', text.replace('"compression":0', '"compression":"0"')],
    ['an unknown lane', text.replace('"lane":"normal"', '"lane":"toString"')],
    ['an escape', text.replace('"kind":"test"', String.raw`"kind":"\u0074est"`)],
    ['a number in another form', text.replace('"compression":0', '"compression":0e0')],
    ['a leading zero in the sequence', text.replace('"sequence":"', '"sequence":"0')],
    ['a sequence beyond 64 bits', text.replace(/"sequence":"\d+"/, '"sequence":"18446744073709551616"')],
    ['spare bits in base64', text.replace('"CQ=="', '"CR=="')],
    ['base64 without padding', text.replace('"CQ=="', '"CQ"')],
    ['another peer id', text.replace(peerIdFromPrivateKey(ALICE).toString(), peerIdFromPrivateKey(BOB).toString())],
    ['an array', '[1,"payload":""}'],
    ['a bare value', 'null,"payload":""}'],
    ['a megabyte of arrays', `{"version":1,"x":[${'[],'.repeat(300_000)}[]]}`],
  ])('is refused: %s', async (_what, hostile) => {
    expect(hostile).not.toBe(text)
    const bob = await started({ codec: 'json' }, {}, BOB)
    expect(await codeOf(() => bob.open(Buffer.from(hostile)))).toBe('malformed')
    await bob.stop()
  })
})

describe('each refusal, and whom it blames', () => {
  const other = peerIdFromPrivateKey(BOB)

  it.each([
    ['another chain', { chainId: 'other' }, {}, 'wrong-chain', 'protocol-violation'],
    ['an unknown kind', {}, { isKnownKind: () => false }, 'unknown-kind', 'absent'],
    ['another sender', {}, { sender: other }, 'unexpected-sender', 'protocol-violation'],
    ['a time too late', { timeMs: Date.now() - 60_000 }, {}, 'clock-skew', 'absent'],
    ['a time too early', { timeMs: Date.now() + 3_600_000 }, {}, 'clock-skew', 'absent'],
    ['a bad signature', { signature: new Uint8Array(64) }, {}, 'invalid-signature', 'invalid-signature'],
    ['unknown compression', { compression: 9, inflatedBytes: 5 }, {}, 'unsupported-compression', 'absent'],
  ] as const)('%s', async (_what, fields, options, code, report) => {
    const bob = await started({}, {}, BOB)
    expect(await refusal(() => bob.open(craft(alice, fields), options))).toEqual({ code, report })
    await bob.stop()
  })

  it('checks in order of cost: each fault hides those after it', async () => {
    const bob = await started({}, {}, BOB)
    const faults: [string, Partial<SignedFields>][] = [
      ['unsupported-compression', { sequence: 5n, compression: 9, inflatedBytes: 5 }],
      ['invalid-signature', { sequence: 6n, signature: new Uint8Array(64) }],
      ['replay', { sequence: 5n }],
      ['clock-skew', { timeMs: 1 }],
      ['unexpected-sender', { senderKey: nominalSigner(7).publicKey }],
      ['too-large', { payload: new Uint8Array(11) }],
      ['unknown-kind', { kind: 'unknown' }],
      ['wrong-chain', { chainId: 'other' }],
    ]
    const sender = peerIdFromPrivateKey(ALICE)
    const options = { isKnownKind: (kind: string) => kind === 'test', maxBytes: () => 10, sender }
    const all: Partial<SignedFields> = {}
    for (const [code, fault] of faults) {
      const bytes = craft(alice, Object.assign(all, fault))
      expect(await codeOf(() => bob.open(bytes, options))).toBe(code)
    }
    const otherVersion = craft(alice, all)
    otherVersion[1] = 2
    expect(await codeOf(() => bob.open(otherVersion, options))).toBe('unsupported-version')
    await bob.stop()
  })

  it('takes a payload of a kind up to its limit, as sent and inflated, and verifies nothing of a larger one', async () => {
    const verify = vi.fn<Signer['verify']>(() => true)
    const bob = await started({ signer: { ...nominalSigner(9), verify } })
    const peer = nominalSigner(7)
    const fits = { kind: 'small', payload: new Uint8Array(10) }
    const over = { kind: 'small', payload: new Uint8Array(11) }
    const bomb = { ...compress(new Uint8Array(5_000), { compressAboveBytes: 0, maxRatio: 1_000 }), kind: 'small' }
    expect(bomb.payload.byteLength).toBeLessThan(5_000)
    for (const [fields, size] of [[over, 11] as const, [bomb, 5_000] as const]) {
      expect(await caught(() => bob.open(craft(peer, fields), { maxBytes }))).toMatchObject({
        code: 'too-large',
        report: 'protocol-violation',
        size,
        limit: 'maxBytes.small',
        value: 10,
      })
    }
    expect(verify).not.toHaveBeenCalled()
    // Refused unread, so the number is still free.
    now(bob.open(craft(peer, fits), { maxBytes }))
    now(bob.open(craft(peer, { ...over, kind: 'large', sequence: 2n }), { maxBytes }))
    await bob.stop()
  })

  it('verifies no signature of a replay, and inflates nothing unverified', async () => {
    const verify = vi.fn<Signer['verify']>(() => true)
    const bob = await started({ signer: { ...nominalSigner(9), verify } })
    const bytes = craft(nominalSigner(7))
    now(bob.open(bytes))
    expect(await codeOf(() => bob.open(bytes))).toBe('replay')
    expect(verify).toHaveBeenCalledTimes(1)
    verify.mockReturnValue(false)
    const corrupt = craft(nominalSigner(7), {
      sequence: 2n,
      compression: 1,
      inflatedBytes: 5,
      payload: new Uint8Array(5),
    })
    expect(await codeOf(() => bob.open(corrupt))).toBe('invalid-signature')
    await bob.stop()
  })

  it('does not mark an envelope as seen whose signature is bad', async () => {
    const bob = await started({}, {}, BOB)
    expect(await codeOf(() => bob.open(craft(alice, { signature: new Uint8Array(64) })))).toBe('invalid-signature')
    now(bob.open(craft(alice)))
    await bob.stop()
  })
})

describe('a flood', () => {
  it('of new senders is refused at maxSenders, while known ones go on', async () => {
    const bob = await started({ maxSenders: 3, signer: nominalSigner(200) })
    for (const seed of [1, 2, 3]) now(bob.open(craft(nominalSigner(seed))))
    expect(await refusal(() => bob.open(craft(nominalSigner(4))))).toEqual({ code: 'sender-limit', report: 'absent' })
    now(bob.open(craft(nominalSigner(1), { sequence: 2n })))
    expect(await codeOf(() => bob.open(craft(nominalSigner(1))))).toBe('replay')
    await bob.stop()
  })

  it('towards a slow signer is refused at maxPendingBytes, and taken again once there is room', async () => {
    const { promise: gate, resolve } = Promise.withResolvers<boolean>()
    const bob = await started({ maxPendingBytes: 5_000, signer: { ...nominalSigner(200), verify: () => gate } })
    const flood = [1n, 2n, 3n, 4n, 5n, 6n].map((sequence) => craft(nominalSigner(1), { sequence }))
    const results = flood.map((bytes) => codeOf(() => bob.open(bytes)))
    resolve(true)
    expect(await Promise.all(results)).toEqual([undefined, undefined, undefined, undefined, 'busy', 'busy'])
    expect(await codeOf(() => bob.open(craft(nominalSigner(1), { sequence: 7n })))).toBeUndefined()
    await bob.stop()
  })
})

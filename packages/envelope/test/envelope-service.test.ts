import { queryObjects } from 'node:v8'
import type { Lane, Signer } from '@gridmesh/interfaces'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { EnvelopeService } from '../src/envelope-service.ts'
import { nodeCryptoSigner } from '../src/index.ts'
import { ReplayWindow } from '../src/replay-window.ts'
import {
  ALICE,
  arbLane,
  arbName,
  BOB,
  CHAIN,
  codeOf,
  components,
  craft,
  nominalSigner,
  now,
  started,
} from './helpers.ts'

const MESSAGE = { kind: 'offer', lane: 'normal', payload: new Uint8Array([1, 2, 3]) } as const

afterEach(() => vi.useRealTimers())

describe.each(['protobuf', 'json'] as const)('an envelope in %s', (codec) => {
  it('opens to what was sealed, whatever that was', async () => {
    const alice = await started({ codec })
    const bob = await started({ codec }, {}, BOB)
    const payloads = fc.oneof(fc.uint8Array({ maxLength: 500 }), fc.integer({ max: 9_000, min: 0 }).map(text))
    fc.assert(
      fc.property(arbName, arbLane, payloads, (kind, lane, payload) => {
        const opened = now(bob.open(now(alice.seal({ kind, lane, payload }))))
        expect(opened).toMatchObject({ kind, lane, sender: peerIdFromPrivateKey(ALICE) })
        expect(Buffer.compare(opened.payload, payload)).toBe(0)
      }),
      { numRuns: 50 },
    )
    await alice.stop()
    await bob.stop()
  })

  it('is refused the second time', async () => {
    const alice = await started({ codec })
    const bytes = now(alice.seal(MESSAGE))
    now(alice.open(bytes))
    expect(await codeOf(() => alice.open(bytes))).toBe('replay')
    await alice.stop()
  })

  it('carries the time of sealing and the next number of its lane', async () => {
    const alice = await started({ codec })
    const first = now(alice.open(now(alice.seal(MESSAGE))))
    now(alice.open(now(alice.seal({ ...MESSAGE, lane: 'bulk' }))))
    const second = now(alice.open(now(alice.seal(MESSAGE))))
    expect(second.sequence - first.sequence).toBe(1n)
    expect(Math.abs(Date.now() - second.timeMs)).toBeLessThan(30_000)
    await alice.stop()
  })
})

function text(bytes: number): Uint8Array {
  return new Uint8Array(Buffer.from(Array.from({ length: bytes }, (_, i) => `${i % 97},`).join('')).subarray(0, bytes))
}

it('compresses what is worth it', async () => {
  const alice = await started()
  expect(now(alice.seal({ ...MESSAGE, payload: text(9_000) })).byteLength).toBeLessThan(1_000)
  await alice.stop()
})

it('opens what was sealed out of order', async () => {
  const alice = await started({ signer: nominalSigner(7) })
  const sealed = Array.from({ length: 1_024 }, () => now(alice.seal(MESSAGE)))
  for (const bytes of sealed.toReversed()) now(alice.open(bytes))
  expect(await codeOf(() => alice.open(sealed[0] ?? new Uint8Array()))).toBe('replay')
  await alice.stop()
})

it('opens a bulk message that 1,100 others overtook, and another bulk one after those', async () => {
  const alice = await started({ signer: nominalSigner(7) })
  const late = now(alice.seal({ ...MESSAGE, lane: 'bulk' }))
  for (let i = 0; i < 1_100; i++) now(alice.open(now(alice.seal(MESSAGE))))
  now(alice.open(now(alice.seal({ ...MESSAGE, lane: 'bulk' }))))
  expect(now(alice.open(late)).lane).toBe('bulk')
  await alice.stop()
})

it('refuses no message of a lane because of messages of another lane', { timeout: 20_000 }, async () => {
  const windowBits = 32
  const arbPlan = fc.record({
    /** Lanes of the messages as they are sealed. */
    sealed: fc.array(arbLane, { minLength: 1, maxLength: 300 }),
    /** Which of the lanes that have something left comes next. */
    picks: fc.array(fc.nat(3), { minLength: 1, maxLength: 50 }),
    /** Messages of a lane that arrive the other way round, within the window. */
    block: fc.integer({ min: 1, max: windowBits }),
  })
  await fc.assert(
    fc.asyncProperty(arbPlan, async ({ sealed, picks, block }) => {
      const alice = await started({ signer: nominalSigner(7), replayWindowBits: windowBits })
      const queues = new Map<Lane, Uint8Array[]>()
      for (const lane of sealed) {
        queues.set(lane, [...(queues.get(lane) ?? []), now(alice.seal({ ...MESSAGE, lane }))])
      }
      for (const [lane, queue] of queues) {
        const blocks = Array.from({ length: Math.ceil(queue.length / block) }, (_, i) =>
          queue.slice(i * block, (i + 1) * block).toReversed(),
        )
        queues.set(lane, blocks.flat())
      }
      for (let turn = 0; queues.size > 0; turn++) {
        const lanes = [...queues.keys()]
        const lane = lanes[(picks[turn % picks.length] ?? 0) % lanes.length] ?? 'normal'
        const bytes = queues.get(lane)?.shift() ?? new Uint8Array()
        expect(now(alice.open(bytes)).lane).toBe(lane)
        if (queues.get(lane)?.length === 0) queues.delete(lane)
      }
      await alice.stop()
    }),
    { numRuns: 60 },
  )
})

it('seals nothing it would refuse to open', async () => {
  const alice = await started({ maxBytes: 100 })
  const sealOf = (fault: object) => () => alice.seal({ ...MESSAGE, ...fault })
  expect(sealOf({ payload: new Uint8Array(101) })).toThrow(/101 bytes, maxBytes is 100/)
  expect(sealOf({ kind: 'a b' })).toThrow(RangeError)
  expect(sealOf({ lane: 'express' })).toThrow(/"express"/)
  expect(now(alice.open(now(sealOf({ payload: new Uint8Array(100) })()))).payload.byteLength).toBe(100)
  await alice.stop()
})

describe('a signer', () => {
  it('comes from the options before the component before the node key', async () => {
    const ofOptions = await started({ signer: nominalSigner(7) }, { signer: nominalSigner(8) })
    const ofComponent = await started({}, { signer: nominalSigner(8) })
    const ofNode = await started()
    const keys = [ofOptions, ofComponent, ofNode].map((service) => {
      const opened = now(service.open(now(service.seal(MESSAGE))))
      return opened.sender.publicKey?.raw
    })
    expect(keys).toEqual([nominalSigner(7).publicKey, nominalSigner(8).publicKey, ALICE.publicKey.raw])
    await Promise.all([ofOptions.stop(), ofComponent.stop(), ofNode.stop()])
  })

  it('is asked for on start where the node key is not Ed25519', async () => {
    const key = await generateKeyPair('secp256k1')
    const service = new EnvelopeService(components(key), { chainId: CHAIN })
    await expect(service.start()).rejects.toThrow(TypeError)
    await service.stop()
    const signed = await started({ signer: nominalSigner(7) }, {}, key)
    await signed.stop()
  })

  it('may be asynchronous, and copies opened side by side still open once', async () => {
    const slow = slowSigner()
    const alice = await started({ signer: slow })
    const bytes = await alice.seal(MESSAGE)
    const results = await Promise.allSettled([alice.open(bytes), alice.open(bytes), alice.open(bytes)])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    await alice.stop()
  })

  it('that is slow may not let an envelope in after stop', async () => {
    const alice = await started({ signer: slowSigner() })
    const bytes = await alice.seal(MESSAGE)
    const late = codeOf(() => alice.open(bytes))
    await alice.stop()
    expect(await late).toBe('not-started')
  })

  it.each([
    ['throws', { verify: () => raise(), sign: () => raise() }],
    ['rejects', { verify: () => Promise.reject(new TypeError('no')), sign: () => Promise.reject(new TypeError('no')) }],
    ['signs with 63 bytes', { sign: () => new Uint8Array(63), verify: () => raise() }],
    ['has a key of 33 bytes', { publicKey: new Uint8Array(33), verify: () => raise() }],
  ] satisfies [string, Partial<Signer>][])('that %s fails typed and blames nobody', async (_what, fault) => {
    const alice = await started({ signer: { ...nominalSigner(7), ...fault } })
    expect(await codeOf(() => alice.seal(MESSAGE))).toBe('signer-failed')
    expect(await codeOf(() => alice.open(craft(nominalSigner(7))))).toBe('signer-failed')
    await alice.stop()
  })
})

function raise(): never {
  throw new TypeError('no')
}

function slowSigner(): Signer {
  const inner = nodeCryptoSigner(ALICE)
  return {
    publicKey: inner.publicKey,
    sign: (message) => Promise.resolve(inner.sign(message)),
    verify: (...args) => Promise.resolve(inner.verify(...args)),
  }
}

describe('the lifecycle', () => {
  it('refuses to work before start and after stop, and works again after another start', async () => {
    const service = new EnvelopeService(components(ALICE), { chainId: CHAIN })
    expect(() => service.seal(MESSAGE)).toThrow(expect.objectContaining({ name: 'NotStartedError' }))
    await service.start()
    const bytes = now(service.seal(MESSAGE))
    now(service.open(bytes))
    await service.stop()
    expect(await codeOf(() => service.open(bytes))).toBe('not-started')
    await service.start()
    expect(await codeOf(() => service.open(bytes))).toBe('replay')
    now(service.open(now(service.seal(MESSAGE))))
    await service.stop()
  })

  it('leaves no timer after stop, however often and close together start and stop were called', async () => {
    vi.useFakeTimers()
    const service = new EnvelopeService(components(ALICE), { chainId: CHAIN })
    await Promise.all([service.start(), service.start(), service.stop(), service.start()])
    expect(vi.getTimerCount()).toBe(1)
    await Promise.all([service.stop(), service.stop()])
    expect(vi.getTimerCount()).toBe(0)
  })
})

it('forgets the windows of a sender, in time, once all it sent is too old', async () => {
  vi.useFakeTimers()
  const alice = await started({ clockSkewMs: 1_000, flushIntervalMs: 1_000 })
  const before = queryObjects(ReplayWindow, { format: 'count' })
  now(alice.open(now(alice.seal(MESSAGE))))
  expect(queryObjects(ReplayWindow, { format: 'count' })).toBe(before + 1)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(queryObjects(ReplayWindow, { format: 'count' })).toBe(before)
  await alice.stop()
})

it('counts what it sealed, opened, and refused by code', async () => {
  const counts: Record<string, number> = {}
  const add = (name: string) => (counts[name] = (counts[name] ?? 0) + 1)
  const metrics = {
    registerCounter: (name: string) => ({ increment: () => add(name), reset: () => undefined }),
    registerCounterGroup: (name: string) => ({
      increment: (values: object) => Object.keys(values).forEach((code) => add(`${name} ${code}`)),
      reset: () => undefined,
    }),
  }
  const alice = await started({}, { metrics })
  const bytes = now(alice.seal(MESSAGE))
  now(alice.open(bytes))
  await codeOf(() => alice.open(bytes))
  await codeOf(() => alice.open(new Uint8Array(5)))
  expect(counts).toEqual({
    gridmesh_envelope_sealed_total: 1,
    gridmesh_envelope_opened_total: 1,
    'gridmesh_envelope_refused_total replay': 1,
    'gridmesh_envelope_refused_total malformed': 1,
  })
  await alice.stop()
})

it.each<object>([
  { chainId: '' },
  { chainId: 'two words' },
  { codec: 'xml' },
  { maxBytes: 0 },
  { maxBytes: 2 ** 31 },
  { clockSkewMs: 0 },
  { compressAboveBytes: -1 },
  { maxRatio: Number.NaN },
  { replayWindowBits: 1_000 },
  { maxSenders: 0 },
  { flushIntervalMs: 0 },
  { storeTimeoutMs: Number.NaN },
  { maxPendingBytes: 0.5 },
])('refuses the options %j and names the value', (fault) => {
  const [name = ''] = Object.keys(fault)
  expect(() => new EnvelopeService(components(ALICE), { chainId: CHAIN, ...fault })).toThrow(RangeError)
  expect(() => new EnvelopeService(components(ALICE), { chainId: CHAIN, ...fault })).toThrow(new RegExp(name))
})

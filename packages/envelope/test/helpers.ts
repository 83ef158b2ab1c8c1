import type { MaybePromise, Signer } from '@gridmesh/interfaces'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { MemoryDatastore } from 'datastore-core'
import * as fc from 'fast-check'
import { EnvelopeService } from '../src/envelope-service.ts'
import {
  canonicalBytes,
  type EnvelopeCodec,
  type EnvelopeComponents,
  type EnvelopeFields,
  type EnvelopeInit,
  protobufCodec,
  type SignedFields,
} from '../src/index.ts'

export const CHAIN = 'test-chain'

function keyOf(seed: number): Promise<PrivateKey> {
  return generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(seed))
}

export const ALICE = await keyOf(1)
export const BOB = await keyOf(2)

export function components(privateKey: PrivateKey, extra: Partial<EnvelopeComponents> = {}): EnvelopeComponents {
  return { privateKey, datastore: new MemoryDatastore(), logger: defaultLogger(), ...extra }
}

/** A started service. */
export async function started(
  init: Partial<EnvelopeInit> = {},
  extra: Partial<EnvelopeComponents> = {},
  privateKey: PrivateKey = ALICE,
): Promise<EnvelopeService> {
  const service = new EnvelopeService(components(privateKey, extra), { chainId: CHAIN, ...init })
  await service.start()
  return service
}

/** Signs for `seed` without any cryptography, for tests that are about something else. */
export function nominalSigner(seed: number): Signer {
  return { publicKey: new Uint8Array(32).fill(seed), sign: () => new Uint8Array(64), verify: () => true }
}

/** The value of a call that must not have been asynchronous. */
export function now<T>(value: MaybePromise<T>): T {
  if (value instanceof Promise) throw new TypeError('a promise where a value was expected')
  return value
}

/** An envelope with any field as wanted, signed properly unless its signature is given too. */
export function craft(
  signer: Signer,
  fields: Partial<SignedFields> = {},
  codec: EnvelopeCodec = protobufCodec(),
): Uint8Array {
  const all: EnvelopeFields = {
    chainId: CHAIN,
    kind: 'test',
    lane: 'normal',
    senderKey: signer.publicKey,
    sequence: 1n,
    timeMs: Date.now(),
    compression: 0,
    inflatedBytes: 0,
    payload: new Uint8Array([1, 2, 3]),
    ...fields,
  }
  return codec.encode({ ...all, signature: fields.signature ?? now(signer.sign(canonicalBytes(all))) })
}

/** Code and report class of what `call` throws or rejects with. */
export async function refusal(call: () => unknown): Promise<{ code: unknown; report: unknown } | undefined> {
  try {
    await call()
    return undefined
  } catch (err) {
    if (!(err instanceof Error && 'code' in err && 'report' in err)) throw err
    return { code: err.code, report: err.report }
  }
}

/** The code alone. */
export async function codeOf(call: () => unknown): Promise<unknown> {
  return (await refusal(call))?.code
}

export const arbLane = fc.constantFrom('critical' as const, 'high' as const, 'normal' as const, 'bulk' as const)
export const arbName = fc.stringMatching(/^[!-~]{1,128}$/)

export const arbFields: fc.Arbitrary<SignedFields> = fc
  .record({
    chainId: arbName,
    kind: arbName,
    lane: arbLane,
    senderKey: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    sequence: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    timeMs: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    compression: fc.nat({ max: 255 }),
    inflatedBytes: fc.integer({ min: 1, max: 2 ** 30 }),
    payload: fc.uint8Array({ maxLength: 300 }),
    signature: fc.uint8Array({ minLength: 64, maxLength: 64 }),
  })
  .filter(({ compression }) => compression !== 0)
  .chain((fields) => fc.constantFrom(fields, { ...fields, compression: 0, inflatedBytes: 0 }))

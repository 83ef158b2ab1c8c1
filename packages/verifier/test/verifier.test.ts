import type { Worker } from 'node:worker_threads'
import { type SignatureClaim, signerOf, verifySignature } from '@gridmesh/ledger'
import fc from 'fast-check'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { bytesOf } from '../src/claim-batch.ts'
import { inlineVerifier, type Verifier, workerVerifier } from '../src/index.ts'
import { resolveOptions } from '../src/options.ts'
import { WorkerVerifier, type Workers } from '../src/worker-verifier.ts'

const signers = [1, 2, 3].map((seed) => signerOf(new Uint8Array(32).fill(seed)))

/** Bytes that are missing from a signature, by what is wrong with it. */
const SKIPPED = new Map([
  ['short', 1],
  ['empty', 64],
])

/** Claims that hold, that do not, and that are none. */
const claim: fc.Arbitrary<SignatureClaim> = fc
  .record({
    signer: fc.constantFrom(...signers),
    message: fc.uint8Array({ maxLength: 300 }),
    fault: fc.constantFrom('none', 'none', 'bit', 'message', 'key', 'short', 'empty'),
  })
  .map(({ signer, message, fault }) => {
    const signature = signer.sign(message)
    if (fault === 'bit') signature[5] = (signature[5] ?? 0) ^ 1
    return {
      publicKey: fault === 'key' ? new Uint8Array(32) : signer.publicKey,
      message: fault === 'message' ? Uint8Array.of(...message, 0) : message,
      signature: signature.subarray(SKIPPED.get(fault) ?? 0),
    }
  })

function valid(count: number): SignatureClaim[] {
  const [signer] = signers
  if (signer === undefined) throw new RangeError('there are signers')
  return Array.from({ length: count }, (_, index) => {
    const message = Uint8Array.of(index, index >> 8)
    return { publicKey: signer.publicKey, message, signature: signer.sign(message) }
  })
}

describe.each<[string, Verifier]>([
  ['with two workers and small batches', workerVerifier({ threads: 2, batchSize: 7, minBatchSize: 2 })],
  ['with one worker', workerVerifier({ threads: 1 })],
  ['inline', inlineVerifier()],
])('%s', (_, verifier) => {
  afterAll(() => verifier.stop())

  it('says of each claim, in order, what the ledger says of it alone, however many calls there are at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(claim, { maxLength: 40 }), { maxLength: 6 }), async (calls) => {
        const answers = await Promise.all(calls.map(async (claims) => verifier.verify(claims)))
        expect(answers).toEqual(calls.map((claims) => claims.map(verifySignature)))
      }),
      { numRuns: 40 },
    )
    expect(verifier.stats()).toMatchObject({ claims: 0, bytes: 0, fallbacks: 0 })
  })

  it('leaves the memory of the caller alone', async () => {
    const claims = valid(3)
    await verifier.verify(claims)
    expect(await verifier.verify(claims)).toEqual([true, true, true])
  })

  it('does nothing for a signal that has aborted, and gives up the wait for one that aborts', async () => {
    const before = verifier.stats().checked
    const gone = AbortSignal.abort(new RangeError('gone'))
    await expect(verifier.verify(valid(2), { signal: gone })).rejects.toThrow('gone')
    expect(verifier.stats().checked).toBe(before)
    const controller = new AbortController()
    const call = verifier.verify(valid(200), { signal: controller.signal })
    controller.abort(new RangeError('enough'))
    await expect(call).rejects.toThrow('enough')
    expect(await verifier.verify(valid(2))).toEqual([true, true])
  })
})

it('takes no more claims and bytes at once than it may, and all again when those are done', async () => {
  const verifier = workerVerifier({ threads: 1, maxClaims: 10, maxBytes: 2_000 })
  const first = verifier.verify(valid(10))
  await expect(verifier.verify(valid(1))).rejects.toMatchObject({
    name: 'TooManyClaimsError',
    limit: 'maxClaims',
    value: 10,
    message: '11 would be there at once, where maxClaims is 10',
  })
  expect(await first).toHaveLength(10)
  const [signer] = signers
  const message = new Uint8Array(2_000)
  const long = { publicKey: new Uint8Array(32), message, signature: signer?.sign(message) ?? message }
  await expect(verifier.verify([long])).rejects.toMatchObject({ limit: 'maxBytes', value: 2_000 })
  expect(await verifier.verify(valid(10))).toHaveLength(10)
  await verifier.stop()
})

it('rejects what is under way when it stops, and all that comes later', async () => {
  const verifier = workerVerifier({ threads: 1 })
  await verifier.verify(valid(1))
  const call = verifier.verify(valid(5_000))
  const stopped = verifier.stop()
  await expect(call).rejects.toMatchObject({ name: 'VerifierStoppedError', code: 'stopped' })
  await stopped
  await expect(verifier.verify(valid(1))).rejects.toMatchObject({ code: 'stopped' })
})

it('stops though its workers have just died over what they were handed', async () => {
  const workers: Worker[] = []
  const onWorker = (worker: Worker): void => void workers.push(worker)
  process.on('worker', onWorker)
  onTestFinished(() => void process.off('worker', onWorker))
  const verifier = workerVerifier({ threads: 2, batchSize: 64 })
  await verifier.verify(valid(1_000))
  expect(workers).toHaveLength(2)
  const refused = verifier.verify(valid(3_000)).catch((err: unknown) => err)
  const ended = workers.map(async (worker) => worker.terminate())
  await verifier.stop()
  expect(await refused).toMatchObject({ code: 'stopped' })
  await Promise.all(ended)
  await expect(verifier.stop()).resolves.toBeUndefined()
})

it('checks here what a worker failed at', async () => {
  let failing = true
  const workers: Workers = {
    check: async (claims) => (failing ? Promise.reject(new RangeError('died')) : claims.map(verifySignature)),
    stop: async () => undefined,
  }
  const verifier = new WorkerVerifier(workers, resolveOptions({ threads: 2, minBatchSize: 1 }))
  const [good, wrong] = valid(2)
  if (good === undefined || wrong === undefined) throw new RangeError('there are two')
  expect(await verifier.verify([good, { ...wrong, message: new Uint8Array(9) }])).toEqual([true, false])
  expect(verifier.stats()).toMatchObject({ fallbacks: 2, checked: 2 })
  failing = false
  expect(await verifier.verify([good])).toEqual([true])
  expect(verifier.stats()).toMatchObject({ fallbacks: 2, checked: 3 })
})

it('stops its workers, and checks nothing itself of what they fail at after', async () => {
  const checking = Promise.withResolvers<boolean[]>()
  const stop = vi.fn<Workers['stop']>(async () => checking.reject(new RangeError('ended')))
  const verifier = new WorkerVerifier({ check: async () => checking.promise, stop }, resolveOptions({ threads: 1 }))
  const call = verifier.verify(valid(2)).catch((err: unknown) => err)
  await verifier.stop()
  expect(stop).toHaveBeenCalledOnce()
  expect(await call).toMatchObject({ code: 'stopped' })
  expect(verifier.stats()).toEqual({ claims: 0, bytes: 0, checked: 0, fallbacks: 0 })
})

it('takes maxBytes at once, and not one byte more', async () => {
  const claims = valid(3)
  const workers: Workers = { check: async (some) => some.map(() => true), stop: async () => undefined }
  const verify = async (maxBytes: number): Promise<boolean[]> =>
    new WorkerVerifier(workers, resolveOptions({ threads: 1, maxBytes })).verify(claims)
  expect(await verify(bytesOf(claims))).toEqual([true, true, true])
  await expect(verify(bytesOf(claims) - 1)).rejects.toMatchObject({ limit: 'maxBytes' })
})

it('hands out batches that keep all workers busy, of no fewer claims than are worth it and no more than may be', async () => {
  const sizes: number[] = []
  const workers: Workers = {
    check: async (claims) => {
      sizes.push(claims.length)
      return claims.map(() => true)
    },
    stop: async () => undefined,
  }
  const verifier = new WorkerVerifier(workers, resolveOptions({ threads: 4, minBatchSize: 10, batchSize: 100 }))
  const sizesOf = async (count: number): Promise<number[]> => {
    await verifier.verify(valid(count))
    return sizes.splice(0)
  }
  expect(await sizesOf(0)).toEqual([])
  expect(await sizesOf(9)).toEqual([9])
  expect(await sizesOf(25)).toEqual([10, 10, 5])
  expect(await sizesOf(200)).toEqual([50, 50, 50, 50])
  expect(await sizesOf(450)).toEqual([100, 100, 100, 100, 50])
})

it.each([
  [{ threads: 0 }, 'threads 0 must be a whole number from 1 to 256'],
  [{ threads: 1.5 }, 'threads 1.5 must be a whole number from 1 to 256'],
  [{ batchSize: 65_537 }, 'batchSize 65537 must be a whole number from 1 to 65536'],
  [{ batchSize: 10, minBatchSize: 11 }, 'minBatchSize 11 must be a whole number from 1 to 10'],
  [{ maxClaims: Number.NaN }, 'maxClaims NaN must be'],
  [{ maxBytes: 0 }, 'maxBytes 0 must be'],
])('refuses %o', (init, message) => {
  expect(() => workerVerifier(init)).toThrow(RangeError)
  expect(() => workerVerifier(init)).toThrow(message)
})

import { AsyncLocalStorage } from 'node:async_hooks'
import nodeCrypto, {
  getRandomValues,
  randomBytes,
  randomInt,
  randomUUID,
  randomFillSync,
  generateKeyPairSync,
} from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as namedSetTimeout } from 'node:timers'
import {
  setImmediate as promisedImmediate,
  setInterval as promisedInterval,
  setTimeout as promisedTimeout,
} from 'node:timers/promises'
import { isDeepStrictEqual, promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import zlib from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import { createSimulation, RealWorkError } from '../src/index.ts'

// Virtual time does not depend on how busy the machine is; the real time of a run does.
vi.setConfig({ testTimeout: 60_000 })

const EPOCH_MS = Date.UTC(2030, 5, 1)

/** Runs a function in virtual time and returns what it returns. */
async function simulate<T>(fn: () => Promise<T>, seed = 1): Promise<T> {
  let result: T | undefined
  await createSimulation({ seed, epochMs: EPOCH_MS }).run(async () => {
    result = await fn()
  })
  return result as T
}

async function assembly(name: string, bytes: unknown): Promise<object> {
  return Reflect.apply(Reflect.get(Reflect.get(globalThis, 'WebAssembly'), name), undefined, [bytes])
}

/** A function of WebCrypto that not every Node.js has. */
async function getPublicKey(): Promise<string> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
  const real: unknown = Reflect.get(crypto.subtle, 'getPublicKey')
  if (typeof real !== 'function') return publicKey.type
  const key: CryptoKey = await Reflect.apply(real, crypto.subtle, [privateKey, ['verify']])
  return key.type
}

function snapshot(): unknown[] {
  const objects = [globalThis, globalThis.performance, AbortSignal, Math, process, Object.getPrototypeOf(crypto)]
  const names = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate', 'Date']
  const keys = [...names, 'now', 'timeout', 'random', 'hrtime', 'getRandomValues', 'randomUUID']
  const imported = [
    namedSetTimeout,
    promisedTimeout,
    promisedImmediate,
    promisedInterval,
    randomBytes,
    randomUUID,
    randomInt,
    randomFillSync,
    getRandomValues,
    monitorEventLoopDelay,
    generateKeyPairSync,
    Reflect.get(crypto.subtle, 'digest'),
    nodeCrypto.pbkdf2,
    zlib.gzip,
    zlib.createGzip,
  ]
  return [
    ...objects.flatMap((object: object) => keys.map((key) => Object.getOwnPropertyDescriptor(object, key))),
    ...imported,
  ]
}

describe('time', () => {
  it('passes for timers, Date, performance and hrtime alike, and takes no real time', async () => {
    const times = await simulate(async () => {
      const before = [Date.now(), performance.now(), new Date().getTime()] as const
      const earlier = process.hrtime.bigint()
      await new Promise((resolve) => setTimeout(resolve, 3_600_000))
      return [
        Date.now() - before[0],
        performance.now() - before[1],
        Number((process.hrtime.bigint() - earlier) / 1_000_000n),
        Date.parse(new Date().toISOString()) - before[2],
        before[0],
      ]
    })
    expect(times).toEqual([3_600_000, 3_600_000, 3_600_000, 3_600_000, EPOCH_MS])
  })

  it('reaches timers that were imported by name, and their promises', async () => {
    const waited = await simulate(async () => {
      const start = performance.now()
      await new Promise((resolve) => namedSetTimeout(resolve, 10))
      const value = await promisedTimeout(20, 'value')
      await promisify(setTimeout)(30)
      await promisedImmediate()
      let rounds = 0
      for await (const _ of promisedInterval(100)) if (++rounds === 3) break
      return [value, performance.now() - start]
    })
    expect(waited).toEqual(['value', 360])
  })

  it('aborts a promised timer, and a signal after its time', async () => {
    const outcome = await simulate(async () => {
      const controller = new AbortController()
      setTimeout(() => controller.abort(), 5)
      const aborted = await promisedTimeout(1_000, undefined, { signal: controller.signal }).catch((err: Error) => err)
      const signal = AbortSignal.timeout(50)
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      return [(aborted as Error).name, performance.now(), (signal.reason as Error).name]
    })
    expect(outcome).toEqual(['AbortError', 55, 'TimeoutError'])
  })

  it('keeps Date a class: instances, calls, parsing and subclasses', async () => {
    const kinds = await simulate(async () => {
      class Day extends Date {}
      return [
        new Date() instanceof Date,
        typeof (Date as unknown as () => string)(),
        new Date(0).toISOString(),
        Date.parse('1970-01-01T00:00:01Z'),
        new Day(5).getTime(),
        new Day() instanceof Day,
        new Date(2020, 1, 3).getDate(),
      ]
    })
    expect(kinds).toEqual([true, 'string', '1970-01-01T00:00:00.000Z', 1_000, 5, true, 3])
  })

  it('gives timers what those of Node.js have', async () => {
    const seen = await simulate(async () => {
      const log: unknown[] = []
      const timer = setTimeout(() => log.push('renewed'), 10)
      log.push(timer.hasRef(), timer.unref().hasRef(), timer.ref().hasRef())
      const cleared = setTimeout(() => log.push('never'), 1)
      clearTimeout(cleared[Symbol.toPrimitive]())
      const immediate = setImmediate(() => log.push('never'))
      clearImmediate(immediate)
      {
        using _disposed = setTimeout(() => log.push('never'), 1)
      }
      await promisedTimeout(5)
      timer.refresh()
      await promisedTimeout(9)
      log.push('not yet')
      await promisedTimeout(2)
      return log
    })
    expect(seen).toEqual([true, false, true, 'not yet', 'renewed'])
  })

  it('does ticks and microtasks before the next event, in their order', async () => {
    const order = await simulate(async () => {
      const log: string[] = []
      setTimeout(() => {
        log.push('first timer')
        queueMicrotask(() => log.push('microtask'))
        process.nextTick(() => log.push('tick'))
        void Promise.resolve().then(() => queueMicrotask(() => log.push('microtask of a microtask')))
      }, 1)
      setTimeout(() => log.push('second timer'), 1)
      setImmediate(() => log.push('immediate'))
      await promisedTimeout(2)
      return log
    })
    expect(order).toEqual(['immediate', 'first timer', 'tick', 'microtask', 'microtask of a microtask', 'second timer'])
  })
})

const draw = async (): Promise<unknown[]> => [
  Math.random(),
  [...crypto.getRandomValues(new Uint8Array(5))],
  [...getRandomValues(new Uint8Array(5))],
  crypto.randomUUID(),
  randomUUID(),
  randomBytes(4).toString('hex'),
  randomInt(1_000),
  randomInt(5, 7),
  [...randomFillSync(new Uint8Array(3))],
  await promisify(randomBytes)(4).then((bytes) => bytes.toString('hex')),
  generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  }).publicKey,
]

describe('randomness', () => {
  it('is the same for one seed, and another for another', async () => {
    const [first, again, other] = [await simulate(draw), await simulate(draw), await simulate(draw, 2)]
    expect(again).toEqual(first)
    // A number of two may be the same by chance.
    const differing = other.filter((value, at) => !isDeepStrictEqual(value, first[at]))
    expect(differing.length).toBeGreaterThanOrEqual(first.length - 1)
  })

  it('gives bytes, numbers and ids of the right form', async () => {
    const values = await simulate(async () =>
      Array.from({ length: 200 }, () => [randomUUID(), randomInt(5, 7), Math.random()] as const),
    )
    for (const [uuid, int, number] of values) {
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect([5, 6]).toContain(int)
      expect(number >= 0 && number < 1).toBe(true)
    }
    expect(new Set(values.map(([uuid]) => uuid)).size).toBe(200)
  })

  it('refuses more than 65,536 bytes at once, as WebCrypto does', async () => {
    const name = await simulate(async () => {
      try {
        crypto.getRandomValues(new Uint8Array(65_537))
        return ''
      } catch (err) {
        return (err as Error).name
      }
    })
    expect(name).toBe('QuotaExceededError')
  })
})

describe('WebCrypto', () => {
  it('answers in the order of the calls, while virtual time stands still', async () => {
    const outcome = await simulate(async () => {
      const order: number[] = []
      const digest = async (bytes: number, name: number): Promise<void> => {
        await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))
        order.push(name)
      }
      await Promise.all([digest(8_000_000, 1), digest(1, 2), digest(100_000, 3)])
      return [order, performance.now()]
    })
    expect(outcome).toEqual([[1, 2, 3], 0])
  })

  it('rejects what WebCrypto rejects', async () => {
    const err = await simulate(() => crypto.subtle.digest('no such digest', new Uint8Array(1)).catch((e: Error) => e))
    expect(err).toMatchObject({ name: 'NotSupportedError' })
  })
})

describe('work on threads', () => {
  const bytes = new Uint8Array(100_000)
  const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)

  it.each([
    ['WebAssembly.compile', () => assembly('compile', empty)],
    ['WebAssembly.instantiate', () => assembly('instantiate', empty)],
    ['pbkdf2', () => promisify(nodeCrypto.pbkdf2)('password', 'salt', 100_000, 8, 'sha256')],
    ['generateKeyPair', async () => (await promisify(nodeCrypto.generateKeyPair)('ed25519')).privateKey.type],
    ['gzip', () => promisify(zlib.gzip)(bytes)],
    ['SubtleCrypto.getPublicKey', getPublicKey],
  ])('takes no virtual time: %s', async (_, work) => {
    const [outcome, nowMs] = await simulate(async () => {
      const other = setInterval(() => {}, 1)
      const done = await work()
      clearInterval(other)
      return [done, performance.now()] as const
    })
    expect([typeof outcome, nowMs]).toEqual([typeof (await work()), 0])
  })

  it('leaves to later events nothing of the asynchronous context in which WebCrypto was called', async () => {
    const storage = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    await createSimulation({ seed: 1, nodes: 2 }).run(async ({ nodes, network }) => {
      for (const { libp2p } of nodes) libp2p.addEventListener('connection:open', () => seen.push(storage.getStore()))
      await storage.run('of a caller', () => crypto.subtle.digest('SHA-256', new Uint8Array(1)))
      await network.connectAll()
    })
    expect(seen.length).toBeGreaterThan(0)
    expect(new Set(seen)).toEqual(new Set([undefined]))
  })

  it('makes what a callback throws a violation, and refuses at once what Node.js refuses', async () => {
    const { violations } = await createSimulation({ seed: 1 }).run(async ({ clock }) => {
      expect(() => nodeCrypto.pbkdf2('password', 'salt', -1, 8, 'sha256', () => {})).toThrow(RangeError)
      zlib.gzip(bytes, () => {
        throw new RangeError('of a callback')
      })
      await clock.sleep(1)
    })
    expect(violations).toMatchObject([{ invariant: 'uncaught' }])
  })

  const refused: Readonly<Record<string, () => unknown>> = {
    CompressionStream: () => new CompressionStream('gzip'),
    DecompressionStream: () => new DecompressionStream('gzip'),
    MessageChannel: () => new MessageChannel().port1.close(),
    waitAsync: () =>
      Reflect.apply(Reflect.get(Atomics, 'waitAsync'), Atomics, [new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1]),
    Worker: () => new Worker('', { eval: true }).terminate(),
    createGzip: () => zlib.createGzip(),
    Gzip: () => new zlib.Gzip(),
    compileStreaming: () => assembly('compileStreaming', new Response(empty)).catch(() => {}),
  }

  it.each(Object.entries(refused))(
    'is refused where it cannot be waited for: %s, unless allowed',
    async (name, use) => {
      // Also where the node catches it.
      const run = createSimulation({ seed: 1 }).run(async ({ clock }) => {
        expect(use).toThrow(RealWorkError)
        await clock.sleep(1)
      })
      await expect(run).rejects.toMatchObject({ name: 'RealWorkError', resources: [name] })
      await createSimulation({ seed: 1, allowRealWork: true }).run(async () => void use())
    },
  )
})

describe('giving back', () => {
  it('leaves everything as it was after a run', async () => {
    const before = snapshot()
    await simulate(async () => {})
    expect(snapshot()).toEqual(before)
  })

  it('leaves everything as it was after a scenario that throws', async () => {
    const before = snapshot()
    const listeners = process.listeners('uncaughtException')
    await expect(simulate(() => Promise.reject(new RangeError('of the scenario')))).rejects.toThrow('of the scenario')
    expect(snapshot()).toEqual(before)
    expect(process.listeners('uncaughtException')).toEqual(listeners)
  })

  it('clears a real timer that was made before the run, from inside', async () => {
    let hasFired = false
    const real = setTimeout(() => (hasFired = true), 30)
    await simulate(async () => clearTimeout(real))
    await promisedTimeout(60)
    expect(hasFired).toBe(false)
  })
})

import nodeCrypto from 'node:crypto'
import zlib from 'node:zlib'
import type { Actor } from '../clock/actor.ts'
import { realSetImmediate } from '../clock/real.ts'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import type { PatchList } from './patch-list.ts'

type Callback = (...given: unknown[]) => unknown

interface Pending {
  readonly actor: Actor
  readonly release: () => void
}

/** Functions that work on threads for a callback, where Node.js has them. */
const FOR_CALLBACKS: readonly (readonly [object, readonly string[]])[] = [
  [
    nodeCrypto,
    [
      'argon2',
      'checkPrime',
      'decapsulate',
      'diffieHellman',
      'encapsulate',
      'generateKey',
      'generateKeyPair',
      'generatePrime',
      'hkdf',
      'pbkdf2',
      'scrypt',
      'sign',
      'verify',
    ],
  ],
  [
    zlib,
    [
      'brotliCompress',
      'brotliDecompress',
      'deflate',
      'deflateRaw',
      'gunzip',
      'gzip',
      'inflate',
      'inflateRaw',
      'unzip',
      'zstdCompress',
      'zstdDecompress',
    ],
  ],
]

function isCallback(value: unknown): value is Callback {
  return typeof value === 'function'
}

/**
 * WebCrypto and its like work on real threads and are done in any order. So virtual time stands still while they work,
 * and results are handed out in the order of the calls, one in each turn.
 */
export class ThreadGate {
  readonly #clock: VirtualClock
  readonly #pending: Pending[] = []
  #working = 0
  #onIdle: (() => void) | undefined

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  get isBusy(): boolean {
    return this.#working > 0 || this.#pending.length > 0
  }

  install(patches: PatchList): void {
    const subtle: object = Object.getPrototypeOf(globalThis.crypto.subtle)
    const methods = Object.getOwnPropertyNames(subtle).filter((name) => name !== 'constructor')
    const assembly: object = Reflect.get(globalThis, 'WebAssembly')
    for (const name of methods) patches.set(subtle, name, this.#guard(subtle, name))
    for (const name of ['compile', 'instantiate']) patches.set(assembly, name, this.#guard(assembly, name))
    for (const [target, names] of FOR_CALLBACKS) {
      for (const name of names) if (name in target) patches.set(target, name, this.#guardCallback(target, name))
    }
  }

  /** Hands out nothing any more. The run is over: whoever still waits would go on in real time. */
  close(): void {
    this.#pending.length = 0
    this.#onIdle = undefined
  }

  /** Hands out the next result, once nothing more is under way. */
  release(done: () => void): void {
    if (this.#working > 0) {
      this.#onIdle = () => this.release(done)
      return
    }
    const next = this.#pending.shift()
    if (next !== undefined) {
      this.#clock.current = next.actor
      next.release()
    }
    realSetImmediate(done)
  }

  #guard(target: object, name: string): (...args: unknown[]) => Promise<unknown> {
    const real = Reflect.get(target, name)
    const begin = (settled: Promise<unknown>): Promise<unknown> => this.#begin(settled)
    return function guarded(this: unknown, ...args: unknown[]) {
      return begin(Reflect.apply(real, this, args))
    }
  }

  #guardCallback(target: object, name: string): (...args: unknown[]) => unknown {
    const real = Reflect.get(target, name)
    const hand = (given: Promise<unknown[]>, callback: Callback, self: unknown): Promise<void> =>
      this.#hand(given, callback, self)
    const guarded = function guarded(this: unknown, ...args: unknown[]): unknown {
      const callback = args.at(-1)
      // It works at once, or Node.js refuses it with an error of its own.
      if (!isCallback(callback)) return Reflect.apply(real, this, args)
      const { promise, resolve } = Promise.withResolvers<unknown[]>()
      const result: unknown = Reflect.apply(real, this, [...args.slice(0, -1), (...given: unknown[]) => resolve(given)])
      void hand(promise, callback, this)
      return result
    }
    // `promisify` finds there what it needs.
    return Object.defineProperties(guarded, Object.getOwnPropertyDescriptors(real))
  }

  // What the callback throws is an error that nobody catches, and no rejection.
  async #hand(given: Promise<unknown[]>, callback: Callback, self: unknown): Promise<void> {
    const args = await this.#begin(given)
    queueMicrotask(() => Reflect.apply(callback, self, args))
  }

  async #begin<T>(settled: Promise<T>): Promise<T> {
    const turn = Promise.withResolvers<void>()
    const actor = this.#clock.current
    this.#working++
    this.#pending.push({ actor, release: turn.resolve })
    const [outcome] = await Promise.allSettled([settled])
    this.#done()
    await turn.promise
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  }

  #done(): void {
    this.#working--
    const onIdle = this.#onIdle
    if (this.#working > 0 || onIdle === undefined) return
    this.#onIdle = undefined
    onIdle()
  }
}

import type { Actor } from '../clock/actor.ts'
import { realSetImmediate } from '../clock/real.ts'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import type { PatchList } from './patch-list.ts'

interface Pending {
  readonly actor: Actor
  readonly release: () => void
}

const METHODS = [
  'decrypt',
  'deriveBits',
  'deriveKey',
  'digest',
  'encrypt',
  'exportKey',
  'generateKey',
  'importKey',
  'sign',
  'unwrapKey',
  'verify',
  'wrapKey',
] as const

/**
 * WebCrypto works on real threads and is done in any order. So virtual time stands still while it works, and results
 * are handed out in the order of the calls, one in each turn.
 */
export class SubtleGate {
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
    const prototype: object = Object.getPrototypeOf(globalThis.crypto.subtle)
    for (const name of METHODS) patches.set(prototype, name, this.#guard(name, prototype))
  }

  /** Hands out what is done, in turn, until nothing more is under way; then calls `done`. */
  drain(done: () => void): void {
    if (this.#working > 0) {
      this.#onIdle = () => this.drain(done)
      return
    }
    const next = this.#pending.shift()
    if (next === undefined) {
      done()
      return
    }
    this.#clock.current = next.actor
    next.release()
    realSetImmediate(() => this.drain(done))
  }

  #guard(name: string, prototype: object): (...args: unknown[]) => Promise<unknown> {
    const real = Reflect.get(prototype, name)
    const begin = (settled: Promise<unknown>): Promise<unknown> => this.#begin(settled)
    return function guarded(this: unknown, ...args: unknown[]) {
      return begin(Reflect.apply(real, this, args))
    }
  }

  async #begin(settled: Promise<unknown>): Promise<unknown> {
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

import type { Envelope, MaybePromise, Opened, OpenOptions, Signer, Unsealed } from '@gridmesh/interfaces'
import { optional } from '@gridmesh/interfaces'
import { serviceCapabilities, type Startable } from '@libp2p/interface'
import { CheckedSigner } from './checked-signer.ts'
import { PENDING_OVERHEAD_BYTES } from './constants.ts'
import { defaultSigner } from './default-signer.ts'
import { EnvelopeMetrics } from './envelope-metrics.ts'
import { EnvelopeBusyError, EnvelopeNotStartedError } from './errors.ts'
import type { EnvelopeComponents, EnvelopeInit } from './index.ts'
import { Journal } from './journal.ts'
import { jsonCodec } from './json-codec.ts'
import { isPromise } from './maybe-promise.ts'
import { Opener } from './opener.ts'
import { type EnvelopeOptions, resolveOptions } from './options.ts'
import { OwnSequence } from './own-sequence.ts'
import { PeerIds } from './peer-ids.ts'
import { protobufCodec } from './protobuf-codec.ts'
import { ReplayGuard } from './replay-guard.ts'
import { Sealer } from './sealer.ts'
import { StateStore } from './state-store.ts'

/** Seals and opens as a libp2p service: lifecycle, signer and counters around `Sealer` and `Opener`. */
export class EnvelopeService implements Envelope, Startable {
  readonly [Symbol.toStringTag] = '@gridmesh/envelope'
  readonly [serviceCapabilities] = ['@gridmesh/envelope']
  readonly #components: EnvelopeComponents
  readonly #givenSigner: Signer | undefined
  readonly #options: EnvelopeOptions
  readonly #metrics: EnvelopeMetrics
  readonly #guard: ReplayGuard
  readonly #journal: Journal
  readonly #sealer: Sealer
  readonly #opener: Opener
  /** Set while started. */
  #signer: CheckedSigner | undefined
  #flushTimer: ReturnType<typeof setInterval> | undefined
  #lifecycle: Promise<void> = Promise.resolve()
  #pendingBytes = 0

  constructor(components: EnvelopeComponents, init: EnvelopeInit) {
    const options = resolveOptions(init)
    this.#components = components
    this.#givenSigner = init.signer
    this.#options = options
    this.#metrics = new EnvelopeMetrics(components.metrics)

    const sequence = new OwnSequence()
    const guard = new ReplayGuard({ ...options, windowBits: options.replayWindowBits })
    const store = new StateStore(components.datastore, options.storeTimeoutMs)
    const log = components.logger.forComponent('gridmesh:envelope')
    const peerIds = new PeerIds(options.maxSenders)
    const codec = options.codec === 'json' ? jsonCodec(peerIds) : protobufCodec()
    const isStarted = (): boolean => this.#signer !== undefined
    this.#guard = guard
    this.#journal = new Journal({ ...options, store, guard, sequence, log })
    this.#sealer = new Sealer({ ...options, codec, sequence })
    this.#opener = new Opener({ ...options, codec, guard, journal: this.#journal, peerIds, isStarted })
  }

  /** @throws {TypeError} when there is no signer and the node's key is not Ed25519 */
  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#signer !== undefined) return
      const signer = new CheckedSigner(this.#findSigner())
      await this.#journal.open()
      this.#signer = signer
      this.#flushTimer = setInterval(() => this.#flush(), this.#options.flushIntervalMs)
    })
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#signer === undefined) return
      this.#signer = undefined
      clearInterval(this.#flushTimer)
      this.#flushTimer = undefined
      await this.#journal.close()
    })
  }

  seal(message: Unsealed): MaybePromise<Uint8Array> {
    const sealed = this.#sealer.seal(message, this.#startedSigner())
    if (isPromise(sealed)) return this.#counted(sealed)
    this.#metrics.sealed()
    return sealed
  }

  open(bytes: Uint8Array, options: OpenOptions = {}): MaybePromise<Opened> {
    try {
      this.#demandRoom(bytes.byteLength)
      const opened = this.#opener.open(bytes, options, this.#startedSigner())
      if (isPromise(opened)) return this.#awaited(opened, bytes.byteLength)
      this.#metrics.opened()
      return opened
    } catch (err) {
      this.#metrics.refused(err)
      throw err
    }
  }

  // A start must not overtake the stop before it: it would accept envelopes while that one still writes.
  #inTurn(step: () => Promise<void>): Promise<void> {
    const turn = this.#lifecycle.then(step)
    this.#lifecycle = turn.catch(ignore)
    return turn
  }

  #findSigner(): Signer {
    const given = this.#givenSigner ?? optional(this.#components, 'signer')
    return given ?? defaultSigner(this.#components.privateKey, this.#options.maxSenders)
  }

  #startedSigner(): Signer {
    if (this.#signer === undefined) throw new EnvelopeNotStartedError()
    return this.#signer
  }

  #flush(): void {
    this.#guard.sweep()
    void this.#journal.flush()
  }

  #demandRoom(size: number): void {
    const { maxPendingBytes } = this.#options
    // Nothing waits with a synchronous signer, whatever the size.
    if (this.#pendingBytes > 0 && this.#pendingBytes + size + PENDING_OVERHEAD_BYTES > maxPendingBytes) {
      throw new EnvelopeBusyError('maxPendingBytes', maxPendingBytes)
    }
  }

  async #counted(sealed: Promise<Uint8Array>): Promise<Uint8Array> {
    const bytes = await sealed
    this.#metrics.sealed()
    return bytes
  }

  async #awaited(pending: Promise<Opened>, size: number): Promise<Opened> {
    const cost = size + PENDING_OVERHEAD_BYTES
    this.#pendingBytes += cost
    try {
      const opened = await pending
      this.#metrics.opened()
      return opened
    } catch (err) {
      this.#metrics.refused(err)
      throw err
    } finally {
      this.#pendingBytes -= cost
    }
  }
}

// The caller of `start` or `stop` gets the error; the next turn comes all the same.
function ignore(): void {}

import {
  DEFAULT_DEAD_AFTER_MS,
  DEFAULT_HANDSHAKE_ROUND_TRIPS,
  DEFAULT_LATENCY_MS,
  DEFAULT_MIN_RETRANSMIT_MS,
  DEFAULT_WINDOW_BYTES,
} from '../constants.ts'
import { Random } from '../random/random.ts'
import type { LatencyModel, LinkInit } from '../types.ts'
import type { Machine } from './machine.ts'

/** Retransmissions in a row after which a message gets through whatever the dice say. */
const MAX_LOSSES = 8
/** A Cantor-like key for a pair of nodes, the same in both directions. */
const PAIR_STRIDE = 0x1000_003

function check(name: string, value: number, holds: boolean, expected: string): void {
  if (!holds) throw new RangeError(`links.${name} is ${value}, expected ${expected}`)
}

function checkLatency(latency: LatencyModel): void {
  if (latency.kind === 'constant') check('latency.ms', latency.ms, latency.ms >= 0, '0 or more')
  if (latency.kind === 'normal') {
    check('latency.meanMs', latency.meanMs, latency.meanMs >= 0, '0 or more')
    check('latency.deviationMs', latency.deviationMs, latency.deviationMs >= 0, '0 or more')
  }
  if (latency.kind !== 'regions') return
  const { regions, matrixMs } = latency
  for (const row of [matrixMs, ...matrixMs]) {
    check('latency.matrixMs', row.length, row.length === regions.length, `${regions.length} rows and columns`)
  }
}

/** What links are like: the numbers behind each message. */
export class LinkModel {
  readonly #seed: number
  readonly #latency: LatencyModel
  readonly #regionAt = new Map<string, number>()
  readonly #minRetransmitMs: number
  readonly uplinkBytesPerSecond: number | undefined
  readonly downlinkBytesPerSecond: number | undefined
  readonly windowBytes: number
  readonly deadAfterMs: number
  readonly handshakeRoundTrips: number
  readonly #jitterAtStartMs: number
  readonly #lossAtStart: number
  #jitterMs: number
  #loss: number

  constructor(init: LinkInit, seed: number) {
    this.#seed = seed
    this.#latency = init.latency ?? { kind: 'constant', ms: DEFAULT_LATENCY_MS }
    checkLatency(this.#latency)
    if (this.#latency.kind === 'regions') this.#latency.regions.forEach((name, at) => this.#regionAt.set(name, at))
    this.#minRetransmitMs = init.minRetransmitMs ?? DEFAULT_MIN_RETRANSMIT_MS
    this.uplinkBytesPerSecond = init.uplinkBytesPerSecond
    this.downlinkBytesPerSecond = init.downlinkBytesPerSecond
    this.windowBytes = init.windowBytes ?? DEFAULT_WINDOW_BYTES
    this.deadAfterMs = init.deadAfterMs ?? DEFAULT_DEAD_AFTER_MS
    this.handshakeRoundTrips = init.handshakeRoundTrips ?? DEFAULT_HANDSHAKE_ROUND_TRIPS
    this.#jitterMs = this.#jitterAtStartMs = init.jitterMs ?? 0
    this.#loss = this.#lossAtStart = init.loss ?? 0
    this.#check()
  }

  /** The regions of the latency model, if it has any. */
  get regions(): readonly string[] {
    return this.#latency.kind === 'regions' ? this.#latency.regions : ['one']
  }

  /** Time from one machine to another without jitter or loss, the same at each call, in ms. */
  baseMs(from: Machine, to: Machine): number {
    const latency = this.#latency
    if (latency.kind === 'constant') return latency.ms
    if (latency.kind === 'regions') return this.#byRegion(latency.matrixMs, from, to)
    const [low, high] = from.index < to.index ? [from.index, to.index] : [to.index, from.index]
    const drawn = new Random(this.#seed, low * PAIR_STRIDE + high).normal()
    return Math.max(latency.minMs ?? 0, latency.meanMs + latency.deviationMs * drawn)
  }

  /** What jitter and loss add to one message, in ms. */
  delayMs(from: Machine, baseMs: number): number {
    let delayMs = this.#jitterMs === 0 ? 0 : from.random.next() * this.#jitterMs
    if (this.#loss === 0) return delayMs
    let timeoutMs = Math.max(this.#minRetransmitMs, 4 * baseMs)
    for (let losses = 0; losses < MAX_LOSSES && from.random.next() < this.#loss; losses++) {
      delayMs += timeoutMs
      timeoutMs *= 2
    }
    return delayMs
  }

  /** How long a waiting sender takes to notice that the way is open again, in ms. */
  retryMs(from: Machine): number {
    return from.random.next() * this.#minRetransmitMs
  }

  change({ jitterMs, loss }: Pick<LinkInit, 'jitterMs' | 'loss'>): void {
    this.#jitterMs = jitterMs ?? this.#jitterMs
    this.#loss = loss ?? this.#loss
    this.#check()
  }

  reset(): void {
    this.change({ jitterMs: this.#jitterAtStartMs, loss: this.#lossAtStart })
  }

  #byRegion(matrixMs: readonly (readonly number[])[], from: Machine, to: Machine): number {
    const row = this.#regionAt.get(from.region)
    const column = this.#regionAt.get(to.region)
    const ms = row === undefined || column === undefined ? undefined : matrixMs[row]?.[column]
    if (ms === undefined) throw new RangeError(`No latency is given from region ${from.region} to ${to.region}`)
    return ms
  }

  #check(): void {
    check('jitterMs', this.#jitterMs, this.#jitterMs >= 0, '0 or more')
    check('loss', this.#loss, this.#loss >= 0 && this.#loss <= 1, '0 to 1')
    check('minRetransmitMs', this.#minRetransmitMs, this.#minRetransmitMs > 0, 'above 0')
    check('windowBytes', this.windowBytes, this.windowBytes > 0, 'above 0')
    check('deadAfterMs', this.deadAfterMs, this.deadAfterMs > 0, 'above 0')
    check('handshakeRoundTrips', this.handshakeRoundTrips, this.handshakeRoundTrips >= 0, '0 or more')
    for (const name of ['uplinkBytesPerSecond', 'downlinkBytesPerSecond'] as const) {
      const value = this[name]
      if (value !== undefined) check(name, value, value > 0, 'above 0')
    }
  }
}

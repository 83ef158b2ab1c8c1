import { MAX_REPEATS } from './constants.ts'
import type { WireError } from './wire.ts'

/** What became of a call. */
export type Outcome = { payload: Uint8Array } | { error: WireError }

/** Limits of what is remembered. */
export interface MemoryLimits {
  maxKeys: number
  keyTtlMs: number
  maxAnswerBytes: number
}

interface Entry {
  expiresMs: number
  /** Undefined while the handler runs. */
  outcome: Outcome | undefined
  waiting: ((outcome: Outcome) => void)[]
}

/** The calls of one peer. */
class PeerMemory {
  /** By key, the oldest first. */
  readonly entries = new Map<string, Entry>()
  /** Those whose answer is kept, the oldest first. */
  readonly answers = new Map<string, number>()
  bytes = 0

  keep(key: string, bytes: number): void {
    this.answers.set(key, bytes)
    this.bytes += bytes
  }

  /** Drops a kept answer. Returns its bytes. */
  drop(key: string): number {
    const bytes = this.answers.get(key) ?? 0
    this.answers.delete(key)
    this.bytes -= bytes
    return bytes
  }
}

/**
 * Remembers the idempotent calls of every peer, so that each has its effect at most once. Where there is no room,
 * the peer with the most gives way: a flood pushes out only its own calls, and nobody learns another's answers.
 */
export class AnswerMemory {
  readonly #limits: MemoryLimits
  /** Stands for an answer that had to go. */
  readonly #forgotten: Outcome
  readonly #peers = new Map<string, PeerMemory>()
  #size = 0
  #bytes = 0

  constructor(limits: MemoryLimits) {
    this.#limits = limits
    this.#forgotten = {
      error: {
        code: 'answer-forgotten',
        message: 'The call was done before, and its answer is no longer kept',
        retryAfterMs: 0,
        limit: 'maxAnswerBytes',
        value: limits.maxAnswerBytes,
      },
    }
  }

  /** Keys remembered. */
  get size(): number {
    return this.#size
  }

  /** Bytes of remembered answers. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Begins a call, or finds that it was begun. `first`: run the handler, then `settle`. `known`: `onOutcome` is
   * called, at once or when the first one settles. `crowded`: too many wait for that already.
   */
  begin(peer: string, key: string, onOutcome: (outcome: Outcome) => void): 'first' | 'known' | 'crowded' {
    const entry = this.#peers.get(peer)?.entries.get(key)
    if (entry == null || entry.expiresMs <= performance.now()) {
      this.#add(peer, key)
      return 'first'
    }
    if (entry.outcome != null) onOutcome(entry.outcome)
    else if (entry.waiting.length >= MAX_REPEATS) return 'crowded'
    else entry.waiting.push(onOutcome)
    return 'known'
  }

  /** Remembers how a call ended, and tells those that wait for it. */
  settle(peer: string, key: string, outcome: Outcome): void {
    const memory = this.#peers.get(peer)
    const entry = memory?.entries.get(key)
    if (memory == null || entry == null) return
    const { waiting } = entry
    entry.waiting = []
    entry.expiresMs = performance.now() + this.#limits.keyTtlMs
    const bytes = 'payload' in outcome ? outcome.payload.byteLength : outcome.error.message.length
    const isKept = bytes <= this.#limits.maxAnswerBytes
    entry.outcome = isKept ? outcome : this.#forgotten
    if (isKept) {
      memory.keep(key, bytes)
      this.#bytes += bytes
      this.#dropAnswers()
    }
    for (const tell of waiting) tell(outcome)
  }

  /** Forgets a call whose handler did not run after all, and tells those that wait for it. */
  cancel(peer: string, key: string, outcome: Outcome): void {
    const waiting = this.#peers.get(peer)?.entries.get(key)?.waiting
    this.#delete(peer, key)
    for (const tell of waiting ?? []) tell(outcome)
  }

  /** Forgets what is too old. */
  sweep(): void {
    const now = performance.now()
    for (const [peer, { entries }] of this.#peers) {
      for (const [key, entry] of entries) if (entry.expiresMs <= now) this.#delete(peer, key)
    }
  }

  clear(): void {
    this.#peers.clear()
    this.#size = 0
    this.#bytes = 0
  }

  #add(peer: string, key: string): void {
    this.#delete(peer, key)
    if (this.#size >= this.#limits.maxKeys) this.#evict()
    let memory = this.#peers.get(peer)
    if (memory == null) {
      memory = new PeerMemory()
      this.#peers.set(peer, memory)
    }
    memory.entries.set(key, { expiresMs: Number.POSITIVE_INFINITY, outcome: undefined, waiting: [] })
    this.#size += 1
  }

  /** Forgets the oldest settled call of the peer that has most. Calls that run are bounded elsewhere. */
  #evict(): void {
    const [peer, memory] = this.#largest((each) => each.entries.size)
    for (const [key, entry] of memory.entries) {
      if (entry.outcome == null) continue
      this.#delete(peer, key)
      return
    }
  }

  /** Drops answers, not their keys, until the rest fits. */
  #dropAnswers(): void {
    while (this.#bytes > this.#limits.maxAnswerBytes) {
      const [, memory] = this.#largest((each) => each.bytes)
      for (const key of memory.answers.keys()) {
        const entry = memory.entries.get(key)
        if (entry != null) entry.outcome = this.#forgotten
        this.#bytes -= memory.drop(key)
        break
      }
    }
  }

  #largest(measure: (memory: PeerMemory) => number): [string, PeerMemory] {
    let best: [string, PeerMemory] = ['', new PeerMemory()]
    for (const each of this.#peers) if (measure(each[1]) > measure(best[1])) best = each
    return best
  }

  #delete(peer: string, key: string): void {
    const memory = this.#peers.get(peer)
    if (memory?.entries.delete(key) !== true) return
    this.#size -= 1
    this.#bytes -= memory.drop(key)
    if (memory.entries.size === 0) this.#peers.delete(peer)
  }
}

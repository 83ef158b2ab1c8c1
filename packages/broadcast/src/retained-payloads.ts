import type { SplitPayload } from '@gridmesh/chunking'

/** Who may have a payload, and whether it may be dropped. */
export interface RetentionOptions {
  /** Peers that may pull it, by id string. Absent: every ready peer. */
  audience?: ReadonlySet<string>
  /** While it says so, the payload does not make room for others. */
  isOwed?: () => boolean
}

interface Entry {
  split: SplitPayload
  audience: ReadonlySet<string> | undefined
  /** What `isOwed` asks, one for each publish of the payload. */
  owed: (() => boolean)[]
  expiresAtMs: number
}

/** The payloads that peers may pull from us, bounded in bytes and time. */
export class RetainedPayloads {
  readonly #maxBytes: number
  readonly #lifetimeMs: number
  // One lifetime for all keeps the map in order of expiry.
  readonly #entries = new Map<string, Entry>()
  #bytes = 0
  #isOpen = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(maxBytes: number, lifetimeMs: number) {
    this.#maxBytes = maxBytes
    this.#lifetimeMs = lifetimeMs
  }

  get size(): number {
    return this.#entries.size
  }

  /** Bytes of all payloads held. */
  get bytes(): number {
    return this.#bytes
  }

  start(): void {
    this.#isOpen = true
  }

  /** Forgets everything, and keeps nothing more. */
  stop(): void {
    this.#isOpen = false
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#entries.clear()
    this.#bytes = 0
  }

  has(id: string): boolean {
    return this.#entries.has(id)
  }

  /** The payload, if we keep it and `peer` may have it. */
  get(id: string, peer: string): SplitPayload | undefined {
    const entry = this.#entries.get(id)
    return entry?.audience?.has(peer) === false ? undefined : entry?.split
  }

  /** Keeps a payload, from now on for its whole lifetime; the oldest make room. Returns `false` where they may not. */
  add(id: string, split: SplitPayload, options: RetentionOptions = {}): boolean {
    if (!this.#isOpen) return false
    const known = this.#entries.get(id)
    this.#remove(id)
    if (!this.#makeRoom(split.totalBytes)) return false
    const expiresAtMs = performance.now() + this.#lifetimeMs
    this.#entries.set(id, { ...merged(known, options), split: known?.split ?? split, expiresAtMs })
    this.#bytes += split.totalBytes
    this.#timer ??= setTimeout(() => this.#expire(), this.#lifetimeMs)
    return true
  }

  #makeRoom(bytes: number): boolean {
    let excess = this.#bytes + bytes - this.#maxBytes
    const leaving: string[] = []
    for (const [id, entry] of this.#entries) {
      if (excess <= 0) break
      if (entry.owed.some((isOwed) => isOwed())) continue
      leaving.push(id)
      excess -= entry.split.totalBytes
    }
    if (excess > 0) return false
    for (const id of leaving) this.#remove(id)
    return true
  }

  #remove(id: string): void {
    this.#bytes -= this.#entries.get(id)?.split.totalBytes ?? 0
    this.#entries.delete(id)
  }

  #expire(): void {
    this.#timer = undefined
    const now = performance.now()
    for (const [id, { expiresAtMs }] of this.#entries) {
      if (expiresAtMs > now) {
        this.#timer = setTimeout(() => this.#expire(), expiresAtMs - now)
        return
      }
      this.#remove(id)
    }
  }
}

/** What was published twice may be pulled by the peers of both, and is owed while it is owed to either. */
function merged(known: Entry | undefined, { audience, isOwed }: RetentionOptions): Pick<Entry, 'audience' | 'owed'> {
  const owed = isOwed === undefined ? [] : [isOwed]
  if (known === undefined) return { audience, owed }
  owed.push(...known.owed.filter((isStillOwed) => isStillOwed()))
  if (known.audience === undefined || audience === undefined) return { owed, audience: undefined }
  return { owed, audience: new Set([...known.audience, ...audience]) }
}

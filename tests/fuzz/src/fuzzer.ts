import { checkWithin } from './bounds.ts'
import type { Coverage } from './coverage.ts'
import { applyEdits } from './edits.ts'
import { Random, randomEdits } from './random-edits.ts'
import type { Target } from './target.ts'

/** Inputs between two looks at the coverage. */
const BATCH = 512
/** Inputs that are changed to make others; beyond it the oldest that came from elsewhere goes. */
const MAX_POOL = 1_024
/** Attempts to make an input shorter that ran something new. */
const SHORTENINGS = 48

/** An input that did what it must not. */
export interface Found {
  bytes: Uint8Array
  error: unknown
}

/** What a run did. */
export interface FuzzReport {
  target: string
  executions: number
  /** Executions whose input was read, not refused. */
  read: number
  /** Blocks of our code that ran. */
  blocks: number
  /** Inputs that ran something that no one before did, shortened. */
  kept: Uint8Array[]
  found: Found[]
}

/** How a run goes. */
export interface FuzzInit {
  target: Target
  corpus: readonly Uint8Array[]
  coverage: Coverage
  totalMs: number
  seed: number
  /** Called before each execution. */
  onInput?: (bytes: Uint8Array) => void
}

/** Changes inputs of one target for a while, and goes on from those that run something new. */
export class Fuzzer {
  readonly #init: FuzzInit
  readonly #random: Random
  readonly #pool: Uint8Array[]
  readonly #report: FuzzReport

  constructor(init: FuzzInit) {
    this.#init = init
    this.#random = new Random(init.seed)
    this.#pool = [...init.target.seeds, ...init.corpus]
    this.#report = { target: init.target.name, executions: 0, read: 0, blocks: 0, kept: [], found: [] }
  }

  async run(): Promise<FuzzReport> {
    const { coverage, totalMs } = this.#init
    const endMs = performance.now() + totalMs
    for (const bytes of this.#pool) await this.#execute(bytes)
    coverage.note(coverage.fresh())
    do {
      const batch = Array.from({ length: BATCH }, () => this.#make())
      const fresh = await this.#freshOf(batch)
      if (fresh.length > 0) await this.#learn(batch)
      // What ran once only, by chance, is not looked for again.
      coverage.note(fresh)
    } while (performance.now() < endMs && this.#report.found.length === 0)
    this.#report.blocks = coverage.size
    return this.#report
  }

  #make(): Uint8Array {
    return applyEdits(this.#random.of(this.#pool), randomEdits(this.#random), this.#random.of(this.#pool))
  }

  async #execute(bytes: Uint8Array): Promise<void> {
    const { target, onInput } = this.#init
    // One fault is enough: the others are mostly the same.
    if (this.#report.found.length > 0) return
    onInput?.(bytes)
    this.#report.executions++
    try {
      if ((await checkWithin(target, bytes)) === 'read') this.#report.read++
    } catch (error) {
      this.#report.found.push({ bytes, error })
    }
  }

  /** Of inputs that run something new, finds those that do, by halves. */
  async #learn(inputs: readonly Uint8Array[]): Promise<void> {
    const middle = inputs.length >> 1
    const [only] = inputs
    if (middle === 0 && only !== undefined) return this.#keep(only)
    for (const half of [inputs.slice(0, middle), inputs.slice(middle)]) {
      if ((await this.#freshOf(half)).length > 0) await this.#learn(half)
    }
  }

  async #keep(bytes: Uint8Array): Promise<void> {
    const fresh = await this.#freshOf([bytes])
    if (fresh.length === 0) return
    const short = await this.#shorten(bytes, fresh)
    this.#init.coverage.note(fresh)
    this.#report.kept.push(short)
    this.#pool.push(short)
    if (this.#pool.length > MAX_POOL) this.#pool.splice(this.#init.target.seeds.length, 1)
  }

  async #freshOf(inputs: readonly Uint8Array[]): Promise<string[]> {
    for (const bytes of inputs) await this.#execute(bytes)
    return this.#init.coverage.fresh()
  }

  /** Leaves out what an input does not need to run some blocks. */
  async #shorten(input: Uint8Array, blocks: readonly string[]): Promise<Uint8Array> {
    let bytes = input
    for (let tries = 0, size = bytes.byteLength >> 1; tries < SHORTENINGS && size > 0; size >>= 1) {
      for (let at = 0; at < bytes.byteLength && tries < SHORTENINGS; tries++) {
        const shorter = Uint8Array.from(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]))
        await this.#execute(shorter)
        const ran = new Set(this.#init.coverage.ran())
        if (blocks.every((block) => ran.has(block))) bytes = shorter
        else at += size
      }
    }
    return bytes
  }
}

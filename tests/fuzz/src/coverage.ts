import { type Profiler, Session } from 'node:inspector'

/** Code of ours, as it was built. */
const OURS = /\/packages\/[a-z-]+\/dist\/|\/fuzz\/dist\/decoders/

/** Says which blocks of our code ran, by V8's own counters. */
export class Coverage {
  readonly #session = new Session()
  readonly #noted = new Set<string>()

  constructor() {
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    this.#take()
  }

  /** Blocks that were noted. */
  get size(): number {
    return this.#noted.size
  }

  /** Blocks that ran since the last look and are not noted. */
  fresh(): string[] {
    return this.ran().filter((block) => !this.#noted.has(block))
  }

  /** From now on these are not fresh. */
  note(blocks: readonly string[]): void {
    for (const block of blocks) this.#noted.add(block)
  }

  /** Blocks that ran since the last look. */
  ran(): string[] {
    return this.#take().flatMap(({ url, functions }) => {
      if (!OURS.test(url)) return []
      return functions.flatMap(({ ranges }) =>
        ranges
          .filter(({ count }) => count > 0)
          .map(({ startOffset, endOffset }) => `${url} ${startOffset} ${endOffset}`),
      )
    })
  }

  close(): void {
    this.#session.disconnect()
  }

  #take(): Profiler.ScriptCoverage[] {
    let scripts: Profiler.ScriptCoverage[] = []
    this.#session.post('Profiler.takePreciseCoverage', (_, taken) => {
      scripts = taken?.result ?? []
    })
    return scripts
  }
}

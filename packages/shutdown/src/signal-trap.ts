import process from 'node:process'
import type { ShutdownReport } from '@gridmesh/interfaces'
import type { EndSignal, HandleSignalsInit, SignalSource } from './index.ts'

/** The numbers are the same on every system; a program ended by a signal exits with 128 more. */
const NUMBERS: Readonly<Record<EndSignal, number>> = { SIGINT: 2, SIGTERM: 15 }
const SIGNALS: readonly EndSignal[] = ['SIGINT', 'SIGTERM']

/** Ends the program on a signal: in good order on the first, at once on the second, of either sort. */
export class SignalTrap {
  readonly #run: () => Promise<ShutdownReport>
  readonly #source: SignalSource
  readonly #exit: (code: number) => void
  #isAttached = false
  #isHit = false
  #hasExited = false

  constructor(run: () => Promise<ShutdownReport>, init: HandleSignalsInit = {}) {
    this.#run = run
    this.#source = init.source ?? process
    this.#exit = init.exit ?? ((code) => process.exit(code))
  }

  attach(): void {
    if (this.#isAttached) return
    this.#isAttached = true
    for (const signal of SIGNALS) this.#source.on(signal, this.#onSignal)
  }

  detach(): void {
    if (!this.#isAttached) return
    this.#isAttached = false
    for (const signal of SIGNALS) this.#source.off(signal, this.#onSignal)
  }

  readonly #onSignal = (signal: EndSignal): void => {
    if (this.#isHit) {
      this.#end(128 + NUMBERS[signal])
      return
    }
    this.#isHit = true
    // `run` never rejects.
    void this.#run().then(({ clean }) => this.#end(clean ? 0 : 1))
  }

  #end(code: number): void {
    this.detach()
    if (this.#hasExited) return
    this.#hasExited = true
    this.#exit(code)
  }
}

import type { PrivateKey, ServiceMap, Transport } from '@libp2p/interface'
import { checkInit } from './check-init.ts'
import { SimulationRunningError } from './errors.ts'
import type { RunOptions, Simulation, TransportComponents, TransportOptions } from './index.ts'
import { Run } from './run/run.ts'
import type { SimulationContext, SimulationInit, SimulationResult } from './types.ts'

/** The run that holds the clock of this process. */
let running: unknown

/** A simulation, run once at a time. */
export class DefaultSimulation<S extends ServiceMap> implements Simulation<S> {
  readonly #init: SimulationInit<S>
  #run: Run<S> | undefined

  constructor(init: SimulationInit<S>) {
    checkInit(init)
    this.#init = init
  }

  async run(
    scenario: (context: SimulationContext<S>) => Promise<void>,
    options: RunOptions = {},
  ): Promise<SimulationResult> {
    if (running !== undefined) throw new SimulationRunningError()
    options.signal?.throwIfAborted()
    const run = new Run(this.#init)
    this.#run = running = run
    try {
      return await run.perform(scenario, options.signal)
    } finally {
      this.#run = running = undefined
    }
  }

  transport(options: TransportOptions = {}): (components: TransportComponents) => Transport {
    return (components) => this.#current().createTransport(components, options)
  }

  key(): PrivateKey {
    return this.#current().createKey()
  }

  #current(): Run<S> {
    if (this.#run === undefined) throw new RangeError('sim.transport() and sim.key() are for inside sim.run()')
    return this.#run
  }
}

import { TimeoutError } from '@libp2p/interface'
import type { ServiceFactoryMap } from 'libp2p'
import { ModuleFailedError } from './errors.ts'

const STARTS = ['beforeStart', 'start', 'afterStart'] as const
const ENDS = ['beforeStop', 'stop', 'afterStop'] as const

/** What libp2p calls of a module as the node starts and stops. */
export type ModuleStep = (typeof STARTS)[number] | (typeof ENDS)[number]

type Module = Partial<Record<ModuleStep, () => unknown>>

/** What a guard is given. */
export interface ModuleGuardInit {
  /** Time that a module gets for each step of its stop, in ms. */
  stopMs: number
  /** Aborts when the node is to stop: a start is waited for no longer. */
  ending: AbortSignal
}

/**
 * Keeps what one module does wrong as it starts or stops from all others. libp2p runs a step of all modules side by side,
 * goes no further where one fails, and waits for one that hangs: listeners would stay open, and stores would be closed
 * under those who still write. Here each step ends and none fails; what went wrong is kept.
 */
export class ModuleGuard {
  readonly #init: ModuleGuardInit
  #faults: ModuleFailedError[] = []

  constructor(init: ModuleGuardInit) {
    this.#init = init
  }

  /** What went wrong since the last call. */
  takeFaults(): ModuleFailedError[] {
    const faults = this.#faults
    this.#faults = []
    return faults
  }

  /** The same factories, of modules that are guarded. They throw a `ModuleFailedError` where one makes no module. */
  guard<T extends Record<string, unknown>>(factories: ServiceFactoryMap<T>): ServiceFactoryMap<T> {
    const guarded = { ...factories }
    for (const name of Object.keys(factories) as (keyof T & string)[]) {
      guarded[name] = (components) => {
        const made = factories[name](components)
        if (typeof made !== 'object' || made === null) {
          throw new ModuleFailedError(name, 'factory', new TypeError(`it gave ${String(made)}, and no object`))
        }
        this.#shield(name, made)
        return made
      }
    }
    return guarded
  }

  #shield(name: string, module: Module): void {
    // Nothing can be put over the steps of one that is frozen.
    if (!Object.isExtensible(module)) return
    const end = module.stop?.bind(module)
    for (const step of STARTS) this.#cover(module, step, async (run) => this.#start(name, step, run, end))
    for (const step of ENDS) this.#cover(module, step, async (run) => this.#end(name, step, run))
  }

  #cover(module: Module, step: ModuleStep, guarded: (run: () => Promise<unknown>) => Promise<void>): void {
    const own = module[step]?.bind(module)
    if (own === undefined) return
    const value = async (): Promise<void> => guarded(async () => own())
    Object.defineProperty(module, step, { value, configurable: true, writable: true })
  }

  async #start(
    name: string,
    step: ModuleStep,
    run: () => Promise<unknown>,
    end: (() => unknown) | undefined,
  ): Promise<void> {
    const { ending } = this.#init
    const over = Promise.withResolvers<'over'>()
    const onEnding = (): void => over.resolve('over')
    ending.addEventListener('abort', onEnding, { once: true })
    if (ending.aborted) onEnding()
    const started = run()
    try {
      // What comes up after all has been stopped is stopped again.
      if ((await Promise.race([started, over.promise])) === 'over') started.then(() => end?.()).catch(() => undefined)
    } catch (err) {
      this.#faults.push(new ModuleFailedError(name, step, err))
    } finally {
      ending.removeEventListener('abort', onEnding)
    }
  }

  async #end(name: string, step: ModuleStep, run: () => Promise<unknown>): Promise<void> {
    const { stopMs } = this.#init
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(new TimeoutError(`not done after ${stopMs} ms`)), stopMs)
    try {
      await Promise.race([run(), late.promise])
    } catch (err) {
      this.#faults.push(new ModuleFailedError(name, step, err))
    } finally {
      clearTimeout(timer)
    }
  }
}

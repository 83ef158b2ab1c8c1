import type { Registrar } from '@libp2p/interface-internal'
import { vi } from 'vitest'

/** What libp2p hands to a service, as far as a service can leave something in it. */
export interface WatchedComponents {
  events: EventTarget
  registrar: Registrar
}

type Listener = Parameters<EventTarget['addEventListener']>[1]
interface Added {
  target: EventTarget
  type: string
  listener: Listener
  where: string
}

/** Sees what the packages open, and tells what of it was never given back. What libp2p itself opens is not told of. */
export class Watch {
  readonly #timers = new Map<unknown, string>()
  readonly #topologies = new Map<string, string>()
  readonly #targets = new Set<EventTarget>()
  readonly #protocols: (() => string[])[] = []
  readonly #signals = signalListeners()
  #listeners: Added[] = []

  constructor() {
    this.#watchTimers('setTimeout', 'clearTimeout')
    this.#watchTimers('setInterval', 'clearInterval')
    this.#watchListeners()
  }

  /** Watches a node from before its services are made: a service that comes first takes its components here. */
  readonly service = (components: WatchedComponents): object => {
    const { events, registrar } = components
    this.#targets.add(events)
    this.#protocols.push(() => registrar.getProtocols())
    const register = registrar.register.bind(registrar)
    const unregister = registrar.unregister.bind(registrar)
    registrar.register = async (protocol, topology, options) => {
      const where = whereOfOurs()
      const id = await register(protocol, topology, options)
      if (where !== undefined) this.#topologies.set(id, `${protocol} ${where}`)
      return id
    }
    registrar.unregister = (id) => {
      this.#topologies.delete(id)
      unregister(id)
    }
    return {}
  }

  /** Watches who listens to services. */
  targets(services: object): void {
    for (const service of Object.values(services)) if (service instanceof EventTarget) this.#targets.add(service)
  }

  /** All that is open, in words. */
  left(): string[] {
    const listeners = this.#listeners.filter(({ target }) => this.#targets.has(target))
    return [
      ...[...this.#timers.values()].map((where) => `timer ${where}`),
      ...listeners.map(({ type, where }) => `listener to ${type} ${where}`),
      ...[...this.#topologies.values()].map((where) => `topology ${where}`),
      ...this.#protocols.flatMap((list) => list().filter(isOurs)).map((protocol) => `handler of ${protocol}`),
      ...(signalListeners() === this.#signals ? [] : ['listener to a signal']),
    ]
  }

  end(): void {
    vi.restoreAllMocks()
  }

  #watchTimers(set: 'setTimeout' | 'setInterval', clear: 'clearTimeout' | 'clearInterval'): void {
    const [realSet, realClear] = [globalThis[set], globalThis[clear]]
    vi.spyOn(globalThis, set).mockImplementation(((
      run: (...args: unknown[]) => void,
      ms?: number,
      ...args: unknown[]
    ) => {
      const where = whereOfOurs()
      const timer = realSet(() => {
        if (set === 'setTimeout') this.#timers.delete(timer)
        run(...args)
      }, ms)
      if (where !== undefined) this.#timers.set(timer, where)
      return timer
    }) as typeof setTimeout)
    vi.spyOn(globalThis, clear).mockImplementation((timer) => {
      this.#timers.delete(timer)
      realClear(timer)
    })
  }

  #watchListeners(): void {
    const add = (added: Added): void => void this.#listeners.push(added)
    const remove = (target: EventTarget, type: string, listener: Listener): void => {
      this.#listeners = this.#listeners.filter(
        (one) => one.target !== target || one.type !== type || one.listener !== listener,
      )
    }
    const realAdd = Reflect.get(EventTarget.prototype, 'addEventListener')
    const realRemove = Reflect.get(EventTarget.prototype, 'removeEventListener')
    vi.spyOn(EventTarget.prototype, 'addEventListener').mockImplementation(function watch(this: EventTarget, ...args) {
      const [type, listener, options] = args
      const where = this instanceof AbortSignal ? undefined : whereOfOurs()
      if (where !== undefined) add({ target: this, type, listener, where })
      const signal = typeof options === 'object' ? options.signal : undefined
      signal?.addEventListener('abort', () => remove(this, type, listener), { once: true })
      if (typeof options === 'object' && options.once === true) {
        realAdd.call(this, type, () => remove(this, type, listener), { once: true })
      }
      realAdd.apply(this, args)
    })
    vi.spyOn(EventTarget.prototype, 'removeEventListener').mockImplementation(function watch(
      this: EventTarget,
      ...args
    ) {
      remove(this, args[0], args[1])
      realRemove.apply(this, args)
    })
  }
}

/** Sockets that are open in this process. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((type) => /^(TCP|UDP|PIPESERVER)/i.test(type)).length
}

/** Where in our packages the caller is, if it is in one: what the packages start through libraries is theirs too. */
function whereOfOurs(): string | undefined {
  const holder: { stack?: string } = {}
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 30
  Error.captureStackTrace(holder, whereOfOurs)
  Error.stackTraceLimit = stackTraceLimit
  const line = holder.stack?.split('\n').find((one) => /\/packages\/[a-z-]+\/(dist|src)\//.test(one))
  return line?.trim()
}

function signalListeners(): number {
  return process.listenerCount('SIGINT') + process.listenerCount('SIGTERM')
}

function isOurs(protocol: string): boolean {
  return protocol.includes('gridmesh') || protocol.includes('meshsub')
}

import { isStartable, serviceCapabilities, serviceDependencies } from '@libp2p/interface'
import { MissingServiceError, UnmetServiceDependenciesError } from '../errors.ts'

/** Components that may be read while absent. */
const OPTIONAL = new Set(['metrics', 'connectionProtector', 'dns'])
/** What is looked for on anything that is awaited or started, the map of components included. */
const HOOKS = ['beforeStart', 'start', 'afterStart', 'beforeStop', 'stop', 'afterStop'] as const
const NOT_A_SERVICE = new Set<string>(['then', ...HOOKS])
/** What is there at level `host` without a component of its own. */
const BUILT_IN = [
  '@libp2p/identify',
  '@libp2p/identify-push',
  '@libp2p/transport',
  '@libp2p/connection-encryption',
  '@libp2p/stream-multiplexing',
]

type Hook = (typeof HOOKS)[number]

/**
 * One error for each name, thrown again and again: services that can do without a sibling look for it with each message,
 * and stack traces of these would cost more than the messages. The trace is that of the first look.
 */
const missing = new Map<string, MissingServiceError>()

function missingService(name: string): MissingServiceError {
  const known = missing.get(name)
  if (known !== undefined) return known
  const err = new MissingServiceError(name)
  missing.set(name, err)
  return err
}

/** The components of a node by name: reading an absent one throws, as in libp2p. */
export type ComponentMap = Record<string, unknown>

export function createComponents(initial: ComponentMap): ComponentMap {
  return new Proxy(initial, {
    get(target, name): unknown {
      const component: unknown = Reflect.get(target, name)
      if (component != null || typeof name !== 'string' || OPTIONAL.has(name) || NOT_A_SERVICE.has(name)) {
        return component
      }
      throw missingService(name)
    },
  })
}

function listOf(component: unknown, key: symbol): readonly string[] {
  const list: unknown = component == null ? undefined : Reflect.get(Object(component), key)
  return Array.isArray(list) ? list : []
}

/** Whether some component offers a capability. */
export function hasCapability(components: Iterable<unknown>, capability: string): boolean {
  for (const component of components) {
    if (listOf(component, serviceCapabilities).includes(capability)) return true
  }
  return false
}

/** @throws {UnmetServiceDependenciesError} when a service needs what nobody offers */
export function checkDependencies(components: ComponentMap): void {
  const all = Object.values(components)
  const offered = new Set([...BUILT_IN, ...all.flatMap((component) => listOf(component, serviceCapabilities))])
  for (const component of all) {
    for (const capability of listOf(component, serviceDependencies)) {
      if (offered.has(capability)) continue
      const name: unknown = Reflect.get(Object(component), Symbol.toStringTag)
      throw new UnmetServiceDependenciesError(typeof name === 'string' ? name : 'unknown', capability)
    }
  }
}

/** Calls one hook of all components, side by side, as libp2p does. */
export async function callHook(components: ComponentMap, hook: Hook): Promise<void> {
  await Promise.all(
    Object.values(components)
      .filter((component) => isStartable(component))
      .map(async (component) => component[hook]?.()),
  )
}

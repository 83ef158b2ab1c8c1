import { ServiceNameError } from './errors.ts'

/**
 * Reads a sibling service that may be absent. libp2p's components throw a `MissingServiceError` for a service that
 * is absent or not yet constructed; that one error becomes `undefined`. Call it at use, not in a constructor.
 */
export function optional<C extends object, K extends keyof C>(components: C, name: K): C[K] | undefined {
  try {
    return components[name]
  } catch (err) {
    if (err instanceof Error && err.name === 'MissingServiceError') return undefined
    throw err
  }
}

/**
 * Makes sure that there is a service of this name. Others look for it by that, and under another one they would do
 * without it, and say nothing. Call it in `start`: no sibling is used, and all are built. Components made by hand pass.
 * @throws {ServiceNameError} when libp2p has no service of this name
 */
export function requireName(components: object, name: string): void {
  try {
    Reflect.get(components, name)
  } catch (err) {
    if (err instanceof Error && err.name === 'MissingServiceError') throw new ServiceNameError(name, { cause: err })
    throw err
  }
}

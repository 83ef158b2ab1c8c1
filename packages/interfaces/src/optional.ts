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

import type { Codec } from '@gridmesh/interfaces'
import { InvalidValueError } from './errors.ts'

/** Bytes as they are. What is decoded is a view on the message: a handler that keeps it long should copy it. */
export const bytesCodec: Codec<Uint8Array> = Object.freeze({
  encode: (value: Uint8Array) => value,
  decode: (bytes: Uint8Array) => bytes,
})

/**
 * JSON in UTF-8. `parse` gives the value its type: it returns it, or throws. The `parse` of any schema will do.
 * Both ways end in `InvalidValueError`, with the path of the fault where the error of `parse` tells it.
 */
export function jsonCodec<T>(parse: (value: unknown) => T): Codec<T> {
  const encoder = new TextEncoder()
  // Fatal: with replacement characters two different byte strings would decode to one value.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  return Object.freeze({
    encode(value: T): Uint8Array {
      const json = stringify(value)
      if (json === undefined) throw new InvalidValueError([], `${typeof value} is not a JSON value`)
      return encoder.encode(json)
    },
    decode(bytes: Uint8Array): T {
      const value = parseJson(() => decoder.decode(bytes))
      try {
        return parse(value)
      } catch (err) {
        throw new InvalidValueError(pathOf(err), describe(err), { cause: err })
      }
    },
  })
}

function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (err) {
    throw new InvalidValueError([], describe(err), { cause: err })
  }
}

function parseJson(text: () => string): unknown {
  try {
    return JSON.parse(text())
  } catch (err) {
    throw new InvalidValueError([], `not JSON: ${describe(err)}`, { cause: err })
  }
}

/** The path as validators tell it: on the error itself, or on the first of its issues. */
function pathOf(err: unknown): PropertyKey[] {
  const issue = firstIssue(err)
  const path = (isRecord(issue) ? issue['path'] : undefined) ?? (isRecord(err) ? err['path'] : undefined)
  if (!Array.isArray(path)) return []
  return path.map((step: unknown) => {
    // Some validators give each step as an object with a `key`.
    const key = isRecord(step) ? step['key'] : step
    return typeof key === 'number' || typeof key === 'symbol' ? key : String(key)
  })
}

function describe(err: unknown): string {
  const issue = firstIssue(err)
  if (isRecord(issue) && typeof issue['message'] === 'string') return issue['message']
  return err instanceof Error ? err.message : String(err)
}

function firstIssue(err: unknown): unknown {
  const issues = isRecord(err) ? err['issues'] : undefined
  return Array.isArray(issues) ? issues[0] : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value != null
}

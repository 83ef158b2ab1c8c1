import assert from 'node:assert/strict'

/** An error that a caller can tell from others: its name, or a code, says which one it is. */
export function assertTyped(err: unknown, what: string): asserts err is Error {
  assert.ok(err instanceof Error, `${what}: must be an Error, and was ${String(err)}`)
  const hasCode = 'code' in err && typeof err.code === 'string' && err.code !== ''
  assert.ok(hasCode || err.name !== 'Error', `${what}: neither name nor code tell what it is: ${err.message}`)
}

/** An error of exactly this name. */
export function assertNamed(err: unknown, name: string, what: string): void {
  assert.ok(err instanceof Error, `${what}: must be a ${name}, and was ${String(err)}`)
  assert.equal(err.name, name, `${what}: ${err.message}`)
}

/** What a call rejects with once its signal aborted: the reason of the signal, or an `AbortError`. */
export function assertAborted(err: unknown, signal: AbortSignal, what: string): void {
  assert.ok(signal.aborted, `${what}: rejected before its signal aborted, with ${String(err)}`)
  if (err === signal.reason) return
  assertNamed(err, 'AbortError', what)
}

/** A failure that holds what `call` throws; fails where it throws nothing. */
export function thrownBy(what: string, call: () => unknown): unknown {
  try {
    call()
  } catch (err) {
    return err
  }
  return assert.fail(`${what}: must throw, and returned`)
}

/** Item `index`, which the harness owes. */
export function itemAt<T>(list: readonly T[], index: number, what: string): T {
  const item = list[index]
  assert.ok(item !== undefined, `the harness made ${list.length} ${what}, and number ${index} is needed`)
  return item
}

/** Bytes that tell one message of a case from another. */
export function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Bytes as text, for comparisons that read well when they fail. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

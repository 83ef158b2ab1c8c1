/** The same memory as a `Buffer`, for its methods. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Turns bytes into a map key: one character a byte, the cheapest there is. */
export function bytesKey(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('latin1')
}

/** Bytes in hex, as ids are shown. */
export function toHex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex')
}

export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** Orders bytes as numbers of the same length are. */
export const compareBytes = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b)

/** Up to here a loop is faster than the call that copies memory. */
const SHORT_BYTES = 128

/** Copies the bytes of `source` from `start` to `end` into `target` at `offset`. */
export function copyBytes(source: Buffer, start: number, end: number, target: Buffer, offset: number): void {
  if (end - start > SHORT_BYTES) source.copy(target, offset, start, end)
  else for (let from = start, to = offset; from < end; from++, to++) target[to] = source[from] ?? 0
}

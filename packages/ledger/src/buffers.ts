/** The same memory as a `Buffer`, for its methods. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Up to here a loop is faster than the call that copies memory. */
const SHORT_BYTES = 128

/** Copies the bytes of `source` from `start` to `end` into `target` at `offset`. */
export function copyBytes(source: Buffer, start: number, end: number, target: Buffer, offset: number): void {
  if (end - start > SHORT_BYTES) source.copy(target, offset, start, end)
  else for (let from = start, to = offset; from < end; from++, to++) target[to] = source[from] ?? 0
}

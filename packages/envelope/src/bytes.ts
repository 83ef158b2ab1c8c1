/** The same memory as a `Buffer`, for its methods. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The same memory as a plain `Uint8Array`, so that no caller comes to rely on getting a `Buffer`. */
export function asBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Turns bytes into a map key: one character per byte, the cheapest there is. */
export function bytesKey(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('latin1')
}

/** Undoes `bytesKey`. */
export function keyBytes(key: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(key, 'latin1'))
}

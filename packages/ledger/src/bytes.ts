import { asBuffer } from './buffers.ts'

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

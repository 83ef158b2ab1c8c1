import { hash } from 'node:crypto'
import { asBuffer } from '../buffers.ts'
import { HASH_BYTES, PUBLIC_KEY_BYTES } from '../constants.ts'
import { chosenCrypto } from './chosen-crypto.ts'

/** Up to here libsodium is the faster one; above, OpenSSL is, by as much as a half. */
const SHORT_BYTES = 128
const scratch = Buffer.alloc(HASH_BYTES)

/** Writes the SHA-256 of `bytes` into `target` at `offset`. */
export function sha256Into(target: Uint8Array, offset: number, bytes: Uint8Array): void {
  if (bytes.byteLength > SHORT_BYTES) {
    asBuffer(target).write(hash('sha256', bytes, 'binary'), offset, HASH_BYTES, 'latin1')
    return
  }
  chosenCrypto.sha256(scratch, bytes)
  target.set(scratch, offset)
}

export function sha256(bytes: Uint8Array): Uint8Array {
  const target = Buffer.allocUnsafe(HASH_BYTES)
  sha256Into(target, 0, bytes)
  return target
}

/** The address of an ed25519 public key: its SHA-256. @throws {RangeError} when it has not 32 bytes */
export function addressOf(publicKey: Uint8Array): Uint8Array {
  if (publicKey.byteLength === PUBLIC_KEY_BYTES) return sha256(publicKey)
  throw new RangeError(`a public key has ${PUBLIC_KEY_BYTES} bytes, not ${publicKey.byteLength}`)
}

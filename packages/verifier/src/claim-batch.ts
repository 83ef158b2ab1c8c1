import type { SignatureClaim } from '@gridmesh/ledger'

/** Lengths of the key, the signature and the message, each of 4 bytes. */
const HEADER_BYTES = 12

/** Length of claims in a batch, in bytes. */
export function bytesOf(claims: readonly SignatureClaim[]): number {
  let bytes = 0
  for (const { publicKey, signature, message } of claims) {
    bytes += HEADER_BYTES + publicKey.byteLength + signature.byteLength + message.byteLength
  }
  return bytes
}

/** Puts claims into one piece of memory, which can be handed to a worker as it is. */
export function packClaims(claims: readonly SignatureClaim[]): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(bytesOf(claims))
  const view = new DataView(packed.buffer)
  let at = 0
  for (const { publicKey, signature, message } of claims) {
    view.setUint32(at, publicKey.byteLength)
    view.setUint32(at + 4, signature.byteLength)
    view.setUint32(at + 8, message.byteLength)
    const signatureAt = at + HEADER_BYTES + publicKey.byteLength
    const messageAt = signatureAt + signature.byteLength
    packed.set(publicKey, at + HEADER_BYTES)
    packed.set(signature, signatureAt)
    packed.set(message, messageAt)
    at = messageAt + message.byteLength
  }
  return packed
}

/** The claims of a batch, as views of it. */
export function unpackClaims(packed: Uint8Array): SignatureClaim[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  const claims: SignatureClaim[] = []
  for (let at = 0; at < packed.byteLength;) {
    const keyEnd = at + HEADER_BYTES + view.getUint32(at)
    const signatureEnd = keyEnd + view.getUint32(at + 4)
    const end = signatureEnd + view.getUint32(at + 8)
    claims.push({
      publicKey: packed.subarray(at + HEADER_BYTES, keyEnd),
      signature: packed.subarray(keyEnd, signatureEnd),
      message: packed.subarray(signatureEnd, end),
    })
    at = end
  }
  return claims
}

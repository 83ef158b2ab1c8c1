import { asBuffer } from '../buffers.ts'
import { ByteReader } from '../codec/byte-reader.ts'
import { ByteWriter } from '../codec/byte-writer.ts'
import {
  FORMAT_VERSION,
  HASH_BYTES,
  MAX_TRANSACTION_BYTES,
  PUBLIC_KEY_BYTES,
  SIGNATURE_BYTES,
  TRANSACTION_DOMAIN,
} from '../constants.ts'
import { HashBatch } from '../crypto/hash-batch.ts'
import { addressOf, sha256 } from '../crypto/sha256.ts'
import type { LedgerSigner, SignatureClaim } from '../crypto/signatures.ts'
import type { Kind } from './kind.ts'
import type { Registry } from './registry.ts'

/** A transaction as it was read from its bytes; whether it is true or applies is another question. */
export interface Transaction<Body = unknown> {
  /** Name of its kind. */
  readonly kind: string
  /** SHA-256 of `bytes`. */
  readonly id: Uint8Array
  /** Public key of who signed it. */
  readonly sender: Uint8Array
  /** Address of that key. */
  readonly address: Uint8Array
  /** How many numbered transactions the sender made before; only kinds that are numbered have it. */
  readonly nonce: number | undefined
  readonly body: Body
  readonly signature: Uint8Array
  /** Its one encoding. */
  readonly bytes: Uint8Array
}

/** What a transaction is signed with and for. */
export interface SignTransactionInit {
  /** Id of the chain, 32 bytes: on any other the signature does not hold. */
  chainId: Uint8Array
  signer: LedgerSigner
  /** For numbered kinds, and only for them. @default none */
  nonce?: number
}

const DOMAIN = Buffer.from(TRANSACTION_DOMAIN, 'ascii')
/** Where the sender is in the bytes of a transaction: behind version and kind. */
const SENDER_AT = 2
const SENDER_END = SENDER_AT + PUBLIC_KEY_BYTES
/** No transaction is shorter: version, kind, sender and signature. */
export const MIN_TRANSACTION_BYTES = SENDER_END + SIGNATURE_BYTES

/**
 * Makes and signs a transaction.
 *
 * @throws {RangeError} when a value does not fit its field, or there is a nonce too much or too little
 * @throws {MalformedError} when the body is outside the limits of its kind
 */
export function signTransaction<Body>(kind: Kind<Body>, body: Body, init: SignTransactionInit): Transaction<Body> {
  const { chainId, signer, nonce } = init
  if (kind.isNumbered !== (nonce !== undefined)) {
    throw new RangeError(`${kind.name} must have ${kind.isNumbered ? 'a nonce' : 'no nonce'}, not ${nonce}`)
  }
  const writer = new ByteWriter()
  writer.u8(FORMAT_VERSION).u8(kind.code).fixed(signer.publicKey, PUBLIC_KEY_BYTES)
  if (nonce !== undefined) writer.integer(nonce)
  kind.codec.write(body, writer)
  const signature = signer.sign(messageOf(writer.finish(), chainId))
  writer.fixed(signature, SIGNATURE_BYTES)
  return readTransaction(writer.finish(), () => kind)
}

/** Reads a transaction of a kind in `registry`. @throws {MalformedError} */
export function decodeTransaction(bytes: Uint8Array, registry: Registry): Transaction {
  return readTransaction(bytes, (code) => registry.byCode(code))
}

/** Reads transactions, each alone in its bytes, and hashes those together. @throws {MalformedError} */
export function decodeTransactions(all: readonly Uint8Array[], registry: Registry): Transaction[] {
  const kindOf = (code: number): Kind | undefined => registry.byCode(code)
  const hashes = Buffer.allocUnsafeSlow(2 * HASH_BYTES * all.length)
  const batch = new HashBatch(hashes)
  let at = 0
  for (const bytes of all) {
    const buffer = asBuffer(bytes)
    batch.add(at, buffer)
    // What is shorter is not read to the end.
    if (buffer.byteLength >= SENDER_END) batch.add(at + HASH_BYTES, buffer, SENDER_AT, SENDER_END)
    at += 2 * HASH_BYTES
  }
  batch.finish()
  return all.map((bytes, i) => {
    const from = 2 * HASH_BYTES * i
    const id = hashes.subarray(from, from + HASH_BYTES)
    return readTransaction(bytes, kindOf, { id, address: hashes.subarray(from + HASH_BYTES, from + 2 * HASH_BYTES) })
  })
}

/** What has to be checked of a transaction's signature, apart from everything else and so anywhere. */
export function signatureOf(transaction: Transaction, chainId: Uint8Array): SignatureClaim {
  const { bytes, sender, signature } = transaction
  const signed = bytes.subarray(0, bytes.byteLength - SIGNATURE_BYTES)
  return { publicKey: sender, message: messageOf(signed, chainId), signature }
}

function messageOf(signed: Uint8Array, chainId: Uint8Array): Uint8Array {
  if (chainId.byteLength !== HASH_BYTES) {
    throw new RangeError(`a chain id has ${HASH_BYTES} bytes, not ${chainId.byteLength}`)
  }
  const message = Buffer.allocUnsafe(DOMAIN.byteLength + HASH_BYTES + signed.byteLength)
  message.set(DOMAIN)
  message.set(chainId, DOMAIN.byteLength)
  message.set(signed, DOMAIN.byteLength + HASH_BYTES)
  return message
}

function readTransaction<Body>(
  bytes: Uint8Array,
  kindOf: (code: number) => Kind<Body> | undefined,
  known?: Pick<Transaction, 'id' | 'address'>,
): Transaction<Body> {
  const reader = new ByteReader(bytes, 'transaction', MAX_TRANSACTION_BYTES)
  const version = reader.u8()
  if (version !== FORMAT_VERSION) reader.fail('unknown-version', String(FORMAT_VERSION), String(version))
  const code = reader.u8()
  const kind = kindOf(code) ?? reader.fail('unknown-kind', 'a kind of the registry', String(code))
  const sender = reader.fixed(PUBLIC_KEY_BYTES)
  const nonce = kind.isNumbered ? reader.integer() : undefined
  const body = kind.codec.read(reader)
  const signature = reader.fixed(SIGNATURE_BYTES)
  reader.end()
  const { id, address } = known ?? { id: sha256(bytes), address: addressOf(sender) }
  return { kind: kind.name, id, sender, address, nonce, body, signature, bytes }
}

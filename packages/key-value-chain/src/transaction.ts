import {
  ByteReader,
  ByteWriter,
  type LedgerSigner,
  PUBLIC_KEY_BYTES,
  sha256,
  SIGNATURE_BYTES,
  type SignatureClaim,
} from '@gridmesh/ledger'
import {
  FORMAT_VERSION,
  MAX_KEY_BYTES,
  MAX_OPERATIONS,
  MAX_TRANSACTION_BYTES,
  MAX_VALUE_BYTES,
  TRANSACTION_DOMAIN,
} from './constants.ts'

/** What is done to one key. */
export type Operation =
  | { readonly type: 'set'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly key: Uint8Array }

/** Operations that are done together or not at all, as they were read from their bytes. */
export interface Transaction {
  /** SHA-256 of `bytes`. */
  readonly id: Uint8Array
  /** Public key of who signed it. */
  readonly sender: Uint8Array
  /** How many transactions the sender made before. */
  readonly nonce: number
  /** In the order of their keys, none of which is there twice. */
  readonly operations: readonly Operation[]
  readonly signature: Uint8Array
  /** Its one encoding. */
  readonly bytes: Uint8Array
}

/** What a transaction is made of. */
export interface SignTransactionInit {
  /** Id of the chain, 32 bytes: on any other the signature does not hold. */
  chainId: Uint8Array
  /** Whoever sends it. */
  signer: LedgerSigner
  /** How many transactions the sender made before. */
  nonce: number
  /** In any order, none of the same key: 1 to 64. */
  operations: readonly Operation[]
}

const OPERATIONS = ['set', 'delete'] as const
const DOMAIN = Buffer.from(TRANSACTION_DOMAIN, 'ascii')

/**
 * Makes and signs a transaction.
 *
 * @throws {RangeError} when the nonce is none
 * @throws {MalformedError} when the operations are outside the limits
 */
export function signTransaction({ chainId, signer, nonce, operations }: SignTransactionInit): Transaction {
  const writer = new ByteWriter().u8(FORMAT_VERSION).fixed(signer.publicKey, PUBLIC_KEY_BYTES).integer(nonce)
  const sorted = operations.toSorted((a, b) => Buffer.compare(a.key, b.key))
  writer.list(sorted, (operation) => {
    writer.choice(operation.type, OPERATIONS).sized(operation.key)
    if (operation.type === 'set') writer.sized(operation.value)
  })
  writer.fixed(signer.sign(messageOf(writer.finish(), chainId)), SIGNATURE_BYTES)
  return decodeTransaction(writer.finish())
}

/** Reads a transaction. What it holds are views of `bytes`. @throws {MalformedError} */
export function decodeTransaction(bytes: Uint8Array): Transaction {
  const reader = new ByteReader(bytes, 'transaction', MAX_TRANSACTION_BYTES)
  const version = reader.u8()
  if (version !== FORMAT_VERSION) reader.fail('unknown-version', String(FORMAT_VERSION), String(version))
  const sender = reader.fixed(PUBLIC_KEY_BYTES)
  const nonce = reader.integer()
  const operations = reader.ascending(
    1,
    MAX_OPERATIONS,
    () => readOperation(reader),
    (a, b) => Buffer.compare(a.key, b.key),
  )
  const signature = reader.fixed(SIGNATURE_BYTES)
  reader.end()
  return { id: sha256(bytes), sender, nonce, operations, signature, bytes }
}

/** What has to be checked of a transaction's signature, apart from everything else and so anywhere. */
export function signatureOf({ bytes, sender, signature }: Transaction, chainId: Uint8Array): SignatureClaim {
  const signed = bytes.subarray(0, bytes.byteLength - SIGNATURE_BYTES)
  return { publicKey: sender, message: messageOf(signed, chainId), signature }
}

function readOperation(reader: ByteReader): Operation {
  const type = reader.choice(OPERATIONS)
  const key = reader.sized(MAX_KEY_BYTES)
  if (key.byteLength === 0) reader.fail('empty', 'a key of 1 or more bytes', '0')
  return type === 'set' ? { type, key, value: reader.sized(MAX_VALUE_BYTES) } : { type, key }
}

function messageOf(signed: Uint8Array, chainId: Uint8Array): Uint8Array {
  return Buffer.concat([DOMAIN, chainId, signed])
}

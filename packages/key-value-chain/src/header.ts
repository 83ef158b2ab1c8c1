import {
  ByteReader,
  ByteWriter,
  HASH_BYTES,
  type LedgerSigner,
  PUBLIC_KEY_BYTES,
  sha256,
  SIGNATURE_BYTES,
  type SignatureClaim,
} from '@gridmesh/ledger'
import { BLOCK_DOMAIN, FORMAT_VERSION } from './constants.ts'

/** What a producer says of a block. */
export interface HeaderFields {
  readonly chainId: Uint8Array
  /** 0 for genesis. */
  readonly height: number
  /** Hash of the block before. */
  readonly parent: Uint8Array
  /** Piece of time that the block is of, and so whose turn it was: later than that of the parent. */
  readonly slot: number
  /** Public key of who signed. */
  readonly producer: Uint8Array
  /** Merkle root over the ids of the transactions. */
  readonly txRoot: Uint8Array
}

/** A signed header, with its hash. */
export interface Header extends HeaderFields {
  readonly signature: Uint8Array
  /** SHA-256 of `bytes`: the name of the block. */
  readonly hash: Uint8Array
  /** Its one encoding. */
  readonly bytes: Uint8Array
}

const DOMAIN = Buffer.from(BLOCK_DOMAIN, 'ascii')
/** Version, chain id, height, parent, slot, producer, root, signature. */
export const HEADER_BYTES = 1 + HASH_BYTES + 8 + HASH_BYTES + 8 + PUBLIC_KEY_BYTES + HASH_BYTES + SIGNATURE_BYTES

/** Signs a header. @throws {RangeError} when a value does not fit its field */
export function signHeader(fields: HeaderFields, signer: LedgerSigner): Header {
  const unsigned = encodeFields(fields)
  return decodeHeader(Buffer.concat([unsigned, signer.sign(Buffer.concat([DOMAIN, unsigned]))]))
}

/** The header of a genesis block, which nobody signs. */
export function unsignedHeader(fields: HeaderFields): Header {
  return decodeHeader(Buffer.concat([encodeFields(fields), new Uint8Array(SIGNATURE_BYTES)]))
}

/** Reads a header. What it holds are views of `bytes`. @throws {MalformedError} */
export function decodeHeader(bytes: Uint8Array): Header {
  const reader = new ByteReader(bytes, 'header', HEADER_BYTES)
  const version = reader.u8()
  if (version !== FORMAT_VERSION) reader.fail('unknown-version', String(FORMAT_VERSION), String(version))
  const chainId = reader.fixed(HASH_BYTES)
  const height = reader.integer()
  const parent = reader.fixed(HASH_BYTES)
  const slot = reader.integer()
  const producer = reader.fixed(PUBLIC_KEY_BYTES)
  const txRoot = reader.fixed(HASH_BYTES)
  const signature = reader.fixed(SIGNATURE_BYTES)
  reader.end()
  return { chainId, height, parent, slot, producer, txRoot, signature, hash: sha256(bytes), bytes }
}

/** What has to be checked of a header's signature. */
export function headerSignatureOf({ bytes, producer, signature }: Header): SignatureClaim {
  const message = Buffer.concat([DOMAIN, bytes.subarray(0, bytes.byteLength - SIGNATURE_BYTES)])
  return { publicKey: producer, message, signature }
}

function encodeFields(fields: HeaderFields): Uint8Array {
  return new ByteWriter()
    .u8(FORMAT_VERSION)
    .fixed(fields.chainId, HASH_BYTES)
    .integer(fields.height)
    .fixed(fields.parent, HASH_BYTES)
    .integer(fields.slot)
    .fixed(fields.producer, PUBLIC_KEY_BYTES)
    .fixed(fields.txRoot, HASH_BYTES)
    .finish()
}

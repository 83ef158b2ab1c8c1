import { ByteReader } from '../codec/byte-reader.ts'
import { ByteWriter } from '../codec/byte-writer.ts'
import { BLOCK_DOMAIN, FORMAT_VERSION, HASH_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from '../constants.ts'
import { sha256 } from '../crypto/sha256.ts'
import type { LedgerSigner, SignatureClaim } from '../crypto/signatures.ts'

/** What a block is for, by the families of its transactions. */
export type BlockKind = 'genesis' | 'energy' | 'governance'

const BLOCK_KINDS: readonly BlockKind[] = ['genesis', 'energy', 'governance']

/** What a proposer says of a block. */
export interface HeaderFields {
  /** Hash of the genesis block; zeros in that block itself. */
  chainId: Uint8Array
  /** 0 for genesis. */
  height: number
  /** Hash of the block before. */
  parent: Uint8Array
  /** Calendar time in ms, later than that of the parent. */
  timeMs: number
  kind: BlockKind
  /** Public key of who signed. */
  proposer: Uint8Array
  /** Merkle root over the ids of the transactions. */
  txRoot: Uint8Array
  /** Root of the state after the block. */
  stateRoot: Uint8Array
  /** Sequence number of the newest grid state after the block. */
  gridSequence: number
}

/** A signed header, with its hash. */
export interface Header extends Readonly<HeaderFields> {
  readonly signature: Uint8Array
  /** SHA-256 of `bytes`: the name of the block. */
  readonly hash: Uint8Array
  /** Its one encoding. */
  readonly bytes: Uint8Array
}

const DOMAIN = Buffer.from(BLOCK_DOMAIN, 'ascii')
/** Version, chain id, height, parent, time, kind, proposer, two roots, grid sequence, signature. */
export const HEADER_BYTES =
  1 + HASH_BYTES + 8 + HASH_BYTES + 8 + 1 + PUBLIC_KEY_BYTES + 2 * HASH_BYTES + 8 + SIGNATURE_BYTES

/** Signs a header. @throws {RangeError} when a value does not fit its field */
export function signHeader(fields: HeaderFields, signer: LedgerSigner): Header {
  const unsigned = encodeFields(fields)
  return sealHeader(unsigned, signer.sign(Buffer.concat([DOMAIN, unsigned])))
}

/** The header of a genesis block, which nobody signs. */
export function unsignedHeader(fields: HeaderFields): Header {
  return sealHeader(encodeFields(fields), new Uint8Array(SIGNATURE_BYTES))
}

/** Reads a header. @throws {MalformedError} */
export function decodeHeader(bytes: Uint8Array): Header {
  const reader = new ByteReader(bytes, 'header', HEADER_BYTES)
  const version = reader.u8()
  if (version !== FORMAT_VERSION) reader.fail('unknown-version', String(FORMAT_VERSION), String(version))
  const fields = readFields(reader)
  const signature = reader.fixed(SIGNATURE_BYTES)
  reader.end()
  return { ...fields, signature, hash: sha256(bytes), bytes }
}

/** What has to be checked of a header's signature. */
export function headerSignatureOf({ bytes, proposer, signature }: Header): SignatureClaim {
  const message = Buffer.concat([DOMAIN, bytes.subarray(0, bytes.byteLength - SIGNATURE_BYTES)])
  return { publicKey: proposer, message, signature }
}

/** Id of the chain that a block is of: the hash of its genesis block. */
export function chainIdOf({ kind, hash, chainId }: Header): Uint8Array {
  return kind === 'genesis' ? hash : chainId
}

function sealHeader(unsigned: Uint8Array, signature: Uint8Array): Header {
  return decodeHeader(Buffer.concat([unsigned, signature]))
}

function encodeFields(fields: HeaderFields): Uint8Array {
  return new ByteWriter()
    .u8(FORMAT_VERSION)
    .fixed(fields.chainId, HASH_BYTES)
    .integer(fields.height)
    .fixed(fields.parent, HASH_BYTES)
    .integer(fields.timeMs)
    .choice(fields.kind, BLOCK_KINDS)
    .fixed(fields.proposer, PUBLIC_KEY_BYTES)
    .fixed(fields.txRoot, HASH_BYTES)
    .fixed(fields.stateRoot, HASH_BYTES)
    .integer(fields.gridSequence)
    .finish()
}

function readFields(reader: ByteReader): HeaderFields {
  return {
    chainId: reader.fixed(HASH_BYTES),
    height: reader.integer(),
    parent: reader.fixed(HASH_BYTES),
    timeMs: reader.integer(),
    kind: reader.choice(BLOCK_KINDS),
    proposer: reader.fixed(PUBLIC_KEY_BYTES),
    txRoot: reader.fixed(HASH_BYTES),
    stateRoot: reader.fixed(HASH_BYTES),
    gridSequence: reader.integer(),
  }
}

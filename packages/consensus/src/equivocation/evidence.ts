import { MAX_HEADER_BYTES } from '../constants.ts'
import type { HeaderCodec, HeaderFacts } from '../ports.ts'

const LENGTH_BYTES = 4
/** Longest evidence as it is sent, in bytes. */
export const MAX_EVIDENCE_BYTES = LENGTH_BYTES + 2 * MAX_HEADER_BYTES

/** Proof that an authority signed two blocks of one height on one parent. */
export interface Equivocation {
  /** Address of the authority. */
  readonly proposer: string
  readonly height: number
  /** Hash of the parent. */
  readonly parent: string
  /** Both headers as bytes, the one with the smaller hash first. */
  readonly headers: readonly [Uint8Array, Uint8Array]
}

/** Why something is no evidence. */
export type EquivocationFault =
  | 'malformed'
  | 'same-header'
  | 'other-proposer'
  | 'other-slot'
  | 'wrong-claim'
  | 'invalid-signature'

/** Checks all that evidence claims, but for who was an authority: `undefined` when it holds. */
export function verifyEquivocation(evidence: Equivocation, codec: HeaderCodec): EquivocationFault | undefined {
  const found = equivocationOf(...evidence.headers, codec)
  if (typeof found === 'string') return found
  const { proposer, height, parent, headers } = found
  const isAsClaimed =
    proposer === evidence.proposer &&
    height === evidence.height &&
    parent === evidence.parent &&
    headers[0] === evidence.headers[0]
  return isAsClaimed ? undefined : 'wrong-claim'
}

/** Makes evidence of two headers, or says why they are none. */
export function equivocationOf(a: Uint8Array, b: Uint8Array, codec: HeaderCodec): Equivocation | EquivocationFault {
  const first = factsOf(a, codec)
  const second = factsOf(b, codec)
  if (first === undefined || second === undefined) return 'malformed'
  if (first.hash === second.hash) return 'same-header'
  const { proposer, height, parent } = first
  if (proposer !== second.proposer) return 'other-proposer'
  if (height !== second.height || parent !== second.parent) return 'other-slot'
  if (!codec.verify(a) || !codec.verify(b)) return 'invalid-signature'
  return { proposer, height, parent, headers: first.hash < second.hash ? [a, b] : [b, a] }
}

/** What a header says; `undefined` when it is none, or too long. */
export function factsOf(bytes: Uint8Array, codec: HeaderCodec): HeaderFacts | undefined {
  if (bytes.byteLength > MAX_HEADER_BYTES) return undefined
  try {
    return codec.decode(bytes)
  } catch {
    return undefined
  }
}

/** Length of the first header as u32, the first, the second. */
export function encodeEquivocation({ headers: [a, b] }: Equivocation): Uint8Array {
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(a.byteLength)
  return Buffer.concat([length, a, b])
}

/** Reads and verifies what `encodeEquivocation` made; each evidence has one encoding. */
export function decodeEquivocation(bytes: Uint8Array, codec: HeaderCodec): Equivocation | EquivocationFault {
  const buffer = Buffer.from(bytes)
  if (buffer.byteLength < LENGTH_BYTES || buffer.byteLength > MAX_EVIDENCE_BYTES) return 'malformed'
  const end = LENGTH_BYTES + buffer.readUInt32BE()
  if (end > buffer.byteLength) return 'malformed'
  const first = buffer.subarray(LENGTH_BYTES, end)
  const found = equivocationOf(first, buffer.subarray(end), codec)
  return typeof found === 'string' || found.headers[0] === first ? found : 'malformed'
}

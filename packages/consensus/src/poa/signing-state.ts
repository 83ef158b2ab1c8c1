import type { ChainTip } from '@gridmesh/interfaces'
import { CorruptRecordError } from '../errors.ts'
import type { Commitment } from './votes.ts'

const VERSION = 1
const LENGTH_BYTES = 4

/** What an authority must know after a restart. */
export interface SigningState extends Commitment {
  /** The block that was signed last: a crash may have come before it was sent. */
  block?: Uint8Array
}

/** Length of a JSON text as u32, the text, the block. */
export function encodeSigningState({ vote, lock, block = new Uint8Array() }: SigningState): Uint8Array {
  const text = Buffer.from(JSON.stringify({ version: VERSION, vote, lock }))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(text.byteLength)
  return Buffer.concat([length, text, block])
}

/** @throws {CorruptRecordError} */
export function decodeSigningState(bytes: Uint8Array): SigningState {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.byteLength < LENGTH_BYTES) throw new CorruptRecordError(`${buffer.byteLength} bytes`)
  const end = LENGTH_BYTES + buffer.readUInt32BE()
  if (end > buffer.byteLength) throw new CorruptRecordError(`${buffer.byteLength} bytes of at least ${end}`)
  const { vote, lock } = parse(buffer.toString('utf8', LENGTH_BYTES, end))
  const block = buffer.subarray(end)
  return { ...vote, ...lock, ...(block.byteLength > 0 && { block }) }
}

function parse(text: string): { vote: Pick<Commitment, 'vote'>; lock: Pick<Commitment, 'lock'> } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new CorruptRecordError('no JSON', { cause })
  }
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== VERSION) {
    throw new CorruptRecordError(`not of version ${VERSION}`)
  }
  return {
    vote: 'vote' in value ? { vote: tipOf('vote', value.vote) } : {},
    lock: 'lock' in value ? { lock: tipOf('lock', value.lock) } : {},
  }
}

function tipOf(name: string, value: unknown): ChainTip {
  if (typeof value === 'object' && value !== null && 'height' in value && 'hash' in value) {
    const { height, hash } = value
    if (typeof height === 'number' && Number.isSafeInteger(height) && typeof hash === 'string') return { height, hash }
  }
  throw new CorruptRecordError(`${name} is no height and hash`)
}

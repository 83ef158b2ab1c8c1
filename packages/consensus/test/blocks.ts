import { createHash } from 'node:crypto'
import type { HeaderCodec, HeaderFacts, Signer } from '../src/index.ts'

/** Blocks of a chain for tests: JSON, and signatures that anybody could make. */
export interface TestBlock {
  height: number
  parent: string
  timeMs: number
  proposer: string
  /** Tells blocks apart that are alike otherwise. */
  salt: string
  transactions: string[]
}

const sha256 = (...parts: (string | Uint8Array)[]): string =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex')

export function signerOf(address: string): Signer {
  const sign = (message: Uint8Array): Uint8Array => Buffer.from(sha256(`key of ${address}`, message), 'hex')
  return { address, publicKey: Buffer.from(address), sign }
}

/** A block is its header and nothing else: the signature as 64 digits, then the JSON. */
export function sealBlock(block: TestBlock, signer: Signer = signerOf(block.proposer)): Uint8Array {
  const message = Buffer.from(JSON.stringify(block))
  return Buffer.from(Buffer.from(signer.sign(message)).toString('hex') + message.toString())
}

const split = (bytes: Uint8Array): { signature: string; message: string } => {
  const text = Buffer.from(bytes).toString()
  return { signature: text.slice(0, 64), message: text.slice(64) }
}

export function openBlock(bytes: Uint8Array): TestBlock {
  return JSON.parse(split(bytes).message) as TestBlock
}

export const codec: HeaderCodec = {
  decode(bytes) {
    const { height, parent, timeMs, proposer, transactions } = openBlock(bytes)
    if (typeof height !== 'number') throw new TypeError(`height ${String(height)}`)
    return { height, parent, timeMs, proposer, hash: sha256(bytes), isFilled: transactions.length > 0 }
  },
  verify(bytes) {
    const { signature, message } = split(bytes)
    const { proposer } = openBlock(bytes)
    return Buffer.from(signerOf(proposer).sign(Buffer.from(message))).toString('hex') === signature
  },
  ofBlock(block) {
    codec.decode(block)
    return block
  },
}

/** A header by its facts, signed by its proposer. */
export function headerBytes(facts: Partial<TestBlock> = {}): Uint8Array {
  return sealBlock({ height: 1, parent: '00', timeMs: 1_000, proposer: 'a', salt: '', transactions: [], ...facts })
}

export const GENESIS: HeaderFacts = { height: 0, hash: '00', parent: '', timeMs: 0, proposer: '' }

/** Addresses in ascending order: 'a', 'b', 'c', … */
export function addressesOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String.fromCharCode(97 + index))
}

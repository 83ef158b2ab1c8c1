import { createHash } from 'node:crypto'
import type { StateChange, StoredBlock } from '../src/index.ts'

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const digest = (text: string): Uint8Array => new Uint8Array(createHash('sha256').update(text).digest())

/** A block whose content follows from its height and a name for its branch. */
export function block(height: number, branch = 'main', parentBranch = branch): StoredBlock {
  return {
    height,
    hash: digest(`${branch} ${height}`),
    parent: digest(`${parentBranch} ${height - 1}`),
    header: bytes(`header ${branch} ${height}`),
    body: bytes(`body ${branch} ${height}`.repeat(5)),
    transactions: Array.from({ length: height % 4 }, (_, i) => digest(`tx ${branch} ${height} ${i}`)),
  }
}

export function put(key: string, after: string, before?: string): StateChange {
  return { key: bytes(key), before: before === undefined ? undefined : bytes(before), after: bytes(after) }
}

import { ByteReader, ByteWriter, toHex } from '@gridmesh/ledger'
import { type Refusal, refusal } from './check.ts'
import { MAX_KEY_BYTES } from './constants.ts'
import type { Transaction } from './transaction.ts'

/** One entry of the state that a block changes. */
export interface StateChange {
  key: Uint8Array
  before: Uint8Array | undefined
  /** `undefined` deletes it. */
  after: Uint8Array | undefined
}

/** Entries of a state by `stateName` of their keys. */
export type StateEntries = ReadonlyMap<string, Uint8Array>

/** What came of transactions. */
export type Execution = { status: 'valid'; changes: StateChange[] } | ({ status: 'refused' } & Refusal)

/** The first byte of a key of the state. */
const VALUE = 0
const NONCE = 1
const NONCE_BYTES = 8

/** The key in the state of the value under a key of a user. */
export function valueKey(key: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(VALUE), key])
}

/** The key in the state of the next nonce of a sender. */
export function nonceKey(sender: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(NONCE), sender])
}

/** A key of the state as the key of a map. */
export function stateName(key: Uint8Array): string {
  return toHex(key)
}

/** The user's key of an entry; `undefined` for an entry that is no value. */
export function userKeyOf(key: Uint8Array): Uint8Array | undefined {
  return key[0] === VALUE && key.byteLength <= MAX_KEY_BYTES + 1 ? key.subarray(1) : undefined
}

/** The nonce that the next transaction of a sender has to have, by its entry. @throws {MalformedError} */
export function nonceIn(entry: Uint8Array | undefined): number {
  return entry === undefined ? 0 : new ByteReader(entry, 'nonce', NONCE_BYTES).integer()
}

/** All keys of the state that transactions read or change. */
export function keysOf(transactions: readonly Transaction[]): Uint8Array[] {
  const keys = transactions.flatMap(({ sender, operations }) => [
    nonceKey(sender),
    ...operations.map(({ key }) => valueKey(key)),
  ])
  return [...new Map(keys.map((key) => [stateName(key), key])).values()]
}

/**
 * Applies transactions, in order, to a state that has all of `keysOf` of them that are there at all, and gives what they
 * change together. It changes nothing itself, and depends on nothing else: signatures are checked elsewhere.
 */
export function execute(transactions: readonly Transaction[], state: StateEntries): Execution {
  const after = new Map<string, StateChange>()
  const put = (key: Uint8Array, value: Uint8Array | undefined): void => {
    const name = stateName(key)
    const before = after.get(name)?.before ?? state.get(name)
    after.set(name, { key, before, after: value })
  }
  const get = (key: Uint8Array): Uint8Array | undefined => {
    const change = after.get(stateName(key))
    return change === undefined ? state.get(stateName(key)) : change.after
  }
  for (const { sender, nonce, operations } of transactions) {
    const key = nonceKey(sender)
    const next = nonceIn(get(key))
    if (nonce !== next) {
      const code = nonce < next ? 'stale-nonce' : 'nonce-gap'
      return { status: 'refused', ...refusal(code, `nonce ${nonce} of ${toHex(sender)}, where ${next} is next`) }
    }
    if (nonce === Number.MAX_SAFE_INTEGER) {
      return { status: 'refused', ...refusal('nonce-spent', `${toHex(sender)} has no further nonce`) }
    }
    put(key, new ByteWriter().integer(nonce + 1).finish())
    // The bytes of the state are not to be views of a block.
    for (const operation of operations) {
      put(valueKey(operation.key), operation.type === 'set' ? Uint8Array.from(operation.value) : undefined)
    }
  }
  const changes = [...after.values()].filter((change) => change.before !== undefined || change.after !== undefined)
  return { status: 'valid', changes }
}

/** Takes changes back. */
export function invert(changes: readonly StateChange[]): StateChange[] {
  return changes.map(({ key, before, after }) => ({ key, before: after, after: before }))
}

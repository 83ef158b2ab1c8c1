import { areEqual, toHex } from '../bytes.ts'
import { MAX_BLOCK_BYTES } from '../constants.ts'
import { addressOf } from '../crypto/sha256.ts'
import { verifySignature } from '../crypto/signatures.ts'
import { type BlockRefusalCode, type Refusal, refuse } from '../refusal.ts'
import { authorities } from '../state/authorities.ts'
import { gridState } from '../state/grid-states.ts'
import type { StateView } from '../state/state-view.ts'
import { validators } from '../state/validators.ts'
import { readsOf } from '../transactions/apply.ts'
import type { Registry } from '../transactions/registry.ts'
import type { Transaction } from '../transactions/transaction.ts'
import { type Block, blockBytes, txRootOf } from './block.ts'
import type { Rules } from './execution.ts'
import { chainIdOf, type Header, headerSignatureOf } from './header.ts'

type BlockRefusal = Refusal<BlockRefusalCode>

/** Checks that a header follows that of its parent, which needs no state: so it serves headers that come first. */
export function checkSuccession(parent: Header, header: Header): BlockRefusal | undefined {
  const chainId = chainIdOf(parent)
  if (!areEqual(header.chainId, chainId)) return differs('wrong-chain', header.chainId, chainId)
  if (header.kind === 'genesis') return refuse('wrong-block-kind', 'only the first block is genesis')
  if (header.height !== parent.height + 1) {
    return refuse('wrong-height', `height ${header.height}, where ${parent.height + 1} is next`)
  }
  if (!areEqual(header.parent, parent.hash)) return differs('wrong-parent', header.parent, parent.hash)
  if (header.timeMs > parent.timeMs) return undefined
  return refuse('wrong-time', `${header.timeMs} ms, which has to be after ${parent.timeMs} ms of the parent`)
}

/** What can be checked of a block before any of its transactions: the cheap first. */
export function checkBlock(view: StateView, parent: Header, block: Block, rules: Rules): BlockRefusal | undefined {
  return (
    checkSuccession(parent, block.header) ??
    checkBody(block) ??
    checkProposer(view, block.header) ??
    checkHeaderSignature(block.header, rules)
  )
}

/** What of a block its reads depend on: all that is known of it before it is built. */
export interface BlockReads {
  readonly header: Pick<Header, 'proposer'>
  readonly transactions: readonly Transaction[]
}

/**
 * Every key of the state that `validateBlock` may read, or `buildBlock` of these candidates, so that they can be fetched
 * at once. Some are there twice.
 */
export function readsOfBlock({ header, transactions }: BlockReads, registry: Registry): Uint8Array[] {
  const proposer = addressOf(header.proposer)
  const keys = [authorities.key(proposer), validators.key(proposer), gridState.key()]
  for (const transaction of transactions) {
    for (const key of readsOf(transaction, registry)) keys.push(key)
  }
  return keys
}

export function differs<Code extends BlockRefusalCode>(code: Code, came: Uint8Array, due: Uint8Array): Refusal<Code> {
  return refuse(code, `${toHex(came)}, where ${toHex(due)} was expected`)
}

function checkBody(block: Block): BlockRefusal | undefined {
  const { header, transactions } = block
  const byteLength = blockBytes(transactions)
  if (byteLength > MAX_BLOCK_BYTES) {
    return refuse('block-too-large', `${byteLength} bytes, and ${MAX_BLOCK_BYTES} are the most`)
  }
  const root = txRootOf(block)
  return areEqual(root, header.txRoot) ? undefined : differs('wrong-tx-root', header.txRoot, root)
}

function checkProposer(view: StateView, { proposer }: Header): BlockRefusal | undefined {
  const address = addressOf(proposer)
  if (authorities.has(view, address) || validators.has(view, address)) return undefined
  return refuse('not-proposer', `${toHex(address)} is neither an authority nor a validator`)
}

function checkHeaderSignature(header: Header, { verify = verifySignature }: Rules): BlockRefusal | undefined {
  if (verify(headerSignatureOf(header))) return undefined
  return refuse('invalid-block-signature', `the signature of ${toHex(header.proposer)} does not hold`)
}

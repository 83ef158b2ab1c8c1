import {
  type Block,
  decodeBlock,
  decodeHeader,
  decodeTransaction,
  type Header,
  type Transaction,
} from '@gridmesh/key-value-chain'
import { ByteWriter, HASH_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from '@gridmesh/ledger'
import { goldenJson, pick } from '../golden.ts'
import { canonical, type Target } from '../target.ts'

const golden = goldenJson('key-value-chain')
const refusals = ['MalformedError']

/** Written here by hand, since the chain keeps the bytes that it read. */
function transactionBytes({ sender, nonce, operations, signature }: Transaction): Uint8Array {
  const writer = new ByteWriter().u8(1).fixed(sender, PUBLIC_KEY_BYTES).integer(nonce)
  writer.list(operations, (operation) => {
    writer.u8(operation.type === 'set' ? 0 : 1).sized(operation.key)
    if (operation.type === 'set') writer.sized(operation.value)
  })
  return writer.fixed(signature, SIGNATURE_BYTES).finish()
}

function headerBytes({ chainId, height, parent, slot, producer, txRoot, signature }: Header): Uint8Array {
  return new ByteWriter()
    .u8(1)
    .fixed(chainId, HASH_BYTES)
    .integer(height)
    .fixed(parent, HASH_BYTES)
    .integer(slot)
    .fixed(producer, PUBLIC_KEY_BYTES)
    .fixed(txRoot, HASH_BYTES)
    .fixed(signature, SIGNATURE_BYTES)
    .finish()
}

function blockBytes({ header, transactions }: Block): Uint8Array {
  const head = headerBytes(header)
  const writer = new ByteWriter().fixed(head, head.byteLength).u32(transactions.length)
  for (const transaction of transactions) {
    const bytes = transactionBytes(transaction)
    writer.u32(bytes.byteLength).fixed(bytes, bytes.byteLength)
  }
  return writer.finish()
}

export const KEY_VALUE_CHAIN: readonly Target[] = [
  canonical({
    name: 'kv-transaction',
    seeds: pick(golden, 'transaction'),
    decode: decodeTransaction,
    encode: transactionBytes,
    refusals,
  }),
  canonical({
    name: 'kv-header',
    seeds: pick(golden, 'header', 'genesis header'),
    decode: decodeHeader,
    encode: headerBytes,
    refusals,
  }),
  canonical({ name: 'kv-block', seeds: pick(golden, 'block'), decode: decodeBlock, encode: blockBytes, refusals }),
]

import { createHash } from 'node:crypto'
import { decodeTransaction, type Transaction } from '@gridmesh/key-value-chain'
import { toHex } from '@gridmesh/ledger'
import { decodeHeader, decodeIds, seal, unseal } from '../../../../packages/block-store/src/records.ts'
import { decodeUndo, encodeUndo } from '../../../../packages/block-store/src/undo.ts'
import { encodeRecord, RecordReader } from '../../../../packages/mempool/src/records.ts'
import { goldenJson, pick } from '../golden.ts'
import { canonical, Finding, readOrRefuse, type Target } from '../target.ts'

const refusals = ['CorruptStoreError']
const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(3)
const MEMPOOL_CHECKSUM_BYTES = 8

/** Inputs are what a record holds; its checksum is put behind it, or nothing but the checksum would ever be tried. */
function sealed<T>(
  name: string,
  seeds: Uint8Array[],
  decode: (record: Uint8Array) => T,
  encode: (value: T) => Uint8Array,
) {
  return canonical<T>({
    name: `store-${name}`,
    seeds,
    decode: (input) => decode(seal(input)),
    encode: (value) => unseal(encode(value), name),
    refusals,
  })
}

/** The records as they are. */
const raw: Target = canonical({
  name: 'store-record',
  seeds: [seal(bytes(5)), seal()],
  decode: (record) => unseal(record, 'record'),
  encode: (value) => seal(value),
  refusals,
})

const undos = [
  { key: bytes(3), before: bytes(5) },
  { key: bytes(1), before: undefined },
]

const [transaction = bytes(1)] = pick(goldenJson('key-value-chain'), 'transaction')
const pooled = ({ id, sender, nonce, bytes: all }: Transaction) => ({
  id: toHex(id),
  sender: toHex(sender),
  nonce,
  bytes: all,
  size: all.byteLength,
  lane: 'normal' as const,
  spends: [],
  makes: [],
})
const body = (record: Parameters<typeof encodeRecord>[0]): Uint8Array =>
  encodeRecord(record).subarray(MEMPOOL_CHECKSUM_BYTES)

/** What a record without its checksum says of the pool: its transactions, written as records again. */
const mempool: Target = {
  name: 'mempool-record',
  seeds: [
    body({ type: 'placed', order: 3, atMs: 5, bytes: transaction }),
    body({ type: 'waiting', order: 4, atMs: 6, bytes: transaction }),
    body({ type: 'removed', id: 'some id' }),
    body({ type: 'local', id: 'some id' }),
  ],
  check(input) {
    const checksum = createHash('sha256').update(input).digest().subarray(0, MEMPOOL_CHECKSUM_BYTES)
    const record = Buffer.concat([checksum, input])
    const reader = new RecordReader((tx) => pooled(decodeTransaction(tx)), { placed: 10, waiting: 10 })
    readOrRefuse(() => reader.read(record), [])
    const [kept] = reader.kept()
    if (kept === undefined) return reader.corrupt > 0 ? 'refused' : 'read'
    const { type, order, atMs } = kept
    const again = encodeRecord({ type, order, atMs, bytes: kept.transaction.bytes })
    if (Buffer.compare(again, record) === 0) return 'read'
    throw new Finding(`${record.toString('hex')} was written again as ${Buffer.from(again).toString('hex')}`)
  },
}

export const STORE: readonly Target[] = [
  raw,
  sealed(
    'header',
    [bytes(64), bytes(100)],
    (record) => decodeHeader(record, 1),
    ({ hash, parent, header }) => seal(hash, parent, header),
  ),
  sealed(
    'ids',
    [bytes(0), bytes(96)],
    (record) => decodeIds(record, 1),
    (ids) => seal(...ids),
  ),
  sealed(
    'undo',
    [unseal(encodeUndo(undos), 'undo')],
    (record) => decodeUndo(record, 1),
    (changes) => encodeUndo(changes),
  ),
  mempool,
]

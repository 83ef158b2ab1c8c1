import {
  type Block,
  ByteWriter,
  decodeBlock,
  decodeHeader,
  decodePiece,
  decodeTransaction,
  defaultRegistry,
  encodePiece,
  type Genesis,
  HASH_BYTES,
  type Header,
  parseGenesis,
  PUBLIC_KEY_BYTES,
  SIGNATURE_BYTES,
  toHex,
  type Transaction,
} from '@gridmesh/ledger'
import { goldenJson, pick } from '../golden.ts'
import { canonical, Finding, readOrRefuse, type Target } from '../target.ts'

const golden = goldenJson('ledger')
const refusals = ['MalformedError']
const KINDS = ['genesis', 'energy', 'governance'] as const
const GENESIS = `name: fuzz
time: 2026-01-01T00:00:00Z
zones: [{ zone: 1, name: bangkok }, { zone: 2, name: phuket }]
authorities: [{ publicKey: ${'01'.repeat(32)}, zones: [1] }]
validators: [{ publicKey: ${'02'.repeat(32)}, stake: 5 }]
meters:
  - name: roof
    zone: 2
    owner: ${'03'.repeat(32)}
tender: [{ amount: 100, zone: 1, owner: ${'04'.repeat(32)} }]
`

/** Written here by hand, since the ledger keeps the bytes that it read. */
export function headerBytes(header: Header): Uint8Array {
  return new ByteWriter()
    .u8(1)
    .fixed(header.chainId, HASH_BYTES)
    .integer(header.height)
    .fixed(header.parent, HASH_BYTES)
    .integer(header.timeMs)
    .choice(header.kind, KINDS)
    .fixed(header.proposer, PUBLIC_KEY_BYTES)
    .fixed(header.txRoot, HASH_BYTES)
    .fixed(header.stateRoot, HASH_BYTES)
    .integer(header.gridSequence)
    .fixed(header.signature, SIGNATURE_BYTES)
    .finish()
}

function transactionBytes({ kind: name, sender, nonce, body, signature }: Transaction): Uint8Array {
  const kind = defaultRegistry.byName(name)
  const writer = new ByteWriter()
    .u8(1)
    .u8(kind?.code ?? 0)
    .fixed(sender, PUBLIC_KEY_BYTES)
  if (nonce !== undefined) writer.integer(nonce)
  kind?.codec.write(body, writer)
  return writer.fixed(signature, SIGNATURE_BYTES).finish()
}

function blockBytes({ header, transactions }: Block): Uint8Array {
  const writer = new ByteWriter()
  const headerPart = headerBytes(header)
  writer.fixed(headerPart, headerPart.byteLength).u32(transactions.length)
  for (const transaction of transactions) {
    const bytes = transactionBytes(transaction)
    writer.u32(bytes.byteLength).fixed(bytes, bytes.byteLength)
  }
  return writer.finish()
}

/** The same genesis as JSON, which is YAML too. */
function genesisText({ name, timeMs, zones, authorities, validators, meters, tender }: Genesis): string {
  return JSON.stringify({
    name,
    time: new Date(timeMs).toISOString(),
    zones: zones.map((row) => ({ zone: String(row.zone), name: row.name })),
    authorities: authorities.map((row) => ({ publicKey: toHex(row.publicKey), zones: row.zones.map(String) })),
    validators: validators.map((row) => ({ publicKey: toHex(row.publicKey), stake: String(row.stake) })),
    meters: meters.map((row) => ({ name: row.name, zone: String(row.zone), owner: toHex(row.owner) })),
    tender: tender.map((row) => ({ amount: String(row.amount), zone: String(row.zone), owner: toHex(row.owner) })),
  })
}

/** A text has many forms; what it says has to come through one of them as it is. */
const genesis: Target = {
  name: 'ledger-genesis',
  seeds: [Buffer.from(GENESIS)],
  check(bytes) {
    const value = readOrRefuse(() => parseGenesis(Buffer.from(bytes).toString()), ['GenesisError'])
    if (value === undefined) return 'refused'
    const text = genesisText(value.read)
    const again = readOrRefuse(() => parseGenesis(text), [])
    if (again !== undefined && genesisText(again.read) === text) return 'read'
    throw new Finding(`the genesis ${text} is read as another one`)
  },
}

const transactions = [...golden].filter(([name]) => /^\d/.test(name)).map(([, bytes]) => bytes)
const decodeTx = (bytes: Uint8Array): Transaction => decodeTransaction(bytes, defaultRegistry)
const decodeWhole = (bytes: Uint8Array): Block => decodeBlock(bytes, defaultRegistry)

export const LEDGER: readonly Target[] = [
  canonical({
    name: 'ledger-transaction',
    seeds: transactions,
    decode: decodeTx,
    encode: transactionBytes,
    refusals,
  }),
  canonical({
    name: 'ledger-header',
    seeds: pick(golden, 'genesis header'),
    decode: decodeHeader,
    encode: headerBytes,
    refusals,
  }),
  canonical({ name: 'ledger-block', seeds: pick(golden, 'block'), decode: decodeWhole, encode: blockBytes, refusals }),
  canonical({ name: 'ledger-piece', seeds: pick(golden, 'piece'), decode: decodePiece, encode: encodePiece, refusals }),
  genesis,
]

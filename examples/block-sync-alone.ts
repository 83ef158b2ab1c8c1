// Uses one package, @gridmesh/block-sync, with a chain of its own: keys and values, in blocks that name the one before.
// A newcomer catches up from three peers. One gives false blocks and is reported; the others bring it to the tip.
// Run: node examples/block-sync-alone.ts
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  BlockServer,
  BlockSync,
  type ChainReader,
  type HeaderFacts,
  type SyncPeers,
  type SyncRequests,
} from '@gridmesh/block-sync'
import type { ChainBackend, ChainTip, ImportOutcome } from '@gridmesh/interfaces'

const HEADER_BYTES = 4 + 32 + 32
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

/** Height, hash of the block before, hash of the operations: then the operations, as JSON. */
function makeBlock(height: number, parent: string, set: Record<string, string | null>): Buffer {
  const body = Buffer.from(JSON.stringify(set))
  const header = Buffer.concat([Buffer.alloc(4), Buffer.from(parent, 'hex'), sha256(body)])
  header.writeUInt32BE(height)
  return Buffer.concat([header, body])
}

const reader: ChainReader = {
  header(bytes) {
    if (bytes.length !== HEADER_BYTES) throw new RangeError(`a header of ${bytes.length} bytes`)
    const header = Buffer.from(bytes)
    const parent = header.toString('hex', 4, 36)
    return { height: header.readUInt32BE(0), parent, hash: sha256(header).toString('hex') }
  },
  block(bytes) {
    const header = bytes.subarray(0, HEADER_BYTES)
    if (!sha256(bytes.subarray(HEADER_BYTES)).equals(header.subarray(36))) throw new RangeError('another body')
    return this.header(header)
  },
}

/** A key-value chain that takes what follows its tip, and no operation upon a key called `forbidden`. */
class KeyValueChain implements ChainBackend {
  readonly values = new Map<string, string>()
  readonly #chain: (HeaderFacts & { bytes: Uint8Array })[] = []

  constructor() {
    const bytes = makeBlock(0, '00'.repeat(32), {})
    this.#chain.push({ ...reader.header(bytes.subarray(0, HEADER_BYTES)), bytes })
  }

  tip(): ChainTip {
    const { height, hash } = this.#chain.at(-1) ?? { height: 0, hash: '' }
    return { height, hash }
  }

  finalised(): ChainTip {
    return { height: 0, hash: this.#chain[0]?.hash ?? '' }
  }

  async headers(height: number, limit: number): Promise<Uint8Array[]> {
    return this.#chain.slice(height, height + limit).map(({ bytes }) => bytes.subarray(0, HEADER_BYTES))
  }

  async blocks(hashes: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return hashes.map((hash) => this.#chain.find((block) => block.hash === hash)?.bytes)
  }

  async importBlock(bytes: Uint8Array): Promise<ImportOutcome> {
    const facts = await reader.block(bytes)
    if (this.#chain.some(({ hash }) => hash === facts.hash)) return { status: 'known' }
    if (facts.parent !== this.tip().hash) return { status: 'unknown-parent', parent: facts.parent }
    const set = JSON.parse(Buffer.from(bytes.subarray(HEADER_BYTES)).toString()) as Record<string, string | null>
    if ('forbidden' in set) return { status: 'refused', code: 'forbidden-key', message: 'nobody may set this key' }
    for (const [key, value] of Object.entries(set)) {
      if (value === null) this.values.delete(key)
      else this.values.set(key, value)
    }
    this.#chain.push({ ...facts, bytes })
    return { status: 'imported', tip: this.tip() }
  }
}

const [source, liar] = [new KeyValueChain(), new KeyValueChain()]
for (let i = 1; i <= 500; i++) {
  await source.importBlock(makeBlock(i, source.tip().hash, { [`lamp ${i % 7}`]: i % 2 === 0 ? 'on' : null }))
}
const falseBlock = makeBlock(1, liar.tip().hash, { forbidden: 'x' })
const falseHeader = falseBlock.subarray(0, HEADER_BYTES)

// A network of function calls. A node has its own: unicast, or messages of @gridmesh/message-router with the codecs.
const servers = new Map([
  ['ann', new BlockServer({ chain: source, reader })],
  ['ben', new BlockServer({ chain: source, reader })],
])
const status = { tip: { height: 900, hash: 'ff' }, finalised: source.finalised() }
const server = (id: string): BlockServer => servers.get(id) ?? assert.fail(`nobody is called ${id}`)
const peers: SyncPeers = {
  peers: () => [
    { id: 'liar', isReady: true, ...status },
    ...Array.from(servers, ([id, one]) => Object.assign(one.status(), { id, isReady: true })),
  ],
  subscribe: () => () => undefined,
  report: (peer, offence, message) => console.log(`${peer} is reported: ${offence}: ${message}`),
}
const requests: SyncRequests = {
  headers: async (id, request, options) =>
    id === 'liar' ? { status: 'found', headers: [falseHeader] } : server(id).headers(request, options),
  blocks: async (id, request, options) =>
    id === 'liar' ? { blocks: [falseBlock] } : server(id).blocks(request, options),
  statePiece: (id, request, options) => server(id).statePiece(request, options),
}

const chain = new KeyValueChain()
const sync = new BlockSync({ chain, reader, peers, requests }, { rangeBlocks: 50 })
sync.start()
const result = await sync.sync()
console.log(`${result.status} at block ${result.tip.height}, ${result.imported} imported`)
assert.deepEqual(result.tip, source.tip())
assert.deepEqual(chain.values, source.values)
console.log(`the values agree: ${[...chain.values.keys()].toSorted().join(', ')} are on`)
await sync.stop()

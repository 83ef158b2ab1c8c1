// Uses one package, @gridmesh/block-sync, with a chain of keys and values for it to bring up to date.
// A newcomer catches up from three peers. One gives false blocks and is reported; the others bring it to the tip.
// Run: node examples/block-sync-alone.ts
import assert from 'node:assert/strict'
import { BlockStore, memoryStore } from '@gridmesh/block-store'
import { BlockServer, BlockSync, type SyncPeers, type SyncRequests } from '@gridmesh/block-sync'
import { encodeBlock, KeyValueChain, makeBlock, makeGenesis, signTransaction } from '@gridmesh/key-value-chain'
import { signerOf } from '@gridmesh/ledger'

const signer = signerOf(new Uint8Array(32).fill(1))
const genesis = makeGenesis({ name: 'lamps', startMs: Date.now() - 3_600_000, producers: [signer.publicKey] })
const open = async (): Promise<KeyValueChain> =>
  KeyValueChain.open({ store: await BlockStore.over(memoryStore()), genesis })

/** A block that turns one of seven lamps on or off. With a nonce that is not the next one it is false. */
function lampBlock(parent: Parameters<typeof makeBlock>[0]['parent'], nonce: number) {
  const key = new TextEncoder().encode(`lamp ${nonce % 7}`)
  const operation = nonce % 2 === 0 ? ({ type: 'set', key, value: key } as const) : ({ type: 'delete', key } as const)
  const transaction = signTransaction({ chainId: genesis.chainId, signer, nonce, operations: [operation] })
  return makeBlock({ genesis, parent, slot: parent.slot + 1, transactions: [transaction], signer })
}

const [source, chain] = [await open(), await open()]
let parent = genesis.header
for (let nonce = 0; nonce < 500; nonce++) {
  const block = lampBlock(parent, nonce)
  parent = block.header
  await source.importBlock(encodeBlock(block))
}
const falseBlock = lampBlock(genesis.header, 7)

// A network of function calls. A node has its own: unicast, or messages of @gridmesh/message-router with the codecs.
const servers = new Map(['ann', 'ben'].map((id) => [id, new BlockServer({ chain: source, reader: source.reader })]))
const status = { tip: { height: 900, hash: 'ff' }, finalised: chain.tip() }
const server = (id: string): BlockServer => servers.get(id) ?? assert.fail(`nobody is called ${id}`)
const reports: string[] = []
const peers: SyncPeers = {
  peers: () => [
    { id: 'liar', isReady: true, ...status },
    ...Array.from(servers, ([id, one]) => Object.assign(one.status(), { id, isReady: true })),
  ],
  subscribe: () => () => undefined,
  report: (peer, offence, message) => void reports.push(`${peer} is reported: ${offence}: ${message}`),
}
const requests: SyncRequests = {
  headers: async (id, request, options) =>
    id === 'liar' ? { status: 'found', headers: [falseBlock.header.bytes] } : server(id).headers(request, options),
  blocks: async (id, request, options) =>
    id === 'liar' ? { blocks: [encodeBlock(falseBlock)] } : server(id).blocks(request, options),
  statePiece: (id, request, options) => server(id).statePiece(request, options),
}

const sync = new BlockSync({ chain, reader: chain.reader, peers, requests }, { rangeBlocks: 50 })
sync.start()
const result = await sync.sync()
for (const report of reports) console.log(report)
console.log(`${result.status} at block ${result.tip.height}, ${result.imported} imported`)
assert.equal(reports.length, 1)
assert.deepEqual(result.tip, source.tip())

const lit = async (one: KeyValueChain): Promise<string[]> => {
  const keys: string[] = []
  for await (const [key] of one.entries()) keys.push(new TextDecoder().decode(key))
  return keys
}
assert.deepEqual(await lit(chain), await lit(source))
console.log(`the values agree: ${(await lit(chain)).join(', ')} are on`)
await sync.stop()
for (const one of [source, chain]) await one.close()

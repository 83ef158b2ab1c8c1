// Uses one package, @gridmesh/key-value-chain, with the store, the mempool and the sync that run any chain. Two producers
// take turns; a transaction with a nonce left out waits, a branch that is better takes one back, and a newcomer catches up.
// Run: node examples/key-value-chain-alone.ts
import assert from 'node:assert/strict'
import { BlockStore, memoryStore } from '@gridmesh/block-store'
import { BlockServer, BlockSync, type SyncPeers, type SyncRequests } from '@gridmesh/block-sync'
import {
  decodeBlock,
  encodeBlock,
  KeyValueChain,
  makeBlock,
  makeGenesis,
  type Operation,
  type PooledTransaction,
  signTransaction,
} from '@gridmesh/key-value-chain'
import { signerOf } from '@gridmesh/ledger'
import { Mempool } from '@gridmesh/mempool'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value)
const signer = (seed: number) => signerOf(new Uint8Array(32).fill(seed))
const [ann, ben, user] = [signer(1), signer(2), signer(3)]
const producers = [ann.publicKey, ben.publicKey]
const genesis = makeGenesis({ name: 'lamps', startMs: Date.now() - 3_600_000, producers, finalDepth: 10 })
const { chainId } = genesis

const open = async (): Promise<KeyValueChain> =>
  KeyValueChain.open({ store: await BlockStore.over(memoryStore()), genesis })
const sign = (nonce: number, ...operations: Operation[]) =>
  signTransaction({ chainId, signer: user, nonce, operations })
const set = (key: string, value: string): Operation => ({ type: 'set', key: bytes(key), value: bytes(value) })

const chain = await open()
const pool = new Mempool<PooledTransaction>({ chain: chain.pool })
chain.addEventListener('chain:moved', ({ detail: { tip, reverted, applied } }) => {
  console.log(`at block ${tip.height}: ${reverted.length} transactions went, ${applied.length} came`)
  pool.onSwitch(reverted, applied)
})
await pool.start()
for (const transaction of [
  sign(1, { type: 'delete', key: bytes('door') }),
  sign(0, set('lamp', 'on'), set('door', 'shut')),
]) {
  console.log(`transaction ${transaction.nonce}: ${(await pool.add(transaction.bytes)).status}`)
}
await pool.whenIdle()

// Slots of the past are as good as those of now, while nobody has made a later block: a node proposes in its slot.
const taken = pool.take(900_000, 5_000).map(({ transaction }) => transaction)
const block = makeBlock({ genesis, parent: genesis.header, slot: 2, transactions: taken, signer: ann })
await chain.importBlock(encodeBlock(block))
console.log(`the lamp is ${text(await chain.get(bytes('lamp')))}`)
assert.equal(await chain.get(bytes('door')), undefined)
const early = makeBlock({ genesis, parent: block.header, slot: 4, transactions: [], signer: ben })
const refused = await chain.importBlock(encodeBlock(early))
console.log(`a block of Ben in the slot of Ann is ${refused.status === 'refused' ? refused.code : refused.status}`)

// Ben did not see that block, and made two.
let parent = genesis.header
for (const slot of [3, 5]) {
  const other = makeBlock({ genesis, parent, slot, transactions: [], signer: ben })
  parent = other.header
  await chain.importBlock(encodeBlock(other))
}
await pool.whenIdle()
assert.equal(await chain.get(bytes('lamp')), undefined)
console.log(`${pool.stats().transactions} transactions wait again`)
const again = pool.take(900_000, 5_000).map(({ transaction }) => transaction)
await chain.importBlock(encodeBlock(makeBlock({ genesis, parent, slot: 6, transactions: again, signer: ann })))

const server = new BlockServer({ chain, reader: chain.reader })
const peers: SyncPeers = {
  peers: () => [{ id: 'chain', isReady: true, ...server.status() }],
  subscribe: () => () => undefined,
  report: (peer, offence) => assert.fail(`${peer} is reported: ${offence}`),
}
const requests: SyncRequests = {
  headers: (_, request, options) => server.headers(request, options),
  blocks: (_, request, options) => server.blocks(request, options),
  statePiece: (_, request, options) => server.statePiece(request, options),
}
const newcomer = await open()
const sync = new BlockSync({ chain: newcomer, reader: newcomer.reader, peers, requests })
sync.start()
const result = await sync.sync()
const [tip] = await newcomer.blocks([newcomer.tip().hash])
console.log(
  `a newcomer imported ${result.imported} blocks; the last has ${decodeBlock(tip ?? bytes('')).transactions.length} transactions`,
)
assert.deepEqual(newcomer.tip(), chain.tip())
assert.equal(text(await newcomer.get(bytes('lamp'))), 'on')
for (const one of [sync, pool]) await one.stop()
for (const one of [chain, newcomer]) await one.close()

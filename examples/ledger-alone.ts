// Uses one package, @gridmesh/ledger, as a chain in memory: a certified reading mints energy, a transfer settles it, a
// second spending is left out, a block is undone, the supply is exact, and a stranger checks a piece of the state.
// Run: node examples/ledger-alone.ts
import assert from 'node:assert/strict'
import {
  addressOf,
  audit,
  bucketOf,
  buildBlock,
  buildGenesis,
  decodeBlock,
  decodePiece,
  defaultRegistry,
  encodeBlock,
  encodePiece,
  MemoryState,
  meterReading,
  outputId,
  parseGenesis,
  signerOf,
  signTransaction,
  toHex,
  transfer,
  undoBlock,
  validateBlock,
  verifyPiece,
} from '@gridmesh/ledger'

const [authority, alice, bob] = [1, 2, 3].map((seed) => signerOf(new Uint8Array(32).fill(seed)))
assert.ok(authority && alice && bob)
const genesis = buildGenesis(
  parseGenesis(`
name: example
time: 2026-01-01T00:00:00Z
zones: [{ zone: 1, name: bangkok }]
authorities: [{ publicKey: ${toHex(authority.publicKey)} }]
meters: [{ name: roof-of-alice, zone: 1, owner: ${toHex(addressOf(alice.publicKey))} }]
`),
)
const { chainId } = genesis
const view = new MemoryState()
view.apply(genesis.changes)
const state = { view, tree: genesis.tree }
console.log(`chain ${toHex(chainId).slice(0, 16)} begins with state ${toHex(state.tree.root).slice(0, 16)}`)

const sunshine = signTransaction(
  meterReading,
  { meter: 'roof-of-alice', zone: 1, sequence: 1, timeMs: Date.now(), producedWh: 7_000, consumedWh: 0, inputs: [] },
  { chainId, signer: authority },
)
const pay = (owner: Uint8Array) =>
  signTransaction(
    transfer,
    { inputs: [outputId(sunshine.id, 0)], outputs: [{ asset: 'energy', amount: 7_000, owner, zone: 1 }] },
    { chainId, signer: alice },
  )
const candidates = [sunshine, pay(addressOf(bob.publicKey)), pay(addressOf(authority.publicKey))]
const parent = genesis.block.header
const rules = { registry: defaultRegistry }
const built = buildBlock(state, parent, candidates, { ...rules, signer: authority, timeMs: Date.now() })
for (const { transaction, refusal } of built.leftOut) console.log(`left out a ${transaction.kind}: ${refusal.code}`)
assert.deepEqual(
  built.leftOut.map(({ refusal }) => refusal.code),
  ['unknown-input'],
)

// Another node has its bytes.
const block = decodeBlock(encodeBlock(built.block), defaultRegistry)
const verdict = validateBlock(state, parent, block, rules)
assert.ok(verdict.status === 'valid')
view.apply(verdict.changes)
verdict.update.commit()
const { energy } = audit(view.entries()).assets
console.log(`block 1 is valid: ${energy.held} Wh held, ${energy.minted} minted, ${energy.burned} burned`)
assert.ok(energy.isExact && energy.held === 7_000n)

const entries = [...view.entries()]
const inRange = (first: number, count: number) =>
  entries.filter(([key]) => bucketOf(key) >= first && bucketOf(key) < first + count)
const piece = decodePiece(encodePiece(state.tree.piece(0, 32_768, inRange)))
assert.equal(verifyPiece(block.header.stateRoot, piece), undefined)
assert.equal(verifyPiece(block.header.stateRoot, { ...piece, entries: piece.entries.slice(1) }), 'wrong-root')
console.log(`half of the state, ${piece.entries.length} entries, is proved by ${piece.proof.length} bytes`)

const back = undoBlock(state.tree, verdict.changes)
view.apply(back.changes)
back.update.commit()
assert.deepEqual(state.tree.root, parent.stateRoot)
console.log('undone: the state is that of genesis again')

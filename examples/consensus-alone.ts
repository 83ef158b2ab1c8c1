// Uses @gridmesh/consensus, over the real ledger: three authorities in one process take turns, a payment is in the first
// block and final soon after, and one that signs two blocks of one place is found by its headers.
// Run: node examples/consensus-alone.ts
import assert from 'node:assert/strict'
import {
  type BuildRequest,
  type ConsensusChain,
  type HeaderCodec,
  type HeaderFacts,
  memoryRecord,
  poa,
  type PoaEngine,
  poaRules,
  type PoaStanding,
  verifyEquivocation,
} from '@gridmesh/consensus'
import {
  addressOf,
  authorityList,
  type Block,
  buildBlock,
  buildGenesis,
  decodeBlock,
  decodeHeader,
  defaultRegistry,
  encodeBlock,
  type Header,
  headerSignatureOf,
  type LedgerState,
  MemoryState,
  outputId,
  parseGenesis,
  signerOf,
  signHeader,
  signTransaction,
  StateTree,
  toHex,
  type Transaction,
  transfer,
  validateBlock,
  verifySignature,
} from '@gridmesh/ledger'

// Faster than the defaults, so that the example ends soon. All nodes of a chain have the same.
const rules = poaRules({ minIntervalMs: 50, maxIntervalMs: 200, fallbackMs: 200 })
const ledger = { registry: defaultRegistry }

const keys = [1, 2, 3, 4, 5].map((seed) => signerOf(new Uint8Array(32).fill(seed)))
const [alice, bob] = keys.slice(3)
const authorities = keys.slice(0, 3)
assert.ok(alice && bob)
const genesis = buildGenesis(
  parseGenesis(`
name: example
time: 2026-01-01T00:00:00Z
zones: [{ zone: 1, name: bangkok }]
authorities: [${authorities.map(({ publicKey }) => `{ publicKey: ${toHex(publicKey)} }`).join()}]
tender: [{ amount: 1000, zone: 1, owner: ${toHex(addressOf(alice.publicKey))} }]
`),
)

const factsOf = ({ height, hash, parent, timeMs, proposer }: Header): HeaderFacts => ({
  height,
  hash: toHex(hash),
  parent: toHex(parent),
  timeMs,
  proposer: toHex(addressOf(proposer)),
})
const headers: HeaderCodec = {
  decode: (bytes) => factsOf(decodeHeader(bytes)),
  verify: (bytes) => verifySignature(headerSignatureOf(decodeHeader(bytes))),
  ofBlock: (bytes) => decodeBlock(bytes, defaultRegistry).header.bytes,
}

class Mempool extends EventTarget {
  waiting: Transaction[] = []
  get size(): number {
    return this.waiting.length
  }
  add(transaction: Transaction): void {
    this.waiting.push(transaction)
    this.dispatchEvent(new Event('transaction:added'))
  }
}

interface Held {
  block: Block
  facts: HeaderFacts
  standing: PoaStanding
  state: LedgerState & { view: MemoryState }
}

/** A chain in memory that keeps a whole state for each block: enough for an example. */
class Chain extends EventTarget implements ConsensusChain<PoaStanding> {
  readonly mempool = new Mempool()
  readonly #held = new Map<string, Held>()
  #head: Held

  constructor() {
    super()
    const view = new MemoryState()
    view.apply(genesis.changes)
    const facts = factsOf(genesis.block.header)
    const state = { view, tree: StateTree.from(view.entries()) }
    this.#head = { block: genesis.block, facts, standing: rules.begin(facts), state }
    this.#held.set(facts.hash, this.#head)
  }

  head() {
    const { facts: header, standing, state } = this.#head
    return { header, standing, authorities: (authorityList.get(state.view) ?? []).map(toHex) }
  }

  header(): Header {
    return this.#head.block.header
  }

  finalised(): HeaderFacts {
    return this.#at(rules.finalHeight(this.#head.standing)) ?? this.#head.facts
  }

  async hashAt(height: number) {
    return this.#at(height)?.hash
  }

  async build({ parent, timeMs, allowEmpty, signer }: BuildRequest<PoaStanding>) {
    const on = this.#held.get(parent.header.hash)
    if (on === undefined) return undefined
    const { block } = buildBlock(on.state, on.block.header, this.mempool.waiting, { ...ledger, signer, timeMs })
    if (block.transactions.length === 0 && !allowEmpty) return undefined
    return { header: factsOf(block.header), bytes: encodeBlock(block) }
  }

  async importBlock(bytes: Uint8Array) {
    const block = decodeBlock(bytes, defaultRegistry)
    const facts = factsOf(block.header)
    const parent = this.#held.get(facts.parent)
    if (this.#held.has(facts.hash)) return { status: 'known' as const }
    if (parent === undefined) return { status: 'unknown-parent' as const, parent: facts.parent }
    // Who made it and when is for the consensus to judge, what is in it for the ledger.
    const of = (authorityList.get(parent.state.view) ?? []).map(toHex)
    const candidate = { header: facts, parent: parent.facts, standing: parent.standing, authorities: of }
    const judgement = rules.judge(candidate, { nowMs: Date.now() })
    if (judgement.status === 'refused') return judgement
    const verdict = validateBlock(parent.state, parent.block.header, block, ledger)
    if (verdict.status === 'refused') return verdict
    const view = new MemoryState()
    for (const [key, after] of parent.state.view.entries()) view.apply([{ key, before: undefined, after }])
    view.apply(verdict.changes)
    const state = { view, tree: StateTree.from(view.entries()) }
    const held = { block, facts, standing: judgement.standing, state }
    this.#held.set(facts.hash, held)
    const final = this.finalised()
    const rated = (tip: Held) => ({
      ...tip.facts,
      standing: tip.standing,
      isFinalisedBranch: this.#at(final.height, tip)?.hash === final.hash,
    })
    if (rules.better(rated(held), rated(this.#head))) this.#switch(held)
    return { status: 'imported' as const, tip: facts }
  }

  #switch(held: Held): void {
    this.#head = held
    const included = new Set(held.block.transactions.map(({ id }) => toHex(id)))
    this.mempool.waiting = this.mempool.waiting.filter(({ id }) => !included.has(toHex(id)))
    this.dispatchEvent(new Event('chain:head'))
  }

  /** The block at a height of a branch. */
  #at(height: number, tip = this.#head): HeaderFacts | undefined {
    let at: Held | undefined = tip
    while (at !== undefined && at.facts.height > height) at = this.#held.get(at.facts.parent)
    return at?.facts
  }
}

interface Node {
  chain: Chain
  engine: PoaEngine
}

const nodes: Node[] = authorities.map((key): Node => {
  const chain = new Chain()
  const signer = { ...key, address: toHex(addressOf(key.publicKey)) }
  const network = {
    async publish(kind: string, bytes: Uint8Array) {
      for (const other of nodes) if (other.chain !== chain) await other.engine.receive(kind, bytes)
    },
  }
  // An authority that may restart needs a record on disk.
  const identity = { signer, record: memoryRecord() }
  return { chain, engine: poa({ rules, chain, mempool: chain.mempool, network, headers, identity }) }
})
const [first] = nodes
assert.ok(first)

const { promise: isFinal, resolve } = Promise.withResolvers<void>()
for (const [index, { engine }] of nodes.entries()) {
  engine.addEventListener('consensus:proposed', ({ detail }) => {
    console.log(`authority ${index} made block ${detail.height}`)
  })
  engine.addEventListener('consensus:fault', ({ detail }) => console.log(detail.during, detail.error))
}
first.engine.addEventListener('consensus:final', ({ detail }) => {
  console.log(`block ${detail.block.height} is final`)
  resolve()
})

const payment = signTransaction(
  transfer,
  {
    inputs: [outputId(new Uint8Array(32), 0)],
    outputs: [{ asset: 'thb', amount: 1_000, owner: addressOf(bob.publicKey), zone: 1 }],
  },
  { chainId: genesis.chainId, signer: alice },
)
for (const { chain } of nodes) chain.mempool.add(payment)
await Promise.all(nodes.map(async ({ engine }) => engine.start()))
await isFinal
await Promise.all(nodes.map(async ({ engine }) => engine.stop()))
assert.equal(first.chain.mempool.size, 0)
assert.ok(first.engine.finalised.height >= 1)

// The authority that made the newest block signs another one in its place.
const honest = first.chain.header()
const guilty = authorities.find(({ publicKey }) => toHex(publicKey) === toHex(honest.proposer))
assert.ok(guilty)
const second = signHeader({ ...honest, timeMs: honest.timeMs + 1 }, guilty)
const found: string[] = []
first.engine.addEventListener('consensus:equivocation', ({ detail }) => {
  assert.equal(verifyEquivocation(detail, headers), undefined)
  found.push(detail.proposer)
})
first.engine.observe(honest.bytes)
first.engine.observe(second.bytes)
assert.deepEqual(found, [toHex(addressOf(guilty.publicKey))])
console.log(`${found[0]?.slice(0, 16)} signed two blocks of height ${honest.height}, and both headers prove it`)

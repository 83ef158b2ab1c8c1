import {
  authorityRegister,
  authorityRevoke,
  type Block,
  encodeBlock,
  encodePiece,
  gridStateUpdate,
  meterReading,
  proposal,
  registerAction,
  tender,
  toHex,
  type Transaction,
  transfer,
  vote,
} from '../src/index.ts'
import { addresses, ALICE, at, BOB, DAN, ERIN, genesisOutput, people, readerOf, TestChain } from './helpers.ts'

/** One transaction of every kind, whether it applies or not. */
export function transactionsOf(chain: TestChain): Transaction[] {
  const owner = at(addresses, ERIN)
  const ref = { proposer: at(addresses, ALICE), proposal: new Uint8Array(32).fill(7) }
  const candidate = { publicKey: at(people, DAN).publicKey, zones: [2, 1] }
  const outputs = [
    { asset: 'thb', amount: 400, owner, zone: 2 },
    { asset: 'thb', amount: 600, owner: at(addresses, DAN), zone: 1 },
  ] as const
  const reading = { meter: 'home-1', zone: 1, sequence: 1, timeMs: 1_767_225_660_000, producedWh: 7_000, consumedWh: 0 }
  return [
    chain.sign(DAN, transfer, { inputs: [genesisOutput(0)], outputs }),
    chain.sign(BOB, meterReading, { ...reading, inputs: [] }),
    chain.sign(ALICE, tender, {
      action: 'issue',
      outputs: [{ amount: Number.MAX_SAFE_INTEGER - 1_800, owner, zone: 1 }],
    }),
    chain.sign(ALICE, tender, { action: 'redeem', inputs: [genesisOutput(2), genesisOutput(1)] }),
    chain.sign(ALICE, gridStateUpdate, { sequence: 3, timeMs: 1_767_225_660_000, payload: Uint8Array.of(1, 2, 3) }),
    chain.sign(ALICE, proposal, { text: 'ไฟฟ้า', action: registerAction(candidate), closesAtHeight: 90 }),
    chain.sign(BOB, vote, { ...ref, isApproval: true }),
    chain.sign(ALICE, authorityRegister, { ...ref, authority: candidate }),
    chain.sign(ALICE, authorityRevoke, { ...ref, revoked: at(addresses, BOB) }),
  ]
}

export function blockOf(chain: TestChain): Block {
  return chain.build(transactionsOf(chain).slice(0, 3)).block
}

/** What each thing is in bytes, now. */
export function goldenOf(): Record<string, string> {
  const chain = new TestChain()
  const [block, piece] = [blockOf(chain), chain.tree.piece(0, 8_192, readerOf([...chain.view.entries()]))]
  const rows = transactionsOf(chain).map(({ kind, bytes }, i) => [`${i} ${kind}`, toHex(bytes)])
  return {
    'genesis header': toHex(chain.tip.bytes),
    'genesis hash': toHex(chain.chainId),
    'genesis state root': toHex(chain.tree.root),
    ...Object.fromEntries(rows),
    'block hash': toHex(block.header.hash),
    block: toHex(encodeBlock(block)),
    piece: toHex(encodePiece(piece)),
  }
}

import type { MessageKind } from '@gridmesh/interfaces'
import {
  addressOf,
  decodeHeader,
  encodeBlock,
  type LedgerSigner,
  MAX_BLOCK_BYTES,
  outputId,
  signerOf,
  signHeader,
  signTransaction,
  StateTree,
  toHex,
  transfer,
  txRoot,
} from '@gridmesh/ledger'
import { type GridmeshNode, loadIdentity } from '@gridmesh/node'
import type { Network } from '@gridmesh-internal/support'

/** What each node of a devnet has from the start, in satang. */
const TENDER_SATANG = 100_000_000

/** The chain of a node that has to have one. */
export function chainOf(node: GridmeshNode): NonNullable<GridmeshNode['chain']> {
  if (node.chain === undefined) throw new TypeError(`${node.config.name} has no chain`)
  return node.chain
}

/** Pays what a node has from genesis to another address, in one output each. */
export async function payment(
  network: Pick<Network, 'prepared' | 'node'>,
  from: number,
  amount: number,
): Promise<Uint8Array> {
  const signer = await signerOfNode(network, from)
  const chainId = Buffer.from(chainOf(network.node(from)).chain.chainId, 'hex')
  const given = { asset: 'thb', zone: 0, amount, owner: new Uint8Array(32).fill(7) } as const
  const change = { ...given, amount: TENDER_SATANG - amount, owner: addressOf(signer.publicKey) }
  const body = { inputs: [outputId(new Uint8Array(32), from)], outputs: [given, change] }
  return signTransaction(transfer, body, { chainId, signer }).bytes
}

/** Whether the state of a node is the one that its head states, computed from all its entries. */
export async function isStateWhole(node: GridmeshNode): Promise<boolean> {
  const { chain } = chainOf(node)
  for (;;) {
    const { height, hash } = chain.head
    const tree = new StateTree()
    for await (const [key, after] of chain.state.entries()) tree.apply([{ key, before: undefined, after }])
    const [header] = await chain.backend.headers(height, 1)
    // A block came meanwhile: what was read may be of two states.
    if (chain.head.hash !== hash || header === undefined) continue
    return toHex(tree.root) === toHex(decodeHeader(header).stateRoot)
  }
}

/** Hash and state root of the block that each node has at a height. */
export async function blocksAt(nodes: readonly GridmeshNode[], height: number): Promise<string[]> {
  const headers = await Promise.all(nodes.map(async (node) => chainOf(node).chain.backend.headers(height, 1)))
  return headers.map(([header]) => {
    if (header === undefined) return 'none'
    const { hash, stateRoot } = decodeHeader(header)
    return `${toHex(hash)} ${toHex(stateRoot)}`
  })
}

/** Blocks, as a node sends them. */
export const blockKind: MessageKind<Uint8Array> = {
  kind: 'block',
  codec: { encode: (bytes) => bytes, decode: (bytes) => bytes },
  lane: 'high',
  maxBytes: MAX_BLOCK_BYTES,
}

/** An empty block upon another, signed by whoever is told, whose state is wrong. */
export async function blockUpon(
  network: Pick<Network, 'prepared' | 'node'>,
  parent: { height: number; hash: string },
  { signer: who, timeMs }: { signer: number; timeMs: number },
): Promise<{ hash: string; bytes: Uint8Array }> {
  const signer = await signerOfNode(network, who)
  const header = signHeader(
    {
      chainId: Buffer.from(chainOf(network.node(who)).chain.chainId, 'hex'),
      height: parent.height + 1,
      parent: Buffer.from(parent.hash, 'hex'),
      timeMs,
      kind: 'energy',
      proposer: signer.publicKey,
      txRoot: txRoot([]),
      stateRoot: new Uint8Array(32),
      gridSequence: 0,
    },
    signer,
  )
  return { hash: toHex(header.hash), bytes: encodeBlock({ header, transactions: [] }) }
}

async function signerOfNode({ prepared }: Pick<Network, 'prepared'>, index: number): Promise<LedgerSigner> {
  const own = prepared[index]
  if (own === undefined) throw new RangeError(`there is no node ${index}`)
  const key = await loadIdentity(own.directory)
  return signerOf(key.raw.subarray(0, 32))
}

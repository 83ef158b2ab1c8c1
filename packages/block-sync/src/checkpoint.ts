import type { ChainTip } from '@gridmesh/interfaces'
import { askPeer } from './ask-peer.ts'
import { confirm } from './confirm.ts'
import { callChain } from './importer.ts'
import type { GetBlocks } from './messages.ts'
import type { PeerRecord } from './peer-table.ts'
import { fetchPieces } from './piece-fetch.ts'
import type { StateTarget } from './ports.ts'
import type { RunContext } from './run-context.ts'

/** A final block, and who gives the state after it. */
interface Checkpoint {
  block: ChainTip
  peers: PeerRecord[]
}

/**
 * Fetches the state at the newest checkpoint that is far enough ahead, if there is one that peers agree on. Where it
 * fails, another one is tried, and in the end it goes on block by block. @throws {ChainFailedError}
 */
export async function runCheckpoint(context: RunContext): Promise<void> {
  const { chain, options, state, signal } = context
  if (state === undefined) return
  const least = chain.tip().height + options.checkpointBehind
  for (const checkpoint of checkpoints(context, state)) {
    signal.throwIfAborted()
    if (checkpoint.block.height <= least) return
    if (!(await isAgreed(context, state, checkpoint))) continue
    const block = await fetchBlock(context, checkpoint)
    if (block !== undefined && (await fetchState(context, state, checkpoint, block))) return
  }
}

/** The checkpoints that peers claim, the newest first. */
function checkpoints({ table }: RunContext, target: StateTarget): Checkpoint[] {
  const found = new Map<string, Checkpoint>()
  const only = target.trusted?.()
  for (const peer of table.usable()) {
    const { checkpoint } = peer.claim
    if (checkpoint === undefined || (only !== undefined && only.hash !== checkpoint.hash)) continue
    const name = `${checkpoint.height} ${checkpoint.hash}`
    const known = found.get(name) ?? { block: checkpoint, peers: [] }
    found.set(name, { ...known, peers: [...known.peers, peer] })
  }
  return [...found.values()].toSorted((a, b) => b.block.height - a.block.height || b.peers.length - a.peers.length)
}

/** One that is trusted needs nobody's word. */
async function isAgreed(context: RunContext, target: StateTarget, { block, peers }: Checkpoint): Promise<boolean> {
  const only = target.trusted?.()
  if (only !== undefined) return only.height === block.height
  const { isEnough } = await confirm(context, block, peers, context.signal)
  return isEnough
}

async function fetchBlock(context: RunContext, { block, peers }: Checkpoint): Promise<Uint8Array | undefined> {
  const { requests, table, options } = context
  const request: GetBlocks = { hashes: [block.hash], maxBytes: options.maxAnswerBytes }
  for (const peer of peers.filter(({ isUsable }) => isUsable)) {
    const call = (signal: AbortSignal) => requests.blocks(peer.id, request, { signal })
    const [bytes] = (await askPeer(context, peer, 'get-blocks', call))?.blocks ?? []
    context.signal.throwIfAborted()
    if (bytes === undefined) continue
    const facts = await readBlock(context, bytes)
    if (facts === undefined) table.report(peer, 'malformed-block', `what came for ${block.hash} is no block`)
    else if (facts.hash === block.hash && facts.height === block.height) return bytes
    else table.report(peer, 'wrong-block', `block ${facts.hash} came, where ${block.hash} was asked for`)
  }
  return undefined
}

async function readBlock({ reader }: RunContext, bytes: Uint8Array): Promise<ChainTip | undefined> {
  try {
    return await reader.block(bytes)
  } catch {
    return undefined
  }
}

/** Says whether the state is the chain's by now. */
async function fetchState(
  context: RunContext,
  target: StateTarget,
  { block }: Checkpoint,
  bytes: Uint8Array,
): Promise<boolean> {
  const state = await callChain(context, 'begin', (signal) => target.begin(bytes, { signal }))
  let isDone = false
  try {
    if (!(await fetchPieces(context, block, state))) return false
    await callChain(context, 'finish', (signal) => state.finish({ signal }))
    isDone = true
    return true
  } finally {
    if (!isDone) await state.close()
  }
}

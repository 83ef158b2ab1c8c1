import type { ChainTip } from '@gridmesh/interfaces'
import { agreement, type IsAgreed } from './agreement.ts'
import { askPeer } from './ask-peer.ts'
import { MAX_PIECES } from './constants.ts'
import { RequestTimeoutError } from './errors.ts'
import { callChain } from './importer.ts'
import type { GetBlocks } from './messages.ts'
import type { PeerRecord } from './peer-table.ts'
import { fetchPieces, type PiecesEnd } from './piece-fetch.ts'
import type { StateImport, StateTarget } from './ports.ts'
import { ChainFailedError, type RunContext } from './run-context.ts'

/** How many times more pieces a state is asked for in, where one of them is too long. */
const FINER = 16

/** A final block, and who gives the state after it. */
interface Checkpoint {
  block: ChainTip
  peers: PeerRecord[]
}

/**
 * Fetches the state at the newest checkpoint that is far enough ahead, if there is one that peers agree on. Where it
 * fails, or the chain does not take it, another one is tried, and in the end it goes on block by block.
 * @throws {ChainFailedError}
 */
export async function runCheckpoint(context: RunContext): Promise<void> {
  const { chain, options, state, signal } = context
  if (state === undefined) return
  const least = chain.tip().height + options.checkpointBehind
  const isAgreed = agreement(context)
  for (const checkpoint of checkpoints(context, state)) {
    signal.throwIfAborted()
    if (checkpoint.block.height <= least) return
    if (!(await isTaken(state, checkpoint, isAgreed))) continue
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
async function isTaken(target: StateTarget, { block, peers }: Checkpoint, isAgreed: IsAgreed): Promise<boolean> {
  const only = target.trusted?.()
  return only === undefined ? isAgreed(block, peers) : only.height === block.height
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

/** In ever more pieces, where one is too long. Says whether the state is the chain's by now. */
async function fetchState(
  context: RunContext,
  target: StateTarget,
  checkpoint: Checkpoint,
  bytes: Uint8Array,
): Promise<boolean> {
  let least: number | undefined
  for (;;) {
    const begin = async (signal: AbortSignal): Promise<StateImport> => target.begin(bytes, { signal, pieces: least })
    const state = await attempt(context, checkpoint, 'begin', begin)
    if (state === undefined) return false
    if (least !== undefined && state.pieces < least) {
      // The target does not have it in more pieces.
      await state.close()
      return false
    }
    const end = await importState(context, checkpoint, state)
    if (end !== 'withheld' || state.pieces >= MAX_PIECES) return end === 'whole'
    least = Math.min(MAX_PIECES, FINER * state.pieces)
  }
}

async function importState(context: RunContext, checkpoint: Checkpoint, state: StateImport): Promise<PiecesEnd> {
  let isDone = false
  try {
    const end = await fetchPieces(context, checkpoint.block, state)
    if (end !== 'whole') return end
    const finish = async (signal: AbortSignal): Promise<true> => {
      await state.finish({ signal })
      return true
    }
    isDone = (await attempt(context, checkpoint, 'finish', finish)) ?? false
    return isDone ? 'whole' : 'given-up'
  } finally {
    if (!isDone) await state.close()
  }
}

/**
 * Calls the chain with what peers claim. That it throws may be the fault of that, and must not keep us from all others:
 * those who claim it are followed last, and nobody is blamed. Gives `undefined` then. What takes too long may be under way
 * yet, and ends the run. @throws {ChainFailedError} @throws {SyncStoppedError}
 */
async function attempt<T>(
  context: RunContext,
  { peers }: Checkpoint,
  what: string,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await callChain(context, what, call)
  } catch (err) {
    if (!(err instanceof ChainFailedError) || err.cause instanceof RequestTimeoutError) throw err
    for (const peer of peers) peer.isDeferred = true
    return undefined
  }
}

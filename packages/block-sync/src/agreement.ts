import type { ChainTip } from '@gridmesh/interfaces'
import { hashAt } from './confirm.ts'
import type { PeerRecord } from './peer-table.ts'
import type { RunContext } from './run-context.ts'

/** Says whether enough peers have the block of a checkpoint, of those who claim it and of all others. */
export type IsAgreed = (block: ChainTip, claimants: readonly PeerRecord[]) => Promise<boolean>

/**
 * Whoever is not at the height of a checkpoint does not have it: if only those counted who are, a claim above everybody's
 * tip would confirm itself. Where blocks are final that a checkpoint would take the place of, most peers have to have it,
 * and only those count that have the newest of these blocks, too.
 */
export function agreement(context: RunContext): IsAgreed {
  const { chain, table, options, signal } = context
  const final = chain.finalised()
  const isBeginning = final.height === 0
  /** Who was asked for our final block: once a run, however many checkpoints it claims. */
  const asked = new Map<PeerRecord, Promise<boolean>>()
  const hasFinal = async (peer: PeerRecord): Promise<boolean> => {
    if (isBeginning) return true
    const asking = asked.get(peer) ?? hashAt(context, peer, final.height, signal).then((hash) => hash === final.hash)
    asked.set(peer, asking)
    return asking
  }
  const has = async (peer: PeerRecord, { height, hash }: ChainTip): Promise<boolean> =>
    (await hashAt(context, peer, height, signal)) === hash && hasFinal(peer)

  return async (block, claimants) => {
    const usable = table.usable()
    const mostOf = Math.floor(usable.length / 2) + 1
    const { confirmations } = options
    const needed = isBeginning ? Math.min(confirmations, usable.length) : Math.max(confirmations, mostOf)
    const claiming = usable.filter((peer) => claimants.includes(peer))
    const others = usable.filter((peer) => !claimants.includes(peer) && peer.claim.tip.height >= block.height)
    // Nobody is asked where it would not be enough.
    if (claiming.length === 0 || claiming.length + others.length < needed) return false
    const confirmed = count(await Promise.all(claiming.map(hasFinal)))
    if (confirmed >= needed) return true
    // Once, and more than are needed: who is silent is not to hold us up for long.
    const some = others.toSorted((a, b) => a.failures - b.failures).slice(0, 4 * needed)
    return confirmed + count(await Promise.all(some.map((peer) => has(peer, block)))) >= needed
  }
}

function count(answers: readonly boolean[]): number {
  return answers.filter(Boolean).length
}

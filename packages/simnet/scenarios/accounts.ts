import type { Delivery } from '@gridmesh/interfaces'
import type { SimNode } from '@gridmesh/simnet'
import type { SimServices } from './app.ts'

/** Time after which a publish must have come to a result: the wait for a mesh, a send's deadline, and some slack, in ms. */
export const SETTLE_MS = 15_000
/** Time for which a delivery learns, in ms. */
const LIFETIME_MS = 60_000

/** One publish, and what became of it. */
export interface Account {
  readonly id: string
  readonly author: SimNode<SimServices>
  readonly atMs: number
  /** Peers that were ready for the author when it published, as peer id strings. */
  readonly readyPeers: readonly string[]
  delivery?: Delivery
  /** Nodes that are to get it. */
  readonly audience?: ReadonlySet<number>
  /** The author went down meanwhile: nobody is left to whom a result is owed. */
  isVoid?: boolean
}

/** What must be known of a node to judge an outcome. */
export interface Witness {
  /** Number of an honest node with this peer id, if it is one. */
  honestIndexOf(peer: string): number | undefined
  has(id: string, node: number): boolean
}

/** All publishes of a run that may still change. */
export class Accounts {
  readonly #open = new Set<Account>()

  add(account: Account): void {
    this.#open.add(account)
  }

  /** Whether a publish has no result yet. */
  get isOpen(): boolean {
    return [...this.#open].some(({ delivery, isVoid = false }) => delivery === undefined && !isVoid)
  }

  /** The first fault of a publish: no result in time, an outcome that says nothing, or one that is not true. */
  fault(nowMs: number, witness: Witness): string | undefined {
    for (const account of this.#open) {
      const ageMs = nowMs - account.atMs
      if (account.isVoid === true || ageMs > LIFETIME_MS) this.#open.delete(account)
      else if (account.delivery === undefined) {
        if (ageMs > SETTLE_MS) return `Publish of ${account.id} has no result after ${Math.round(ageMs)} ms`
      } else {
        const fault = untruth(account, account.delivery, witness)
        if (fault !== undefined) return fault
      }
    }
    return undefined
  }
}

function untruth({ id, author }: Account, { peers }: Delivery, witness: Witness): string | undefined {
  for (const [peer, outcome] of peers) {
    if (outcome.status === 'dropped' && outcome.reason === '') return `Drop of ${id} for ${peer} has no reason`
    if (outcome.status !== 'acknowledged' && outcome.status !== 'seen') continue
    const index = witness.honestIndexOf(peer)
    if (index !== undefined && index !== author.index && !witness.has(id, index)) {
      return `Node ${author.index} holds ${id} for ${outcome.status} by node ${index}, which does not have it`
    }
  }
  return undefined
}

/** The peers that were ready, are to have the message, and of which the author does not know that they do. */
export function unconfirmed(account: Account, witness: Witness): number[] {
  return account.readyPeers.flatMap((peer) => {
    const index = witness.honestIndexOf(peer)
    if (index === undefined || account.audience?.has(index) !== true) return []
    const status = account.delivery?.peers.get(peer)?.status
    return status === 'acknowledged' || status === 'seen' ? [] : index
  })
}

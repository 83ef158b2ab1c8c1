import { ByteBudget } from '@gridmesh/chunking'
import type { Lane } from '@gridmesh/interfaces'
import type { Direction } from './core.ts'
import type { Limits } from './limits.ts'
import type { LaneBudgets } from './node-budgets.ts'
import { SharedBudget } from './shared-budget.ts'

/** Messages of which a part has come, questions and answers, and what is held of calls that run or wait. */
type Share<Budget> = Readonly<Record<Direction | 'held', Budget>>

/** The memory of one peer within that of the node, by lane: `critical` has its own, so that nothing else can take it. */
export class PeerBudgets {
  readonly #budgets: LaneBudgets
  readonly #critical: Share<ByteBudget>
  readonly #others: Share<ByteBudget>
  readonly #shares = new Map<Lane, Share<SharedBudget>>()

  constructor(limits: Limits, budgets: LaneBudgets) {
    this.#budgets = budgets
    this.#critical = makeShare(limits)
    this.#others = makeShare(limits)
  }

  /** Bytes of calls that run or wait, in all lanes. */
  get held(): number {
    return this.#critical.held.used + this.#others.held.used
  }

  of(lane: Lane): Share<SharedBudget> {
    const known = this.#shares.get(lane)
    if (known != null) return known
    const own = lane === 'critical' ? this.#critical : this.#others
    const { partial, held } = this.#budgets.of(lane)
    const ofMessages = (budget: ByteBudget): SharedBudget =>
      new SharedBudget({ limit: 'maxPartialBytesPerPeer', budget }, { limit: 'maxPartialBytes', budget: partial })
    const share = {
      questions: ofMessages(own.questions),
      answers: ofMessages(own.answers),
      held: new SharedBudget(
        { limit: 'maxHeldBytesPerPeer', budget: own.held },
        { limit: 'maxHeldBytes', budget: held },
      ),
    }
    this.#shares.set(lane, share)
    return share
  }
}

function makeShare(limits: Limits): Share<ByteBudget> {
  return {
    questions: new ByteBudget(limits.maxPartialBytesPerPeer),
    answers: new ByteBudget(limits.maxPartialBytesPerPeer),
    held: new ByteBudget(limits.maxHeldBytesPerPeer),
  }
}

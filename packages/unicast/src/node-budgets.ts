import { ByteBudget } from '@gridmesh/chunking'
import type { Lane } from '@gridmesh/interfaces'
import type { Limits } from './limits.ts'
import { UnreadMeter } from './unread-meter.ts'

/** The memory that calls with all peers may take together. */
export interface NodeBudgets {
  /** Messages of which a part has come. */
  readonly partial: ByteBudget
  /** Calls that run or wait, and streamed items not taken. */
  readonly held: ByteBudget
  /** Our own calls that are not over. */
  readonly asked: ByteBudget
  /** Answers that were not read. */
  readonly unread: UnreadMeter
}

/** The memory of the node by lane: `critical` has its own, so that nothing else can take its room. */
export class LaneBudgets {
  readonly #critical: NodeBudgets
  readonly #others: NodeBudgets

  constructor(limits: Limits) {
    this.#critical = makeBudgets(limits)
    this.#others = makeBudgets(limits)
  }

  of(lane: Lane): NodeBudgets {
    return lane === 'critical' ? this.#critical : this.#others
  }
}

function makeBudgets(limits: Limits): NodeBudgets {
  return {
    partial: new ByteBudget(limits.maxPartialBytes),
    held: new ByteBudget(limits.maxHeldBytes),
    asked: new ByteBudget(limits.maxAskedBytes),
    unread: new UnreadMeter(limits.maxUnreadBytesInAll),
  }
}

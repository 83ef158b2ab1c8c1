import type { Broadcast, Messages, Unicast, Verdict } from '@gridmesh/interfaces'
import type { Startable } from '@libp2p/interface'
import type { NodePlan } from '@gridmesh/simnet'
import { KINDS } from './kinds.ts'
import type { Ledger } from './ledger.ts'
import type { Conduct, ModuleServices } from './scenario.ts'

/** The handler of `unicast` that answers. */
export const ECHO = 'sim-echo'
/** An attacker that delays does so by this, in ms: just within the time that handlers have. */
const LATE_MS = 4_000

/** All services of a node in a scenario. */
export type SimServices = ModuleServices & { app: Startable }

/** What the application of a node is made of. */
export interface AppInit {
  readonly plan: NodePlan
  readonly ledger: Ledger
  readonly hasAllModules: boolean
  /** What the node does with messages, where it attacks. */
  readonly conduct?: (bytes: Uint8Array) => Conduct
  /** Is told of each call that reaches the handler. */
  readonly onCall: (call: string, node: number, life: number) => void
}

interface AppComponents {
  broadcast: Broadcast
  messages: Messages
  unicast: Unicast
}

/** Turns bytes round, so that an answer can be told from its question. */
export function answerTo(question: Uint8Array): Uint8Array {
  return question.toReversed()
}

/** The application of a node, as a service: it is there again after a restart without anybody's help. */
export function app(init: AppInit): (components: never) => Startable {
  return (components) => new App(components, init)
}

class App implements Startable {
  readonly #components: AppComponents
  readonly #init: AppInit

  constructor(components: AppComponents, init: AppInit) {
    this.#components = components
    this.#init = init
  }

  start(): void {}

  /** Only now may the siblings be relied on. */
  afterStart(): void {
    const { conduct, hasAllModules } = this.#init
    if (conduct !== undefined) this.#attack(conduct)
    else if (hasAllModules) this.#trade()
    else this.#listen()
  }

  stop(): void {}

  #trade(): void {
    const { messages, unicast } = this.#components
    const { ledger, onCall, plan } = this.#init
    for (const kind of Object.values(KINDS)) {
      messages.on(kind, ({ id }) => ledger.delivered(id, plan.index, plan.restarts), {
        validate: ({ id }) => {
          ledger.accepted(id, plan.index)
          return 'accept'
        },
      })
    }
    unicast.handle(ECHO, (question) => {
      onCall(new TextDecoder().decode(question), plan.index, plan.restarts)
      return answerTo(question)
    })
  }

  #listen(): void {
    const { ledger, plan } = this.#init
    const { kind, codec } = KINDS.normal
    this.#components.broadcast.subscribe(kind, (bytes) => {
      ledger.delivered(codec.decode(bytes).id, plan.index, plan.restarts)
      return 'accept'
    })
  }

  #attack(conduct: (bytes: Uint8Array) => Conduct): void {
    for (const { kind } of Object.values(KINDS)) {
      this.#components.broadcast.subscribe(kind, async (bytes): Promise<Verdict> => {
        const chosen = conduct(bytes)
        if (chosen === 'late') await new Promise((resolve) => setTimeout(resolve, LATE_MS))
        return chosen === 'drop' ? 'ignore' : 'accept'
      })
    }
  }
}

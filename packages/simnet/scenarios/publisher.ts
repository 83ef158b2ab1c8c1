import type { Delivery } from '@gridmesh/interfaces'
import type { SimNode, SimulationContext } from '@gridmesh/simnet'
import type { Account, Accounts } from './accounts.ts'
import type { SimServices } from './app.ts'
import { type KindName, KINDS, markOf } from './kinds.ts'
import type { Ledger } from './ledger.ts'
import type { NodeSettings } from './scenario.ts'
import { isUp } from './up.ts'

/** What to publish. */
export interface Publication {
  readonly author: SimNode<SimServices>
  readonly kind: KindName
  /** Size, in bytes. */
  readonly bytes: number
  /** Nodes that are to get it; without, it may get lost. */
  readonly audience?: ReadonlySet<number>
}

/** What publishing needs. */
export interface PublisherInit {
  readonly context: SimulationContext<SimServices>
  readonly ledger: Ledger
  readonly accounts: Accounts
  readonly settings: (index: number) => NodeSettings
}

/** Publishes messages, and keeps an account of each. */
export class Publisher {
  readonly #init: PublisherInit
  #count = 0

  constructor(init: PublisherInit) {
    this.#init = init
  }

  /** Publishes a message; its account learns the result. */
  publish(publication: Publication): Account {
    const { author, audience } = publication
    const { accounts, context, ledger } = this.#init
    const id = `${markOf(author.index)}${this.#count++}`
    const readyPeers = author.services.peerManager.select().map((record) => record.id.toString())
    const atMs = context.clock.nowMs
    const account: Account = { id, author, atMs, readyPeers, ...(audience !== undefined && { audience }) }
    ledger.published(id, author.index, audience)
    accounts.add(account)
    void this.#finish(account, publication)
    return account
  }

  async #finish(account: Account, { author, kind, bytes }: Publication): Promise<void> {
    const { context } = this.#init
    const { id } = account
    const life = author.services
    try {
      account.delivery = await author.run((services) => this.#send(services, author.index, kind, { id, bytes }))
    } catch (err) {
      account.isVoid = true
      const isDown = !isUp(author) || author.services !== life
      context.expect('publish-has-a-result', isDown, `Node ${author.index} could not publish ${id}: ${String(err)}`)
    }
  }

  async #send(
    { broadcast, messages }: SimServices,
    author: number,
    kind: KindName,
    note: { id: string; bytes: number },
  ): Promise<Delivery> {
    const message = KINDS[kind]
    if (this.#init.settings(author).modules === 'all') return messages.broadcast(message, note)
    return broadcast.publish(message.kind, message.codec.encode(note))
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { GridmeshNode } from '@gridmesh/node'
import { peerIdFromString } from '@libp2p/peer-id'
import { closeSecondLinks, whenCalm } from './calm.ts'
import { addTally, emptyTally, type Job, type Tally } from './messages.ts'
import { Pace } from './pace.ts'
import type { PeerNode } from './peer-node.ts'
import { Worker } from './worker.ts'

/** Time that everybody works before one is ended, in ms. */
const BEFORE_MS = 1_500

/** What was done so far. */
export interface Totals extends Tally {
  rounds: number
  kills: number
  restarts: number
  /** Streams that the observed node opened, and those of peers that it answered. */
  observedStreams: number
}

/** Load and churn, round by round: everybody works, and meanwhile one peer is ended and started again. */
export class Rounds {
  readonly totals: Totals = { ...emptyTally(), rounds: 0, kills: 0, restarts: 0, observedStreams: 0 }
  readonly #node: GridmeshNode
  readonly #peers: readonly PeerNode[]
  readonly #worker: Worker
  readonly #pace: Pace

  constructor(node: GridmeshNode, peers: readonly PeerNode[], worker: Worker, totalMs: number) {
    this.#node = node
    this.#peers = peers
    this.#worker = worker
    this.#pace = new Pace(totalMs)
  }

  /** One round, to the calm after it. */
  async run(): Promise<void> {
    // The first peer stays: what leaks on a connection that lasts adds up, and what closes with it does not.
    const [, ...churned] = this.#peers
    const [victim, restless] = [0, 1].map((offset) => churned[(this.totals.rounds + offset) % churned.length])
    const up = (): string[] => this.#peers.filter(({ isUp }) => isUp).map(({ node }) => node.peerId)
    const self = [this.#node.libp2p.peerId.toString()]
    const over = { is: false }
    const job = (peers: readonly string[], isRestless: boolean): Job =>
      this.#pace.job(this.#peers.length + 1, peers, isRestless)
    const own = async (): Promise<void> => {
      while (!over.is) await this.#workHere(job(up(), false))
    }
    const theirs = async (peer: PeerNode): Promise<void> => {
      // Who is ended in the middle of its work has no share in the rest of the round.
      while (!over.is && (await this.#workThere(peer, job(self, peer === restless))));
    }
    const churn = async (): Promise<void> => {
      await sleep(BEFORE_MS)
      await this.#restart(victim).finally(() => (over.is = true))
    }
    await Promise.all([own(), ...this.#peers.map(theirs), churn()])
    await this.settle()
    this.totals.rounds++
  }

  /** Resolves when everybody is ready with the observed node, and nothing is under way. */
  async settle(): Promise<void> {
    const { peerId, services } = this.#node.libp2p
    const names = this.#peers.map(({ node }) => node.peerId)
    await Promise.all(names.map((id) => services.peerManager.whenReady(peerIdFromString(id))))
    await closeSecondLinks(this.#node)
    await Promise.all([this.#worker.greet(names), ...this.#peers.map((peer) => peer.settle([peerId.toString()]))])
    await whenCalm(this.#node, this.#peers.length)
  }

  async #workHere(job: Job): Promise<void> {
    await this.#worker.work(job)
    const tally = this.#worker.take()
    addTally(this.totals, tally)
    this.totals.observedStreams += tally.streams + tally.accepted
    this.#pace.add({ ...tally, reconnects: 0 })
  }

  async #workThere(peer: PeerNode, job: Job): Promise<boolean> {
    const tally = await peer.work(job)
    if (tally === undefined) return false
    addTally(this.totals, tally)
    this.#pace.add({ streams: 0, accepted: 0, reconnects: tally.reconnects })
    return true
  }

  /** Every other time with `kill -9`, else with a goodbye. */
  async #restart(victim: PeerNode | undefined): Promise<void> {
    if (this.totals.rounds % 2 === 0) {
      await victim?.kill()
      this.totals.kills++
    } else {
      await victim?.stop()
    }
    await victim?.start()
    this.totals.restarts++
  }
}

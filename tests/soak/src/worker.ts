import { energyKinds, type GridmeshNode } from '@gridmesh/node'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { SoakError } from './errors.ts'
import { emptyTally, soakRequest, type Job, type Tally } from './messages.ts'
import { serveEcho, useStream, useUnicastStream } from './streams.ts'
import { orLate, within } from './within.ts'

/** Streams and requests under way at once, of one node. */
const AT_ONCE = 8
/** Every so many streams one is a stream of unicast itself. */
const UNICAST_EVERY = 8
/** Every so many orders one waits until a peer has confirmed it. */
const CONFIRM_EVERY = 10
const CALL_DEADLINE_MS = 3_000
/** Of a call that has to succeed, on however busy a machine. */
const GREETING_DEADLINE_MS = 30_000
/** What is not done by then, in ms, although it has a deadline of a few seconds, never ends. */
const STUCK_MS = 45_000
const ORDER_LIFE_MS = 60_000

/** Gives a node its work in the soak, and counts what became of it. */
export class Worker {
  readonly #node: GridmeshNode
  #tally = emptyTally()
  #orders = 0
  #endMs = 0

  private constructor(node: GridmeshNode) {
    this.#node = node
  }

  /** Makes the node answer the work of others. */
  static async attach(node: GridmeshNode): Promise<Worker> {
    const worker = new Worker(node)
    const self = node.libp2p.peerId.toString()
    node.feed.subscribe(({ sender }) => {
      if (sender !== self) worker.#tally.delivered++
    })
    node.libp2p.services.messages.respond(soakRequest, (words) => words)
    await serveEcho(node, () => worker.#tally.accepted++)
    return worker
  }

  /** What came of everything since the last call. */
  take(): Tally {
    const tally = this.#tally
    this.#tally = emptyTally()
    return tally
  }

  /** Asks each peer once, so that the same streams are open between any two. */
  async greet(peers: readonly string[]): Promise<void> {
    await Promise.all(peers.map((id) => this.#ask(peerIdFromString(id), GREETING_DEADLINE_MS)))
  }

  /** Does a job. What fails is counted as refused. @throws {SoakError} when something does not end at all */
  async work({ forMs, orders, requests, streams, reconnects, peers: names }: Job): Promise<void> {
    this.#endMs = performance.now() + forMs
    const peers = names.map((name) => peerIdFromString(name))
    const peer = (index: number): PeerId => peers[index % peers.length] ?? this.#node.libp2p.peerId
    await Promise.all([
      this.#each(orders, 1, 'published', (index) => this.#publish(index % CONFIRM_EVERY === 0)),
      this.#each(requests, AT_ONCE, 'answered', (index) => this.#ask(peer(index))),
      this.#streams(streams, peer),
      this.#each(reconnects, 1, 'reconnects', (index) => this.#reconnect(peer(index))),
    ])
  }

  async #streams(count: number, peer: (index: number) => PeerId): Promise<void> {
    const lanes = Math.floor(count / UNICAST_EVERY)
    await Promise.all([
      this.#each(count - lanes, AT_ONCE, 'streams', (index) => useStream(this.#node, peer(index), endOf(index))),
      this.#each(lanes, 1, 'streams', (index) => useUnicastStream(this.#node, peer(index), endOf(index))),
    ])
  }

  async #publish(isConfirmed: boolean): Promise<void> {
    const { delivery } = await this.#node.energy.publish(energyKinds['energy-order'], {
      id: `soak-${process.pid}-${++this.#orders}`,
      type: 'sell',
      priceSatangPerKwh: 350,
      quantityWh: 1_000,
      zone: 'bangkok',
      expiresAtMs: Date.now() + ORDER_LIFE_MS,
    })
    if (isConfirmed) await within(CALL_DEADLINE_MS, (signal) => delivery.confirmed(1, { signal }))
  }

  async #ask(peer: PeerId, deadlineMs = CALL_DEADLINE_MS): Promise<void> {
    const { messages } = this.#node.libp2p.services
    await messages.request(peer, soakRequest, 'how much?', { deadlineMs, idempotent: true })
  }

  async #reconnect(peer: PeerId): Promise<void> {
    const { libp2p } = this.#node
    const { connectionPool, peerManager } = libp2p.services
    await within(CALL_DEADLINE_MS, async (signal) => {
      await libp2p.hangUp(peer, { signal })
      await connectionPool.acquire(peer, { signal })
      await peerManager.whenReady(peer, { signal })
    })
  }

  async #each(
    count: number,
    atOnce: number,
    counter: keyof Tally,
    task: (index: number) => Promise<void>,
  ): Promise<void> {
    let next = 0
    const stuck = (): Error => new SoakError(`one of "${counter}" never ended: it took over ${STUCK_MS} ms`)
    const lane = async (): Promise<void> => {
      while (next < count && performance.now() < this.#endMs) {
        const index = next++
        try {
          await orLate(STUCK_MS, task(index), stuck)
          this.#tally[counter]++
        } catch (err) {
          if (err instanceof SoakError) throw err
          this.#tally.refused++
        }
      }
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
  }
}

/** One stream in three is reset. */
function endOf(index: number): 'close' | 'abort' {
  return index % 3 === 0 ? 'abort' : 'close'
}

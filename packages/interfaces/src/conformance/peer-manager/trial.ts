import type { PeerId } from '@libp2p/interface'
import type { Hello } from '../../links.ts'
import type { PeerManager, PeerState, PeerStateChange } from '../../peer.ts'
import { type ConformanceCase, lawIn, type World } from '../case.ts'
import { itemAt } from '../expectations.ts'
import { Patience, pause } from '../patience.ts'
import type { PeerManagerHarness, PeerManagerWorld } from './harness.ts'

/** A manager with its world, and every move that it told of. */
export class PeerManagerTrial implements World {
  readonly patience: Patience
  readonly world: PeerManagerWorld
  readonly moves: PeerStateChange[] = []
  readonly #onMove = ({ detail }: CustomEvent<PeerStateChange>): void => void this.moves.push(detail)

  constructor(patience: Patience, world: PeerManagerWorld) {
    this.patience = patience
    this.world = world
    world.manager.addEventListener('peer:state', this.#onMove)
  }

  get manager(): PeerManager {
    return this.world.manager
  }

  async stop(): Promise<void> {
    this.manager.removeEventListener('peer:state', this.#onMove)
    await this.world.stop()
  }

  peer(index: number): PeerId {
    return itemAt(this.world.peers, index, 'peers')
  }

  stateOf(peer: PeerId): PeerState | undefined {
    return this.manager.get(peer)?.state
  }

  /** Waits for a state: that of a connection may follow the connection. */
  async reaches(peer: PeerId, state: PeerState): Promise<void> {
    await this.patience.until(`state ${state}`, () => this.stateOf(peer) === state)
  }

  async connect(peer: PeerId): Promise<void> {
    await this.patience.within('connect of the harness', this.world.connect(peer))
    await this.reaches(peer, 'connected')
  }

  /** Connects a peer and has the handshake agree. */
  async makeReady(peer: PeerId, changes: Partial<Hello> = {}): Promise<void> {
    await this.connect(peer)
    this.manager.markReady(peer, helloWith(changes))
    await this.reaches(peer, 'ready')
  }

  /** Resolves when the current tick, and what was put off to its end, is over. */
  async tick(): Promise<void> {
    for (let turns = 0; turns < 3; turns++) await pause(0)
  }
}

/** Makes the cases of one harness. */
export class PeerManagerBench {
  readonly harness: PeerManagerHarness
  readonly #patience: Patience

  constructor(harness: PeerManagerHarness) {
    this.harness = harness
    this.#patience = new Patience(harness.patienceMs)
  }

  /** A case in a world of its own. */
  law(name: string, peers: number, check: (trial: PeerManagerTrial) => Promise<void> | void): ConformanceCase {
    const create = async (): Promise<PeerManagerTrial> =>
      new PeerManagerTrial(this.#patience, await this.harness.create(peers))
    return lawIn(this.#patience, create, name, check)
  }
}

export function helloWith(changes: Partial<Hello> = {}): Hello {
  return {
    protocol: { min: 1, max: 1 },
    chainId: 'conformance',
    genesisHash: '00',
    height: 1,
    tipHash: '01',
    role: 'consumer',
    region: 'north',
    capabilities: [],
    listenAddresses: [],
    userAgent: 'conformance/1',
    timeMs: 0,
    ...changes,
  }
}

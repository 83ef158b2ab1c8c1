import type { Offence, Status } from '@gridmesh/block-sync'
import type { PeerManagerEvents, PeerRecord, PeerReport, PeerState } from '@gridmesh/interfaces'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { TypedEventEmitter } from 'main-event'
import { beforeEach, expect, it } from 'vitest'
import { ChainPeers } from '../../src/chain-network/chain-peers.ts'

const newPeer = async (): Promise<PeerId> => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const [alice, bob, carol] = [await newPeer(), await newPeer(), await newPeer()]
const status: Status = { tip: { height: 3, hash: 'aa' }, finalised: { height: 0, hash: '00' } }

class FakeManager extends TypedEventEmitter<PeerManagerEvents> {
  readonly peers = new Map<string, Pick<PeerRecord, 'id' | 'state'>>()
  readonly reports: [string, PeerReport][] = []

  report(peer: PeerId, report: PeerReport): void {
    this.reports.push([peer.toString(), report])
  }

  move(peer: PeerId, to: PeerState): void {
    this.safeDispatchEvent('peer:state', { detail: { peer, from: 'connected', to } })
  }
}

let manager: FakeManager
let told: string[]
let changes: number
let peers: ChainPeers

beforeEach(() => {
  manager = new FakeManager()
  told = []
  changes = 0
  peers = new ChainPeers({
    peerManager: manager,
    // Carol keeps no chain.
    handshake: { capabilities: (peer) => (peer.equals(carol) ? ['storage'] : ['chain']) },
    onReady: (peer) => told.push(`ready ${peer.toString()}`),
    onGone: (peer) => told.push(`gone ${peer.toString()}`),
  })
  peers.subscribe(() => changes++)
})

it('knows who is ready, whether before or after it starts, and has a chain', () => {
  manager.peers.set('alice', { id: alice, state: 'ready' }).set('bob', { id: bob, state: 'known' })
  peers.start()
  expect(peers.ids()).toEqual([alice])
  manager.move(bob, 'ready')
  manager.move(carol, 'ready')
  expect(peers.ids()).toEqual([alice, bob])
  expect(told).toEqual([`ready ${alice.toString()}`, `ready ${bob.toString()}`])
})

it('gives a sync those that said where they stand, until they go', () => {
  peers.start()
  manager.move(alice, 'ready')
  expect(peers.peers()).toEqual([])
  peers.take(alice, status)
  expect(peers.peers()).toEqual([{ id: alice.toString(), isReady: true, ...status }])
  expect(changes).toBe(1)
  manager.move(alice, 'draining')
  expect([peers.peers(), changes]).toEqual([[], 2])
  expect(told.at(-1)).toBe(`gone ${alice.toString()}`)
  manager.move(alice, 'known')
  expect(changes).toBe(2)
})

it.each(['draining', 'banned'] as const)('takes no status of who is %s, and says where it stands yet', (state) => {
  peers.start()
  manager.move(alice, 'ready')
  manager.move(alice, state)
  peers.take(alice, status)
  expect([peers.ids(), peers.peers(), changes]).toEqual([[], [], 1])
})

it('takes no status of who has no chain', () => {
  peers.start()
  manager.move(carol, 'ready')
  peers.take(carol, status)
  expect([peers.peers(), changes]).toEqual([[], 0])
})

it.each([
  ['malformed-block', 'protocol-violation'],
  ['unlinked-headers', 'protocol-violation'],
  ['invalid-block', 'invalid-message'],
  ['contradicts-finality', 'invalid-message'],
  // Somebody who was cut off is on another branch in good faith.
  ['forks-below-finality', 'absent'],
] satisfies [Offence, string][])('reports %s as %s, with what was seen', (offence, expected) => {
  peers.report(alice.toString(), offence, 'block 7')
  expect(manager.reports).toEqual([[alice.toString(), { class: expected, evidence: `${offence}: block 7` }]])
})

it('knows nobody after it was stopped, and hears of nobody', () => {
  peers.start()
  manager.move(alice, 'ready')
  peers.take(alice, status)
  peers.stop()
  manager.move(bob, 'ready')
  expect([peers.ids(), peers.peers()]).toEqual([[], []])
})

import type { PeerManager, PeerRecord, PeerReport } from '@gridmesh/interfaces'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { MemoryHub } from '../src/index.ts'
import { DefaultMemoryBroadcast } from '../src/memory-broadcast.ts'

/** One node on a hub, with what a test looks at. */
export interface TestNode {
  peerId: PeerId
  broadcast: DefaultMemoryBroadcast
  /** Peers reported, with the class of each report. */
  reports: { peer: string; class: PeerReport['class'] }[]
}

export interface TestNodeInit {
  /** Answers of the peer manager; without them there is none. */
  select?: PeerManager['select']
}

export async function makePeerId(): Promise<PeerId> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
}

/** A started node. */
export async function makeNode(hub: MemoryHub, { select = () => [] }: TestNodeInit = {}): Promise<TestNode> {
  const peerId = await makePeerId()
  const reports: TestNode['reports'] = []
  const peerManager: Pick<PeerManager, 'report' | 'select'> = {
    select,
    report: (peer, report) => void reports.push({ peer: peer.toString(), class: report.class }),
  }
  const broadcast = new DefaultMemoryBroadcast({ peerId, logger: defaultLogger(), peerManager }, hub)
  broadcast.start()
  return { peerId, broadcast, reports }
}

export async function makeNodes(hub: MemoryHub, count: number): Promise<TestNode[]> {
  return Promise.all(Array.from({ length: count }, () => makeNode(hub)))
}

/** A record with nothing but an id in it. */
export function recordOf(id: PeerId): PeerRecord {
  return { id } as PeerRecord
}

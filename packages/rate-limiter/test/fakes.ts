import type { Hello, PeerReport, Quota } from '@gridmesh/interfaces'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { PeerLimitsComponents } from '../src/index.ts'

export async function somePeer(): Promise<PeerId> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
}

export interface Reported extends PeerReport {
  peer: string
}

/** A peer manager that only writes down who is reported. */
export function fakePeerManager(reports: Reported[]): Required<PeerLimitsComponents>['peerManager'] {
  return {
    report: (peer, report) => {
      reports.push({ peer: peer.toString(), ...report })
    },
  }
}

/** A handshake in which every peer announced `quota`. */
export function fakeHandshake(quota: Quota | undefined): Required<PeerLimitsComponents>['handshake'] {
  const hello: Hello = {
    protocol: { min: 1, max: 1 },
    chainId: 'test',
    genesisHash: '',
    height: 0,
    tipHash: '',
    role: 'node',
    region: '',
    capabilities: [],
    listenAddresses: [],
    userAgent: 'test',
    timeMs: 0,
    ...(quota === undefined ? {} : { quota }),
  }
  return { get: () => hello }
}

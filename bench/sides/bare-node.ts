import { noise } from '@gridmesh/noise'
import { noise as libp2pNoise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p'

const ENCRYPTERS = { noise, 'libp2p-noise': libp2pNoise, tls } as const

/** What encrypts: our Noise, libp2p's, or its TLS. */
export type EncrypterName = keyof typeof ENCRYPTERS

/** The options of a node with TCP, an encrypter and yamux, each as it comes. */
export function bareOptions(encrypter: EncrypterName): Libp2pOptions {
  return {
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [ENCRYPTERS[encrypter]()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    // All dials are one host's.
    connectionManager: { inboundConnectionThreshold: Number.POSITIVE_INFINITY },
  }
}

/** A node with nothing of ours but, perhaps, the encrypter. */
export async function bareNode(encrypter: EncrypterName): Promise<Libp2p> {
  return createLibp2p(bareOptions(encrypter))
}

import { randomInt } from 'node:crypto'
import { handshake, type HandshakeService } from '@gridmesh/handshake'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { PrivateKey } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import type { Multiaddr } from '@multiformats/multiaddr'
import getPort, { portNumbers } from 'get-port'
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p'
import { onTestFinished, vi } from 'vitest'
import { reconnection, type ReconnectionInit, type ReconnectionService } from '../src/index.ts'
import { at } from './support.ts'

/** Schedules that a test can wait for. */
export const FAST = {
  initialDelayMs: 10,
  maxDelayMs: 200,
  laterDelayMs: 20,
  coolDownMs: 100,
  stableMs: 0,
} satisfies ReconnectionInit

// Real sockets on a busy machine: only what hangs is to fail.
vi.setConfig({ testTimeout: 20_000 })

/** A plain libp2p node over TCP on loopback, stopped after the test. */
export async function makePlain(options: Libp2pOptions = {}): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...options,
  })
  onTestFinished(() => node.stop())
  return node
}

type Services = { identify: unknown; handshake: HandshakeService; reconnection: ReconnectionService }

/** Below the range that the system hands out for outgoing connections: one of those may have it by the time a node is back. */
async function freePort(): Promise<number> {
  const first = randomInt(20_000, 31_000)
  return getPort({ host: '127.0.0.1', port: portNumbers(first, first + 1_000) })
}

/** A node that can be killed and brought back as the same peer on the same port. */
export class TestNode {
  readonly events: string[] = []
  readonly #key: PrivateKey
  readonly #init: ReconnectionInit
  chainId = 'test'
  #isCrashing = false
  #port: number | undefined
  #node: Libp2p<Services> | undefined

  constructor(key: PrivateKey, init: ReconnectionInit) {
    this.#key = key
    this.#init = init
  }

  get libp2p(): Libp2p<Services> {
    if (this.#node === undefined) throw new RangeError('the node is not up')
    return this.#node
  }

  get id(): Libp2p['peerId'] {
    return this.libp2p.peerId
  }

  get address(): Multiaddr {
    return at(this.libp2p.getMultiaddrs(), 0)
  }

  get service(): ReconnectionService {
    return this.libp2p.services.reconnection
  }

  async up(): Promise<void> {
    const { chainId } = this
    const genesisHash = '00'
    this.#isCrashing = false
    this.#port ??= await freePort()
    const node = await createLibp2p({
      privateKey: this.#key,
      addresses: { listen: [`/ip4/127.0.0.1/tcp/${this.#port}`] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      connectionGater: { denyInboundConnection: () => this.#isCrashing },
      services: {
        identify: identify(),
        handshake: handshake({ chainId, genesisHash, role: 'prosumer', region: 'north' }),
        reconnection: reconnection({ ...FAST, ...this.#init }),
      },
    })
    onTestFinished(() => node.stop())
    this.#node = node
    const service = node.services.reconnection
    service.addEventListener('reconnection:attempt', () => this.events.push('attempt'))
    service.addEventListener('reconnection:success', () => this.events.push('success'))
    service.addEventListener('reconnection:gave-up', ({ detail }) => this.events.push(`gave-up ${detail.reason}`))
  }

  /** Stops as an operator does, with goodbyes. */
  async down(): Promise<void> {
    await this.libp2p.stop()
  }

  /** Ends without a word, as far as the peers can see. */
  async crash(): Promise<void> {
    // What is dead neither calls nor answers, not even in the moments before its port is closed.
    this.#isCrashing = true
    this.service.suspend()
    for (const connection of this.libp2p.getConnections()) connection.abort(new TypeError('crashed'))
    await this.libp2p.stop()
  }

  isReady(other: TestNode): boolean {
    return this.libp2p.services.handshake.isReady(other.id)
  }

  /** Dials `other`, and waits until both are ready. */
  async meet(other: TestNode): Promise<void> {
    await this.libp2p.dial(other.address)
    await vi.waitFor(() => {
      if (!this.isReady(other) || !other.isReady(this)) throw new RangeError('not ready yet')
    }, 5_000)
  }
}

export async function makeNode(init: ReconnectionInit = {}): Promise<TestNode> {
  const node = new TestNode(await generateKeyPair('Ed25519'), init)
  await node.up()
  return node
}

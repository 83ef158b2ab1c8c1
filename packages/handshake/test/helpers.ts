import type { Hello, PeerReport, Reason } from '@gridmesh/interfaces'
import type { Connection, Stream } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { memory } from '@libp2p/memory'
import { plaintext } from '@libp2p/plaintext'
import { lpStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p'
import { onTestFinished } from 'vitest'
import { decodeFrame } from '../src/decode-frame.ts'
import { encodeFrame } from '../src/encode-frame.ts'
import type { Frame, OutboundFrame } from '../src/frame.ts'
import {
  handshake,
  HANDSHAKE_PROTOCOL,
  type HandshakeComponents,
  type HandshakeInit,
  type HandshakeService,
} from '../src/index.ts'

export const GENESIS = 'c3ab8ff13720e8ad9047dd39466b3c8974e592c2fa383d4a3960714caef0c4f2'
export const FRAME_LIMITS = { maxCapabilities: 64, maxListenAddresses: 32 }

export function makeInit(init: Partial<HandshakeInit> = {}): HandshakeInit {
  return { chainId: 'test', genesisHash: GENESIS, role: 'prosumer', region: 'north', ...init }
}

export function makeHello(hello: Partial<Hello> = {}): Hello {
  return {
    protocol: { min: 1, max: 1 },
    chainId: 'test',
    genesisHash: GENESIS,
    height: 0,
    tipHash: '',
    role: 'prosumer',
    region: 'north',
    capabilities: [],
    listenAddresses: [],
    userAgent: 'test',
    timeMs: Date.now(),
    ...hello,
  }
}

/** One thing the peer manager was told. */
export interface Told {
  what: 'ready' | 'draining' | 'hello' | 'report'
  peer: string
  report?: PeerReport
}

export function makePeerManager(told: Told[]): NonNullable<HandshakeComponents['peerManager']> {
  return {
    markReady: (peer) => told.push({ what: 'ready', peer: peer.toString() }),
    markDraining: (peer) => told.push({ what: 'draining', peer: peer.toString() }),
    updateHello: (peer) => told.push({ what: 'hello', peer: peer.toString() }),
    report: (peer, report) => told.push({ what: 'report', peer: peer.toString(), report }),
  }
}

let count = 0

/** A node of its own address, over memory, without services. */
export function base(): Libp2pOptions {
  return {
    addresses: { listen: [`/memory/handshake-${++count}`] },
    transports: [memory()],
    connectionEncrypters: [plaintext()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  }
}

/** A node with the handshake, what it told, and what happened to it. */
export interface TestNode {
  node: Libp2p
  handshake: HandshakeService
  address: Multiaddr
  told: Told[]
  registrar: Registrar
  /** Events in order, as `name` or `name code`. */
  events: string[]
}

export async function makeNode(init: Partial<HandshakeInit> = {}): Promise<TestNode> {
  const told: Told[] = []
  const node = await createLibp2p({
    ...base(),
    services: {
      peerManager: () => makePeerManager(told),
      handshake: handshake(makeInit(init)),
      streams: ({ registrar }: { registrar: Registrar }) => registrar,
    },
  })
  onTestFinished(() => node.stop())
  const events: string[] = []
  const service = node.services.handshake
  service.addEventListener('peer:ready', () => events.push('ready'))
  service.addEventListener('peer:refused', ({ detail }) => events.push(`refused ${detail.reason.code} by ${detail.by}`))
  service.addEventListener('peer:status', ({ detail }) => events.push(`status ${detail.status.height}`))
  service.addEventListener('peer:goodbye', ({ detail }) => events.push(`goodbye ${detail.reason.code}`))
  service.addEventListener('peer:left', () => events.push('left'))
  return { node, handshake: service, address: addressOf(node), told, events, registrar: node.services.streams }
}

/** A libp2p node without the handshake, for a test to speak through. */
export async function makeStranger(): Promise<Libp2p> {
  const node = await createLibp2p(base())
  onTestFinished(() => node.stop())
  return node
}

export function addressOf(node: Libp2p): Multiaddr {
  return multiaddr(node.getMultiaddrs()[0]?.toString())
}

/** Frames over a raw stream. */
export interface RawFrames {
  stream: Stream
  connection: Connection
  write(...frames: OutboundFrame[]): void
  writeBytes(bytes: Uint8Array): void
  read(): Promise<Frame>
}

export function rawFrames(stream: Stream, connection: Connection): RawFrames {
  const frames = lpStream(stream)
  return {
    stream,
    connection,
    write: (...outbound) => {
      for (const frame of outbound) stream.send(prefixed(encodeFrame(frame)))
    },
    writeBytes: (bytes) => void stream.send(bytes),
    read: async () => {
      const bytes = await frames.read({ signal: AbortSignal.timeout(5_000) })
      return decodeFrame(bytes.subarray(), FRAME_LIMITS)
    },
  }
}

/** Dials, once more where it is connected, and opens the handshake stream by hand. */
export async function dialRaw(stranger: Libp2p, address: Multiaddr): Promise<RawFrames> {
  const connection = await stranger.dial(address, { force: true })
  return rawFrames(await connection.newStream(HANDSHAKE_PROTOCOL), connection)
}

/** Goes through the handshake by hand, to the point where both sides are ready. */
export async function becomeReady(raw: RawFrames, hello: Partial<Hello> = {}): Promise<void> {
  raw.write({ kind: 'hello', hello: makeHello(hello) }, { kind: 'verdict' })
  await raw.read()
  await raw.read()
}

/** Puts the length before a frame. */
export function prefixed(frame: Uint8Array): Uint8Array {
  const prefix: number[] = []
  let rest = frame.byteLength
  for (; rest >= 0x80; rest >>>= 7) prefix.push((rest & 0x7f) | 0x80)
  return Uint8Array.from([...prefix, rest, ...frame])
}

export function reports(told: Told[]): string[] {
  return told.flatMap(({ report }) => (report == null ? [] : [report.class]))
}

export const GOODBYE: Reason = { code: 'too-many-peers', message: 'maxPeers is 3', limit: 'maxPeers', value: 3 }

import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Counter, MessageStream, PrivateKey, SecuredConnection, StreamMuxerFactory } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import { CipherState } from '../src/cipher-state.ts'
import {
  nativeCrypto,
  noise,
  type NoiseComponents,
  type NoiseExtensions,
  type NoiseInit,
  wasmCrypto,
} from '../src/index.ts'

export const native = await nativeCrypto()
export const wasm = await wasmCrypto()
export const CRYPTOS = [native, wasm]

export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'))
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** Bytes that differ from place to place, so that a block in the wrong place is seen. */
export function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >>> 8) * 7) & 0xff
  return bytes
}

/** Both ends of one key. */
export function cipherPair(crypto = native, count = 0): [CipherState, CipherState] {
  const key = pattern(32)
  return [new CipherState(crypto, key.slice(), count), new CipherState(crypto, key.slice(), count)]
}

/** Counts by name. */
export function fakeMetrics(): { counts: Record<string, number>; metrics: NonNullable<NoiseComponents['metrics']> } {
  const counts: Record<string, number> = {}
  const registerCounter = (name: string): Counter => {
    counts[name] = 0
    return {
      increment: (by = 1) => (counts[name] = (counts[name] ?? 0) + by),
      reset: () => (counts[name] = 0),
    }
  }
  return { counts, metrics: { registerCounter } }
}

export interface PeerInit extends NoiseInit {
  muxers?: readonly string[]
  privateKey?: PrivateKey
  metrics?: NoiseComponents['metrics']
}

/** An encrypter of its own, and whose it is. */
export async function makePeer({ muxers = [], privateKey, metrics, ...init }: PeerInit = {}) {
  const key = privateKey ?? (await generateKeyPair('Ed25519'))
  const factories = new Map(
    muxers.map((protocol) => [protocol, { protocol, createStreamMuxer: never } satisfies StreamMuxerFactory]),
  )
  const components: NoiseComponents = {
    privateKey: key,
    logger: defaultLogger(),
    upgrader: { getStreamMuxers: () => factories },
    ...(metrics === undefined ? {} : { metrics }),
  }
  return { privateKey: key, peerId: peerIdFromPrivateKey(key), encrypter: noise(init)(components) }
}

function never(): never {
  throw new TypeError('No muxer is made here')
}

/** Two encrypted ends of one connection in memory, and the two ends below them. */
export async function securedPair(
  options: { outbound?: PeerInit; inbound?: PeerInit; capacity?: number; chunkSize?: number } = {},
): Promise<{
  outbound: SecuredConnection<NoiseExtensions>
  inbound: SecuredConnection<NoiseExtensions>
  below: [MessageStream, MessageStream]
}> {
  const { capacity = 1_000, chunkSize = 65_536 } = options
  const below = multiaddrConnectionPair({ capacity, chunkSize })
  const [a, b] = await Promise.all([makePeer(options.outbound), makePeer(options.inbound)])
  const [outbound, inbound] = await Promise.all([
    a.encrypter.secureOutbound(below[0], { remotePeer: b.peerId }),
    b.encrypter.secureInbound(below[1]),
  ])
  return { outbound, inbound, below }
}

/** Resolves when what was sent in this turn of the event loop has been handed over. */
export async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

/** What a stream delivers from here on. */
export function collect(stream: MessageStream): { bytes: () => Uint8Array; size: () => number; events: () => number } {
  const all = new Uint8ArrayList()
  let count = 0
  stream.addEventListener('message', ({ data }) => {
    all.append(data)
    count++
  })
  return { bytes: () => all.subarray(), size: () => all.byteLength, events: () => count }
}

/** What a promise rejects with. Waits from the call on, so the rejection may come before the result is awaited. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (err) {
    return err
  }
  throw new TypeError('It was to be rejected')
}

/** How a stream ends. */
export async function ended(stream: MessageStream): Promise<{ error: Error | undefined; local: boolean | undefined }> {
  return new Promise((resolve) => {
    stream.addEventListener('close', ({ error, local }) => resolve({ error, local }), { once: true })
  })
}

/** How many listeners a connection has, of those that this package adds. */
export function listeners(connection: MessageStream): Record<string, number> {
  const target = connection as MessageStream & { listenerCount(type: string): number }
  return Object.fromEntries(
    ['message', 'close', 'end', 'drain', 'remoteCloseWrite'].map((type) => [type, target.listenerCount(type)]),
  )
}

import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import {
  type ConnectionEncrypter,
  type MessageStream,
  type SecureConnectionOptions,
  type SecuredConnection,
  serviceCapabilities,
  type StreamMuxerFactory,
} from '@libp2p/interface'
import { chooseMuxer } from './choose-muxer.ts'
import { NOISE_PROTOCOL } from './constants.ts'
import type { KeyPair, NoiseCrypto } from './crypto.ts'
import { withDeadline } from './deadline.ts'
import { defaultCrypto } from './default-crypto.ts'
import { exchange, type ExchangeResult } from './exchange.ts'
import { HandshakeChannel } from './handshake-channel.ts'
import type { Role } from './handshake-state.ts'
import { signStaticKey } from './identity.ts'
import type { NoiseComponents, NoiseInit } from './index.ts'
import { type NoiseMetrics, noiseMetrics } from './metrics.ts'
import { type NoiseOptions, withDefaults } from './options.ts'
import { encodePayload, type NoiseExtensions } from './payload.ts'
import { SecureStream } from './secure-stream.ts'

/** What all handshakes of one encrypter share. */
interface Own {
  crypto: NoiseCrypto
  staticKeys: KeyPair
  identityKey: Uint8Array
  identitySignature: Uint8Array
}

/** One handshake to be done. */
interface Task {
  connection: MessageStream
  role: Role
  options: SecureConnectionOptions
  signal: AbortSignal
}

/** The connection encrypter. */
export class Noise implements ConnectionEncrypter<NoiseExtensions> {
  readonly [Symbol.toStringTag] = '@gridmesh/noise'
  // The second is what those ask for who need noise and not just any encryption.
  readonly [serviceCapabilities]: string[] = ['@libp2p/connection-encryption', '@libp2p/noise']
  readonly protocol = NOISE_PROTOCOL
  readonly #components: NoiseComponents
  readonly #options: NoiseOptions
  readonly #metrics: NoiseMetrics | undefined
  #own: Promise<Own> | undefined

  constructor(components: NoiseComponents, init: NoiseInit) {
    this.#components = components
    this.#options = withDefaults(init)
    this.#metrics = noiseMetrics(components.metrics)
  }

  secureOutbound(
    connection: MessageStream,
    options: SecureConnectionOptions = {},
  ): Promise<SecuredConnection<NoiseExtensions>> {
    return this.#secure(connection, 'initiator', options)
  }

  secureInbound(
    connection: MessageStream,
    options: SecureConnectionOptions = {},
  ): Promise<SecuredConnection<NoiseExtensions>> {
    return this.#secure(connection, 'responder', options)
  }

  async #secure(
    connection: MessageStream,
    role: Role,
    options: SecureConnectionOptions,
  ): Promise<SecuredConnection<NoiseExtensions>> {
    try {
      const secured = await withDeadline(this.#options.handshakeTimeoutMs, options.signal, (signal) =>
        this.#handshake({ connection, role, options, signal }),
      )
      this.#metrics?.handshakes.increment()
      return secured
    } catch (err) {
      this.#metrics?.failedHandshakes.increment()
      // Neither side can make anything of a connection between two states.
      connection.abort(err instanceof Error ? err : new TypeError('A signal aborted with no error', { cause: err }))
      throw err
    }
  }

  async #handshake({ connection, role, options, signal }: Task): Promise<SecuredConnection<NoiseExtensions>> {
    const { crypto, staticKeys, identityKey, identitySignature } = await this.#ownOnce()
    const muxers: Map<string, StreamMuxerFactory> =
      options.skipStreamMuxerNegotiation === true ? new Map() : this.#components.upgrader.getStreamMuxers()
    const extensions: NoiseExtensions = {
      webtransportCerthashes: this.#options.webtransportCerthashes,
      streamMuxers: [...muxers.keys()],
    }
    const channel = new HandshakeChannel(connection, this.#options.maxHandshakeBytes, signal)
    const result = await exchange({
      role,
      crypto,
      channel,
      staticKeys,
      signal,
      prologue: this.#options.prologueBytes,
      payload: encodePayload({ identityKey, identitySignature, extensions }),
      expected: options.remotePeer,
    })
    try {
      const streamMuxer = pickMuxer(role, muxers, result.extensions?.streamMuxers ?? [])
      signal.throwIfAborted()
      const secured = this.#secureStream(connection, result)
      // With somebody who listens it comes in another turn: an upgrader, which goes on in this one, has set up its muxer then.
      channel.release()
      return {
        connection: secured,
        remotePeer: result.peer,
        ...(result.extensions === undefined ? {} : { remoteExtensions: result.extensions }),
        ...(streamMuxer === undefined ? {} : { streamMuxer }),
      }
    } catch (err) {
      result.send.wipe()
      result.receive.wipe()
      throw err
    }
  }

  #secureStream(connection: MessageStream, { send, receive }: ExchangeResult): SecureStream {
    return new SecureStream({
      connection,
      send,
      receive,
      maxBatchBytes: this.#options.maxBatchBytes,
      log: connection.log.newScope('noise'),
      metrics: this.#metrics,
    })
  }

  /** Made at the first handshake, and again at the next one where that failed: a signer may be elsewhere. */
  async #ownOnce(): Promise<Own> {
    const own = (this.#own ??= this.#makeOwn())
    try {
      return await own
    } catch (err) {
      if (this.#own === own) this.#own = undefined
      throw err
    }
  }

  /** The static key pair, signed once: the signature says nothing of one connection. */
  async #makeOwn(): Promise<Own> {
    const { privateKey, logger } = this.#components
    const crypto = this.#options.crypto ?? (await defaultCrypto())
    logger.forComponent('gridmesh:noise')('cryptography by %s', crypto.name)
    const { staticNoiseKey } = this.#options
    const staticKeys = staticNoiseKey === undefined ? crypto.generateKeyPair() : crypto.keyPairOf(staticNoiseKey)
    return {
      crypto,
      staticKeys,
      identityKey: publicKeyToProtobuf(privateKey.publicKey),
      identitySignature: await signStaticKey(privateKey, staticKeys.publicKey),
    }
  }
}

function pickMuxer(
  role: Role,
  muxers: ReadonlyMap<string, StreamMuxerFactory>,
  theirs: readonly string[],
): StreamMuxerFactory | undefined {
  const ours = [...muxers.keys()]
  const protocol = role === 'initiator' ? chooseMuxer(ours, theirs) : chooseMuxer(theirs, ours)
  return protocol === undefined ? undefined : muxers.get(protocol)
}

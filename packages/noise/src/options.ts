import {
  DEFAULT_HANDSHAKE_TIMEOUT_MS,
  DEFAULT_MAX_BATCH_BYTES,
  DEFAULT_MAX_HANDSHAKE_BYTES,
  KEY_BYTES,
  MAX_FRAME_BYTES,
  MAX_PLAINTEXT_BYTES,
  MIN_HANDSHAKE_BYTES,
} from './constants.ts'
import type { NoiseCrypto } from './crypto.ts'
import type { NoiseInit } from './index.ts'

/** Node fires a timer that is set for longer at once. */
const MAX_TIMER_MS = 2 ** 31 - 1
/** Beyond it a batch would not fit into one buffer on every platform. */
const MAX_BATCH_BYTES = 2 ** 30

/** Options with their defaults, checked. */
export interface NoiseOptions {
  staticNoiseKey: Uint8Array | undefined
  prologueBytes: Uint8Array
  webtransportCerthashes: Uint8Array[]
  crypto: NoiseCrypto | undefined
  handshakeTimeoutMs: number
  maxHandshakeBytes: number
  maxBatchBytes: number
}

/** @throws {RangeError} when an option is out of its range */
export function withDefaults(init: NoiseInit): NoiseOptions {
  const { staticNoiseKey, handshakeTimeoutMs = DEFAULT_HANDSHAKE_TIMEOUT_MS } = init
  const { maxHandshakeBytes = DEFAULT_MAX_HANDSHAKE_BYTES, maxBatchBytes = DEFAULT_MAX_BATCH_BYTES } = init
  if (staticNoiseKey !== undefined && staticNoiseKey.length !== KEY_BYTES) {
    throw new RangeError(`staticNoiseKey has ${staticNoiseKey.length} bytes, and must have ${KEY_BYTES}`)
  }
  if (!(handshakeTimeoutMs > 0 && handshakeTimeoutMs <= MAX_TIMER_MS)) {
    throw new RangeError(`handshakeTimeoutMs is ${handshakeTimeoutMs}, and must be above 0 and at most ${MAX_TIMER_MS}`)
  }
  checkWhole('maxHandshakeBytes', maxHandshakeBytes, MIN_HANDSHAKE_BYTES, MAX_FRAME_BYTES)
  checkWhole('maxBatchBytes', maxBatchBytes, MAX_PLAINTEXT_BYTES, MAX_BATCH_BYTES)
  return {
    staticNoiseKey,
    prologueBytes: init.prologueBytes ?? new Uint8Array(0),
    webtransportCerthashes: init.extensions?.webtransportCerthashes ?? [],
    crypto: init.crypto,
    handshakeTimeoutMs,
    maxHandshakeBytes,
    maxBatchBytes,
  }
}

function checkWhole(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new RangeError(`${name} is ${value}, and must be a whole number from ${min} to ${max}`)
}

import {
  DEFAULT_CLOCK_SKEW_MS,
  DEFAULT_COMPRESS_ABOVE_BYTES,
  DEFAULT_FLUSH_INTERVAL_MS,
  DEFAULT_MAX_BYTES,
  DEFAULT_MAX_PENDING_BYTES,
  DEFAULT_MAX_RATIO,
  DEFAULT_MAX_SENDERS,
  DEFAULT_REPLAY_WINDOW_BITS,
  DEFAULT_STORE_TIMEOUT_MS,
  MAX_MAX_BYTES,
  MAX_REPLAY_WINDOW_BITS,
} from './constants.ts'
import { isName } from './fields.ts'
import type { EnvelopeInit } from './index.ts'

/** The options with their defaults applied, each within its bounds. */
export type EnvelopeOptions = Required<Omit<EnvelopeInit, 'signer'>>

/** Applies the defaults and checks every option. @throws {RangeError} naming the option and the value received */
export function resolveOptions(init: EnvelopeInit): EnvelopeOptions {
  const options = {
    chainId: init.chainId,
    codec: init.codec ?? 'protobuf',
    maxBytes: init.maxBytes ?? DEFAULT_MAX_BYTES,
    clockSkewMs: init.clockSkewMs ?? DEFAULT_CLOCK_SKEW_MS,
    compressAboveBytes: init.compressAboveBytes ?? DEFAULT_COMPRESS_ABOVE_BYTES,
    maxRatio: init.maxRatio ?? DEFAULT_MAX_RATIO,
    replayWindowBits: init.replayWindowBits ?? DEFAULT_REPLAY_WINDOW_BITS,
    maxSenders: init.maxSenders ?? DEFAULT_MAX_SENDERS,
    flushIntervalMs: init.flushIntervalMs ?? DEFAULT_FLUSH_INTERVAL_MS,
    storeTimeoutMs: init.storeTimeoutMs ?? DEFAULT_STORE_TIMEOUT_MS,
    maxPendingBytes: init.maxPendingBytes ?? DEFAULT_MAX_PENDING_BYTES,
  }
  if (!isName(options.chainId)) {
    throw new RangeError(`chainId ${JSON.stringify(options.chainId)} must be 1 to 128 visible ASCII characters`)
  }
  if (options.codec !== 'protobuf' && options.codec !== 'json') {
    throw new RangeError(`codec ${JSON.stringify(options.codec)} must be 'protobuf' or 'json'`)
  }
  checkNumbers(options)
  return options
}

function checkNumbers(options: EnvelopeOptions): void {
  checkWhole('maxBytes', options.maxBytes, 1, MAX_MAX_BYTES)
  checkWhole('clockSkewMs', options.clockSkewMs, 1)
  if (options.compressAboveBytes !== Infinity) checkWhole('compressAboveBytes', options.compressAboveBytes, 0)
  if (!(options.maxRatio >= 1)) throw new RangeError(`maxRatio ${options.maxRatio} must be at least 1`)
  checkWhole('replayWindowBits', options.replayWindowBits, 32, MAX_REPLAY_WINDOW_BITS)
  if (options.replayWindowBits % 32 !== 0) {
    throw new RangeError(`replayWindowBits ${options.replayWindowBits} must be a multiple of 32`)
  }
  checkWhole('maxSenders', options.maxSenders, 1)
  checkWhole('flushIntervalMs', options.flushIntervalMs, 1, 2 ** 31 - 1)
  checkWhole('storeTimeoutMs', options.storeTimeoutMs, 1, 2 ** 31 - 1)
  checkWhole('maxPendingBytes', options.maxPendingBytes, 1)
}

function checkWhole(name: string, value: number, min: number, max: number = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return
  throw new RangeError(`${name} ${value} must be a whole number from ${min} to ${max}`)
}

import * as constants from './constants.ts'
import type { BlockSyncInit } from './index.ts'

/** The options with every default applied. */
export type SyncOptions = Readonly<Required<BlockSyncInit>>

const { MAX_HASHES, MAX_HEADERS, MAX_BLOCKS_ANSWER_BYTES, MAX_TIMER_MS } = constants

/** Applies the defaults. @throws {RangeError} for a value out of its range */
export function resolveOptions(init: BlockSyncInit): SyncOptions {
  const headersPerRequest = whole(
    'headersPerRequest',
    init.headersPerRequest ?? constants.DEFAULT_HEADERS_PER_REQUEST,
    1,
    MAX_HEADERS,
  )
  const maxBlockBytes = whole(
    'maxBlockBytes',
    init.maxBlockBytes ?? constants.DEFAULT_MAX_BLOCK_BYTES,
    1,
    MAX_BLOCKS_ANSWER_BYTES,
  )
  const answer = init.maxAnswerBytes ?? Math.max(maxBlockBytes, constants.DEFAULT_MAX_ANSWER_BYTES)
  const maxAnswerBytes = whole('maxAnswerBytes', answer, maxBlockBytes, MAX_BLOCKS_ANSWER_BYTES)
  const buffered = init.maxBufferedBytes ?? constants.DEFAULT_MAX_BUFFERED_BYTES
  const ahead = init.maxHeadersAhead ?? constants.DEFAULT_MAX_HEADERS_AHEAD
  const retryMs = time('retryMs', init.retryMs ?? constants.DEFAULT_RETRY_MS)
  return {
    ...counts(init),
    ...times(init),
    headersPerRequest,
    maxBlockBytes,
    maxAnswerBytes,
    maxBufferedBytes: whole('maxBufferedBytes', buffered, 2 * maxAnswerBytes),
    maxHeadersAhead: whole('maxHeadersAhead', ahead, headersPerRequest),
    retryMs,
    maxRetryMs: time('maxRetryMs', init.maxRetryMs ?? Math.max(retryMs, constants.DEFAULT_MAX_RETRY_MS), retryMs),
  }
}

type Count =
  | 'behind'
  | 'rangeBlocks'
  | 'maxRequests'
  | 'maxRequestsPerPeer'
  | 'maxFailures'
  | 'confirmations'
  | 'maxPeers'

function counts(init: BlockSyncInit): Pick<SyncOptions, Count | 'slowFactor' | 'checkpointBehind'> {
  const checkpointBehind = init.checkpointBehind ?? Infinity
  return {
    behind: whole('behind', init.behind ?? constants.DEFAULT_BEHIND, 0),
    checkpointBehind: checkpointBehind === Infinity ? checkpointBehind : whole('checkpointBehind', checkpointBehind, 0),
    rangeBlocks: whole('rangeBlocks', init.rangeBlocks ?? constants.DEFAULT_RANGE_BLOCKS, 1, MAX_HASHES),
    maxRequests: whole('maxRequests', init.maxRequests ?? constants.DEFAULT_MAX_REQUESTS, 1),
    maxRequestsPerPeer: whole(
      'maxRequestsPerPeer',
      init.maxRequestsPerPeer ?? constants.DEFAULT_MAX_REQUESTS_PER_PEER,
      1,
    ),
    maxFailures: whole('maxFailures', init.maxFailures ?? constants.DEFAULT_MAX_FAILURES, 1),
    slowFactor: time('slowFactor', init.slowFactor ?? constants.DEFAULT_SLOW_FACTOR, 1),
    confirmations: whole('confirmations', init.confirmations ?? constants.DEFAULT_CONFIRMATIONS, 1),
    maxPeers: whole('maxPeers', init.maxPeers ?? constants.DEFAULT_MAX_PEERS, 1),
  }
}

type Time = 'requestTimeoutMs' | 'reassignMs' | 'stallMs' | 'importTimeoutMs' | 'progressMs'

function times(init: BlockSyncInit): Pick<SyncOptions, Time> {
  return {
    requestTimeoutMs: time('requestTimeoutMs', init.requestTimeoutMs ?? constants.DEFAULT_REQUEST_TIMEOUT_MS),
    reassignMs: time('reassignMs', init.reassignMs ?? constants.DEFAULT_REASSIGN_MS),
    stallMs: time('stallMs', init.stallMs ?? constants.DEFAULT_STALL_MS),
    importTimeoutMs: time('importTimeoutMs', init.importTimeoutMs ?? constants.DEFAULT_IMPORT_TIMEOUT_MS),
    progressMs: time('progressMs', init.progressMs ?? constants.DEFAULT_PROGRESS_MS, 0),
  }
}

/** @throws {RangeError} */
export function whole(name: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw new RangeError(`${name} ${value} must be a whole number, ${least} to ${most}`)
}

function time(name: string, value: number, least = 1): number {
  if (value >= least && value <= MAX_TIMER_MS) return value
  throw new RangeError(`${name} ${value} must be ${least} to ${MAX_TIMER_MS}`)
}

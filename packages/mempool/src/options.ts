import * as constants from './constants.ts'
import type { MempoolInit } from './index.ts'

/** The options with every default applied. */
export type MempoolOptions = Readonly<Required<MempoolInit>>

const { MAX_TIMER_MS } = constants

/** Applies the defaults. @throws {RangeError} for a value out of its range */
export function resolveOptions(init: MempoolInit): MempoolOptions {
  const maxTransactions = whole('maxTransactions', init.maxTransactions ?? constants.DEFAULT_MAX_TRANSACTIONS, 1)
  const maxBytes = whole('maxBytes', init.maxBytes ?? constants.DEFAULT_MAX_BYTES, 1)
  const perSender = init.maxTransactionsPerSender ?? constants.DEFAULT_MAX_TRANSACTIONS_PER_SENDER
  const bytesPerSender = init.maxBytesPerSender ?? constants.DEFAULT_MAX_BYTES_PER_SENDER
  return {
    maxTransactionBytes: whole(
      'maxTransactionBytes',
      init.maxTransactionBytes ?? constants.DEFAULT_MAX_TRANSACTION_BYTES,
      1,
    ),
    maxTransactions,
    maxBytes,
    maxTransactionsPerSender: whole('maxTransactionsPerSender', perSender, 1),
    maxBytesPerSender: whole('maxBytesPerSender', bytesPerSender, 1),
    maxAgeMs: time('maxAgeMs', init.maxAgeMs ?? constants.DEFAULT_MAX_AGE_MS, Number.MAX_SAFE_INTEGER),
    maxWaiting: whole('maxWaiting', init.maxWaiting ?? constants.DEFAULT_MAX_WAITING, 0),
    maxWaitingBytes: whole('maxWaitingBytes', init.maxWaitingBytes ?? constants.DEFAULT_MAX_WAITING_BYTES, 0),
    maxWaitingPerSender: whole(
      'maxWaitingPerSender',
      init.maxWaitingPerSender ?? constants.DEFAULT_MAX_WAITING_PER_SENDER,
      0,
    ),
    maxWaitingMs: time('maxWaitingMs', init.maxWaitingMs ?? constants.DEFAULT_MAX_WAITING_MS, Number.MAX_SAFE_INTEGER),
    maxPending: whole('maxPending', init.maxPending ?? constants.DEFAULT_MAX_PENDING, 1),
    maxPendingBytes: whole('maxPendingBytes', init.maxPendingBytes ?? constants.DEFAULT_MAX_PENDING_BYTES, 1),
    maxRemembered: whole('maxRemembered', init.maxRemembered ?? constants.DEFAULT_MAX_REMEMBERED, 0),
    batchSize: whole('batchSize', init.batchSize ?? constants.DEFAULT_BATCH_SIZE, 1),
    concurrency: whole('concurrency', init.concurrency ?? constants.DEFAULT_CONCURRENCY, 1),
    deadlineMs: time('deadlineMs', init.deadlineMs ?? constants.DEFAULT_DEADLINE_MS, MAX_TIMER_MS),
  }
}

function whole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new RangeError(`${name} ${value} must be a whole number of ${least} or more`)
}

function time(name: string, value: number, most: number): number {
  if (value > 0 && value <= most) return value
  throw new RangeError(`${name} ${value} must be above 0 and at most ${most} ms`)
}

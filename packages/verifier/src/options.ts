import { availableParallelism } from 'node:os'
import type { VerifierInit } from './index.ts'

/** The options of a verifier, each with its value. */
export type VerifierOptions = Required<VerifierInit>

const MAX_THREADS = 256
const MAX_BATCH_SIZE = 65_536

/** @throws {RangeError} naming the option, its value and its range */
export function resolveOptions(init: VerifierInit): VerifierOptions {
  const options = {
    threads: init.threads ?? availableParallelism(),
    batchSize: init.batchSize ?? 512,
    minBatchSize: init.minBatchSize ?? Math.min(64, init.batchSize ?? 64),
    maxClaims: init.maxClaims ?? 65_536,
    maxBytes: init.maxBytes ?? 67_108_864,
  }
  check('threads', options.threads, MAX_THREADS)
  check('batchSize', options.batchSize, MAX_BATCH_SIZE)
  check('minBatchSize', options.minBatchSize, options.batchSize)
  check('maxClaims', options.maxClaims, Number.MAX_SAFE_INTEGER)
  check('maxBytes', options.maxBytes, Number.MAX_SAFE_INTEGER)
  return options
}

function check(name: string, value: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return
  throw new RangeError(`${name} ${value} must be a whole number from 1 to ${most}`)
}

import {
  DEFAULT_BLOCK_CACHE_BYTES,
  DEFAULT_MAX_BLOCK_BYTES,
  DEFAULT_MAX_CACHE_BYTES,
  DEFAULT_MAX_HEADERS,
  DEFAULT_MAX_PENDING_BYTES,
  DEFAULT_WRITE_BUFFER_BYTES,
  MAX_INDEX_ID_BYTES,
} from './constants.ts'
import type { BlockStoreInit, StateIndex } from './index.ts'

export type Limits = Required<Omit<BlockStoreInit, 'index'>> & { index: StateIndex | undefined }

/** The options with defaults applied. @throws {RangeError} */
export function limitsOf(init: BlockStoreInit): Limits {
  const limits = {
    keepBlocks: init.keepBlocks ?? Infinity,
    maxBlockBytes: init.maxBlockBytes ?? DEFAULT_MAX_BLOCK_BYTES,
    maxPendingBytes: init.maxPendingBytes ?? DEFAULT_MAX_PENDING_BYTES,
    maxCacheBytes: init.maxCacheBytes ?? DEFAULT_MAX_CACHE_BYTES,
    maxHeaders: init.maxHeaders ?? DEFAULT_MAX_HEADERS,
    writeBufferBytes: init.writeBufferBytes ?? DEFAULT_WRITE_BUFFER_BYTES,
    blockCacheBytes: init.blockCacheBytes ?? DEFAULT_BLOCK_CACHE_BYTES,
    index: init.index,
  }
  if (!(limits.keepBlocks === Infinity || Number.isSafeInteger(limits.keepBlocks)) || !(limits.keepBlocks >= 1)) {
    throw new RangeError(`keepBlocks ${limits.keepBlocks} is neither a whole number from 1 nor Infinity`)
  }
  checkWhole('maxBlockBytes', limits.maxBlockBytes, 1, 2 ** 31 - 1)
  checkWhole('maxPendingBytes', limits.maxPendingBytes, limits.maxBlockBytes, Number.MAX_SAFE_INTEGER)
  checkWhole('maxCacheBytes', limits.maxCacheBytes, 0, Number.MAX_SAFE_INTEGER)
  checkWhole('maxHeaders', limits.maxHeaders, 1, 1_000_000)
  checkWhole('writeBufferBytes', limits.writeBufferBytes, 65_536, 1_073_741_824)
  checkWhole('blockCacheBytes', limits.blockCacheBytes, 0, 2 ** 40)
  if (init.index !== undefined) checkWhole('bytes of index.id', Buffer.byteLength(init.index.id), 1, MAX_INDEX_ID_BYTES)
  return limits
}

/** @throws {RangeError} when `value` is no whole number from `min` to `max` */
export function checkWhole(name: string, value: number, min: number, max: number): void {
  if (!(Number.isSafeInteger(value) && value >= min && value <= max)) {
    throw new RangeError(`${name} ${value} is no whole number from ${min} to ${max}`)
  }
}

import { getHeapStatistics } from 'node:v8'
import { Finding, type Outcome, type Target } from './target.ts'

/** Longest time that one input may take, in ms: far above what the longest needs, far below what a person waits. */
export const MAX_MS = 1_000
/** Memory that a target may take for each byte of its input, garbage and the second encoding with it. */
export const MAX_BYTES_PER_BYTE = 256
/** Memory that it may take whatever the input: of its buffers, its errors, and the program about it. */
export const FREE_BYTES = 4_194_304
const TRIES = 3

/**
 * Checks an input and what it cost. What garbage collection takes back meanwhile is missed, so that a bound is never
 * found broken for nothing; time is taken again, since a busy machine takes some as well.
 */
export async function checkWithin(target: Target, bytes: Uint8Array): Promise<Outcome> {
  for (let tried = 1; ; tried++) {
    const [startMs, before] = [performance.now(), usedBytes()]
    const pending = target.check(bytes)
    const outcome = typeof pending === 'string' ? pending : await pending
    const [ms, used] = [performance.now() - startMs, usedBytes() - before]
    const most = FREE_BYTES + MAX_BYTES_PER_BYTE * bytes.byteLength
    if (ms <= MAX_MS && used <= most) return outcome
    if (tried < TRIES) continue
    throw new Finding(`${bytes.byteLength} bytes took ${Math.round(ms)} ms and ${used} bytes, and ${most} are allowed`)
  }
}

function usedBytes(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics()
  return heap + external
}

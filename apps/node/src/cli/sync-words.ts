import type { z } from 'zod'
import type { chainInfo } from '../http/chain/schemas.ts'

/** What a sync does, in one line. */
export function syncInWords({ height, sync }: Pick<z.infer<typeof chainInfo>, 'height' | 'sync'>): string {
  const { phase, progress, peers, last } = sync
  if (phase === 'idle') {
    return last?.status === 'failed' ? `at ${height}; the last sync failed: ${last.message}` : `in step at ${height}`
  }
  if (progress === null) return `${phase}: asks ${peers} peers`
  const { target, height: reached, blocks_per_second: rate } = progress
  return `${phase}: ${reached} of ${target}, ${rate.toFixed(1)} a second, from ${peers} peers`
}

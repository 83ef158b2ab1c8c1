import type { Writable } from 'node:stream'

/**
 * Ends the process, as other programs end, when nobody reads what it says any more, as in `gridmesh sim list | head -1`:
 * that is no fault, and there is nobody to tell it to.
 */
export function endWithoutReader(streams: readonly Writable[]): void {
  for (const stream of streams) {
    stream.on('error', (err: NodeJS.ErrnoException) => {
      if (err.code !== 'EPIPE') throw err
      process.exit()
    })
  }
}

import type { Writable } from 'node:stream'
import { EXIT } from './exit-codes.ts'

/**
 * Ends the process when its result cannot be written. That nobody reads it any more, as in `gridmesh sim list | head -1`,
 * is no fault, and there is nobody to tell it to: a command that is done ends as it would have, and any other one as
 * programs do that are ended for it. Remarks beside the result may be lost.
 */
export function endWithoutOutput({ stdout, stderr }: { stdout: Writable; stderr: Writable }): void {
  stdout.on('error', (err: NodeJS.ErrnoException) => {
    if (err.code === 'EPIPE') endUnread()
    stderr.write(`error: cannot write the result: ${err.code ?? err.message}\n`)
    process.exit(EXIT.cannotWrite)
  })
  stderr.on('error', (err: NodeJS.ErrnoException) => {
    if (err.code === 'EPIPE') endUnread()
  })
}

function endUnread(): never {
  process.exit(process.exitCode ?? EXIT.unread)
}

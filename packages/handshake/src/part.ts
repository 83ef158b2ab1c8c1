import type { Reason } from '@gridmesh/interfaces'
import { type Connection, ConnectionClosedError, type Logger } from '@libp2p/interface'
import { PARTING_MS } from './constants.ts'
import type { FrameStream } from './frame-stream.ts'
import { Deadline, raced, toError } from './timing.ts'

/**
 * Tells the peer `reason`, if there is one, ends our direction and waits for the peer to have read it, which shows in
 * the end of its own direction. All that takes no longer than `farewell`.
 */
export async function partStream(
  channel: FrameStream,
  reason: Reason | undefined,
  farewell: AbortSignal,
  log: Logger,
): Promise<void> {
  try {
    if (reason != null) await channel.part(reason, farewell)
    await channel.closeWrite(farewell)
    await channel.whenEnded(farewell)
  } catch (err) {
    log.trace('could not part in order - %e', err)
  }
}

/**
 * A peer has said goodbye: it closes the connection when it is done. Rejects when it has, which is when `ended` aborts,
 * or when it has had its time: a connection that leads nowhere would be held for as long as the peer likes.
 */
export async function whenParted(channel: FrameStream, ended: AbortSignal): Promise<never> {
  const late = `The peer said goodbye, and did not close the connection within ${PARTING_MS} ms`
  const deadline = new Deadline(PARTING_MS, () => new ConnectionClosedError(late))
  const over = AbortSignal.any([ended, deadline.signal])
  try {
    // The end of our direction says that the goodbye was read.
    await channel.closeWrite(over)
    return await raced(new Promise<never>(() => undefined), over)
  } finally {
    deadline.clear()
  }
}

/** Closes a connection, the hard way when it does not close before `farewell`. */
export async function closeConnection(connection: Connection, farewell: AbortSignal, log: Logger): Promise<void> {
  try {
    await raced(connection.close({ signal: farewell }), farewell)
  } catch (err) {
    log.trace('could not close the connection to %p in order - %e', connection.remotePeer, err)
    connection.abort(toError(err))
  }
}

import type { MessageStream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { NoiseHandshakeError } from './errors.ts'

/**
 * The next bytes of a connection. Listens for no longer than that, so what comes between two calls is in the buffer of
 * the connection, and under its limit.
 *
 * @throws {NoiseHandshakeError} `closed` when there will be none
 * @throws the reason of `signal` when it aborts
 */
export async function nextData(connection: MessageStream, signal: AbortSignal): Promise<Uint8Array | Uint8ArrayList> {
  signal.throwIfAborted()
  if (connection.readBufferLength === 0 && (connection.status !== 'open' || connection.readableEnded)) throw closed()
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | Uint8ArrayList>()
  const onMessage = (event: StreamMessageEvent): void => {
    // At once: a second message in the same tick belongs to the buffer.
    connection.removeEventListener('message', onMessage)
    resolve(event.data)
  }
  const onClose = (event: StreamCloseEvent): void => reject(closed(event.error))
  const onEnd = (): void => reject(closed())
  const onAbort = (): void => reject(signal.reason)
  connection.addEventListener('message', onMessage)
  connection.addEventListener('close', onClose)
  connection.addEventListener('end', onEnd)
  signal.addEventListener('abort', onAbort)
  try {
    return await promise
  } finally {
    connection.removeEventListener('message', onMessage)
    connection.removeEventListener('close', onClose)
    connection.removeEventListener('end', onEnd)
    signal.removeEventListener('abort', onAbort)
  }
}

function closed(cause?: Error): NoiseHandshakeError {
  return new NoiseHandshakeError('closed', 'the connection ended while a message was awaited', { cause })
}

import type { Socket } from 'node:net'
import { HttpRefusalError } from './answers.ts'
import type { Api } from './server.ts'

/** Time that a client has to take note of an answer that came early, and to stop sending, in ms. */
const LISTEN_ON_MS = 2_000

/** Lets a server that closes answer what is under way, and nothing else: a connection goes with its answer. */
export function answerWhatIsUnderWay(app: Api): void {
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
  })
  app.addHook('onRequest', async () => {
    if (isClosing) throw new HttpRefusalError(503, 'stopping', 'This node is stopping, and takes no requests any more')
  })
  app.addHook('onResponse', async ({ raw }) => {
    // Kept alive, it would hold the server open for as long as its client likes.
    if (isClosing) raw.socket.destroySoon()
  })
}

/** Ends a connection with an answer that came before all of its request: nobody does anything with the rest. */
export function endWhatIsAnswered(app: Api): void {
  app.addHook('onSend', async ({ raw }, reply) => {
    if (raw.complete) return
    reply.header('connection', 'close')
    const { socket } = raw
    // How the server ends it once the answer is written.
    socket.destroySoon = () => endAndListen(socket)
  })
}

/**
 * Ends a connection whose client still sends. To close it at once would reset it, and many a client that sends on would
 * then lose the answer: so what comes is thrown away for a while.
 */
function endAndListen(socket: Socket): void {
  // The parser would take what follows for further requests.
  socket.removeAllListeners('data').on('data', () => {})
  const timer = setTimeout(() => socket.destroy(), LISTEN_ON_MS)
  socket.once('close', () => clearTimeout(timer)).end()
}

/** Closes a server. Whoever has no answer after `finishMs`, or when the signal aborts, gets none. */
export async function closeWithin(app: Api, finishMs: number, signal?: AbortSignal): Promise<void> {
  const giveUp = (): void => app.server.closeAllConnections()
  const timer = setTimeout(giveUp, finishMs)
  signal?.addEventListener('abort', giveUp, { once: true })
  if (signal?.aborted === true) giveUp()
  try {
    await app.close()
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', giveUp)
  }
}

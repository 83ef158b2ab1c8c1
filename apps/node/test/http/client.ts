import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A connection of its own, and what it was sent when it is closed. With `allowHalfOpen` it ends none that the node ends. */
export function client(url: string, allowHalfOpen = false): { socket: Socket; closed: Promise<string> } {
  const { hostname, port } = new URL(url)
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen })
  onTestFinished(() => void socket.destroy())
  const closed = Promise.withResolvers<string>()
  let answer = ''
  socket.on('data', (chunk) => (answer += String(chunk)))
  // A reset is an end, too.
  socket.on('error', () => {})
  socket.on('close', () => closed.resolve(answer))
  return { socket, closed: closed.promise }
}

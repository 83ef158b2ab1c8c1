import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A connection of its own, and what it was sent when it is closed. */
export function client(url: string): { socket: Socket; closed: Promise<string> } {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  const closed = Promise.withResolvers<string>()
  let answer = ''
  socket.on('data', (chunk) => (answer += String(chunk)))
  // A reset is an end, too.
  socket.on('error', () => {})
  socket.on('close', () => closed.resolve(answer))
  return { socket, closed: closed.promise }
}

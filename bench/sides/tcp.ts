// Requests over a TCP socket as it is: what the machine can do.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { type Ask, serveAsking } from './asking.ts'
import { FramedAsker, framedEcho } from './framed-loop.ts'

const servers: Server[] = []
const sockets: Socket[] = []

function writeTo(socket: Socket): (parts: readonly Uint8Array[]) => void {
  return (parts) => {
    socket.cork()
    for (const part of parts) socket.write(part)
    socket.uncork()
  }
}

serveAsking({
  async listen(): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.push(socket)
      const reader = framedEcho(writeTo(socket))
      socket.on('data', (bytes) => reader.read(bytes))
    })
    servers.push(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return (server.address() as AddressInfo).port
  },
  async connect(port: number): Promise<Ask> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    sockets.push(socket)
    await once(socket, 'connect')
    const asker = new FramedAsker(writeTo(socket))
    socket.on('data', (bytes) => asker.reader.read(bytes))
    return (payload) => asker.ask(payload)
  },
  async stop(): Promise<void> {
    for (const socket of sockets) socket.destroy()
    for (const server of servers) server.close()
  },
})

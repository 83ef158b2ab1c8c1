// Requests over a WebSocket, one message each: answers come in order. Nothing is encrypted.
import { once } from 'node:events'
import { WebSocket, WebSocketServer } from 'ws'
import { serveAsking } from '../../sides/asking.ts'

const servers = []
const sockets = []

serveAsking({
  async listen() {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
    servers.push(server)
    server.on('connection', (socket) => {
      sockets.push(socket)
      socket.on('message', (bytes) => socket.send(bytes))
    })
    await once(server, 'listening')
    return server.address().port
  },
  async connect(port) {
    const socket = new WebSocket(`ws://127.0.0.1:${String(port)}`, { perMessageDeflate: false })
    sockets.push(socket)
    await once(socket, 'open')
    const waiting = []
    socket.on('message', (bytes) => waiting.shift()(bytes))
    return (payload) =>
      new Promise((resolve) => {
        waiting.push(resolve)
        socket.send(payload)
      })
  },
  async stop() {
    for (const socket of sockets) socket.terminate()
    for (const server of servers) server.close()
  },
})

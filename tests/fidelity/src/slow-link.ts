import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'
import { LINK_MS } from './plan.ts'

const HOST = '127.0.0.1'

/** A way to the port of a node on which everything takes `LINK_MS`, its end too. */
export class SlowLink {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(targetPort: number) {
    this.#server = createServer({ noDelay: true }, (near) => {
      const far = connect({ port: targetPort, host: HOST, noDelay: true })
      this.#carry(near, far)
      this.#carry(far, near)
    })
  }

  static async open(targetPort: number): Promise<SlowLink> {
    const link = new SlowLink(targetPort)
    link.#server.listen(0, HOST)
    await once(link.#server, 'listening')
    return link
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  // Timers of one length fire in the order in which they were set, so nothing overtakes.
  #carry(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.on('data', (bytes) => void setTimeout(() => to.writable && to.write(bytes), LINK_MS))
    from.on('error', () => from.destroy())
    from.on('close', () => {
      this.#sockets.delete(from)
      setTimeout(() => to.destroySoon(), LINK_MS)
    })
  }
}

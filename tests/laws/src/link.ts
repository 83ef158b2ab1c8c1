import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'

/**
 * - `open`: everything passes
 * - `cut`: what is open is reset, and whoever comes is
 * - `silent`: nothing passes and nobody is told, as behind a cable that was pulled
 */
export type LinkState = 'open' | 'cut' | 'silent'

const HOST = '127.0.0.1'

/** A way from one node to the listener of another, over a TCP proxy of its own. */
export class Link {
  readonly #targetPort: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #state: LinkState

  private constructor(targetPort: number, state: LinkState) {
    this.#targetPort = targetPort
    this.#state = state
    this.#server = createServer({ noDelay: true }, (near) => this.#join(near))
  }

  static async open(targetPort: number, state: LinkState): Promise<Link> {
    const link = new Link(targetPort, state)
    link.#server.listen(0, HOST)
    await once(link.#server, 'listening')
    return link
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Changes what passes from now on. A silent link that opens again delivers what was held. */
  set(state: LinkState): void {
    this.#state = state
    for (const socket of this.#sockets) this.#apply(socket)
  }

  async close(): Promise<void> {
    this.set('cut')
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join(near: Socket): void {
    const far = connect({ port: this.#targetPort, host: HOST, noDelay: true })
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from)
      // Not `pipe`, which would read on by itself while the link is silent.
      from.on('data', (bytes) => {
        if (!to.write(bytes)) from.pause()
      })
      from.on('drain', () => {
        if (this.#state !== 'silent') to.resume()
      })
      from.on('end', () => to.end())
      // Both ends go together; each hears of it from its own side.
      from.on('error', () => to.resetAndDestroy())
      from.on('close', () => {
        this.#sockets.delete(from)
        to.end()
      })
      this.#apply(from)
    }
  }

  #apply(socket: Socket): void {
    if (this.#state === 'cut') socket.resetAndDestroy()
    else if (this.#state === 'silent') socket.pause()
    else socket.resume()
  }
}

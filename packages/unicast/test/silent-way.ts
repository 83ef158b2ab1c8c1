import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import type { Node } from './helpers.ts'

/** A way to a node that listens on TCP, which can fall silent: then nothing passes, and nobody is told. */
export async function silentWay(to: Node) {
  const [direct] = to.getMultiaddrs()
  if (direct == null) throw new TypeError('the node listens nowhere')
  const port = direct.getComponents().find(({ name }) => name === 'tcp')?.value
  let isSilent = false
  const server = createServer((near) => {
    const far = connect({ port: Number(port), host: '127.0.0.1' })
    for (const [from, other] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes) => {
        if (!isSilent) other.write(bytes)
      })
      from.on('error', () => other.destroy())
      from.on('close', () => other.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: direct.decapsulate('/tcp').encapsulate(`/tcp/${(server.address() as AddressInfo).port}`),
    silence: (): void => {
      isSilent = true
    },
    stop: (): void => void server.close(),
  }
}

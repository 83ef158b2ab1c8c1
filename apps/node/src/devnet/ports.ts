import { once } from 'node:events'
import { createServer } from 'node:net'
import { PortInUseError } from '../errors.ts'
import type { PlannedNode } from './plan.ts'

/** Loopback: a devnet is for this machine only. */
export const DEVNET_HOST = '127.0.0.1'

/** Checks that every planned port is free. @throws {PortInUseError} naming the first that is not */
export async function checkPorts(nodes: readonly PlannedNode[]): Promise<void> {
  for (const { name, httpPort, p2pPort } of nodes) {
    await checkPort(`the HTTP API of ${name}`, httpPort, 'choose others with --base-http')
    await checkPort(`the peers of ${name}`, p2pPort, 'choose others with --base-p2p')
  }
}

/** Whether nobody listens on a port of this machine. */
export async function isPortFree(port: number): Promise<boolean> {
  try {
    await listenOnce(port)
    return true
  } catch {
    return false
  }
}

async function checkPort(what: string, port: number, hint: string): Promise<void> {
  try {
    await listenOnce(port)
  } catch (cause) {
    throw new PortInUseError(what, DEVNET_HOST, port, hint, { cause })
  }
}

async function listenOnce(port: number): Promise<void> {
  const server = createServer().listen(port, DEVNET_HOST)
  await once(server, 'listening')
  server.close()
  await once(server, 'close')
}

import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** The first of `count` ports in a row that nobody uses. Chosen by chance, so that runs side by side seldom meet. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    // Below the range that the system hands out for outgoing connections.
    const base = randomInt(20_000, 32_000 - count)
    const free = await Promise.all(Array.from({ length: count }, (_, index) => isFree(base + index)))
    if (free.every(Boolean)) return base
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}

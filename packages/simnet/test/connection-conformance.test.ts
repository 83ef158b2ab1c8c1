import type { Stream } from '@libp2p/interface'
import { expect, it, vi } from 'vitest'
import { createSimulation, type SimulationLevel } from '../src/index.ts'
import { CONNECTION_SCRIPTS, type ConnectionScript, observe, PROTOCOL } from './connection-scripts.ts'
import { at, quiet } from './support.ts'

// Virtual time does not depend on how busy the machine is; the real time of a run does.
vi.setConfig({ testTimeout: 60_000 })

async function play(script: ConnectionScript, level: SimulationLevel): Promise<string[]> {
  let seen: string[] = []
  const { violations } = await createSimulation(quiet({ level })).run(async ({ nodes: all, network, clock }) => {
    const nodes = { a: at(all, 0), b: at(all, 1) }
    let arrival = Promise.withResolvers<Stream>()
    await nodes.b.run((_, { libp2p }) => libp2p.handle(PROTOCOL, (stream) => arrival.resolve(stream)))
    const a = await nodes.a.dial(nodes.b)
    await clock.sleep(1_000)
    const b = at(nodes.b.libp2p.getConnections(), 0)
    const arrived = (): Promise<Stream> => {
      arrival = Promise.withResolvers<Stream>()
      return arrival.promise
    }
    seen = await observe(script, { nodes, a, b, network, clock, arrived })
  })
  expect(violations).toEqual([])
  return seen
}

// At level `stack` all but the socket is libp2p itself.
it.each(CONNECTION_SCRIPTS)('a connection of level host as one of libp2p: $name', async (script) => {
  expect(await play(script, 'host')).toEqual(await play(script, 'stack'))
})

import { expect, it, vi } from 'vitest'
import { createSimulation, type SimulationLevel } from '../src/index.ts'
import { DIALS, guides, type HostScript, ROUTING, type Services } from './host-scripts.ts'
import { PEERS } from './peer-scripts.ts'

// Virtual time does not depend on how busy the machine is; the real time of a run does.
vi.setConfig({ testTimeout: 60_000 })

async function play(script: HostScript, level: SimulationLevel): Promise<string[]> {
  const lines: string[] = []
  const services = script.hasGuides === true ? { services: guides } : {}
  const { violations } = await createSimulation<Services>({ seed: 1, level, nodes: 5, ...services }).run((context) =>
    script.run(context, (...seen) => lines.push(seen.map(String).join(' '))),
  )
  expect(violations).toEqual([])
  return lines
}

// At level `stack` all but the network is libp2p itself.
it.each([...DIALS, ...ROUTING, ...PEERS])('a node of level host as one of libp2p: $name', async (script) => {
  const seen = await play(script, 'host')
  expect(seen.length).toBeGreaterThan(0)
  expect(seen).toEqual(await play(script, 'stack'))
})

// A hundred nodes with a service of our own, a network that falls in two and heals, and the same run again by its seed.
// Run: node examples/simnet-alone.ts
import assert from 'node:assert/strict'
import { createSimulation } from '@gridmesh/simnet'
import type { Libp2pEvents, PeerId, TypedEventTarget } from '@libp2p/interface'

interface Components {
  events: TypedEventTarget<Libp2pEvents>
}

/** Counts the peers it has ever been linked to. */
class Greeter {
  readonly seen = new Set<string>()

  constructor({ events }: Components) {
    events.addEventListener('peer:connect', ({ detail }: CustomEvent<PeerId>) => this.seen.add(detail.toString()))
  }
}

async function play(seed: number): Promise<{ traceHash: string; virtualMs: number; wallMs: number }> {
  const services = () => ({ greeter: (components: Components) => new Greeter(components) })
  const sim = createSimulation({ seed, nodes: 100, services })
  const result = await sim.run(async ({ nodes, network, clock, expect }) => {
    await network.connectAll({ degree: 4 })
    const partition = network.partition(nodes.slice(0, 50), nodes.slice(50))
    await clock.sleep(60_000)
    partition.heal()
    expect(
      'everybody has met four peers',
      nodes.every(({ services: { greeter } }) => greeter.seen.size >= 4),
    )
  })
  assert.deepEqual(result.violations, [])
  return result
}

const [first, again, other] = [await play(42), await play(42), await play(43)]
assert.equal(again.traceHash, first.traceHash)
assert.notEqual(other.traceHash, first.traceHash)
console.log(`${first.virtualMs / 1_000} s of 100 nodes took ${Math.round(first.wallMs)} ms`)
console.log(`seed 42 twice: ${first.traceHash.slice(0, 16)}, seed 43: ${other.traceHash.slice(0, 16)}`)

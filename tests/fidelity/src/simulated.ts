import { type SimNode, type SimulationLevel, createSimulation } from '@gridmesh/simnet'
import { type Arrival, CRASH, LINK_MS, MESSAGES, NODES, TOPIC } from './plan.ts'
import { authorOf, bytesOf, dialledBy, goneAt, neighboursOf } from './plan.ts'
import { type Services, services } from './services.ts'

/** Longest wait for anything, in virtual ms. */
const PATIENCE_MS = 60_000

/** Plays the scenario at one level of the simulator. @throws {RangeError} when it does not come to its end */
export async function simulated(level: SimulationLevel): Promise<Arrival[]> {
  const arrivals: Arrival[] = []
  const publishedAtMs: number[] = []
  const simulation = createSimulation<Services>({
    seed: 1,
    level,
    nodes: NODES,
    links: { latency: { kind: 'constant', ms: LINK_MS } },
    services,
  })
  const { violations } = await simulation.run(async ({ nodes, network, clock, eventually }) => {
    const nodeAt = (index: number): SimNode<Services> => {
      const node = nodes[index]
      if (node === undefined) throw new RangeError(`there is no node ${index}`)
      return node
    }
    await Promise.all(
      nodes.map((node) =>
        node.run(({ broadcast }) => {
          broadcast.subscribe(TOPIC, ([message = -1]) => {
            arrivals.push({ message, node: node.index, delayMs: clock.nowMs - (publishedAtMs[message] ?? 0) })
            return 'accept'
          })
        }),
      ),
    )
    for (const node of nodes) for (const other of dialledBy(node.index)) await network.connect(node, nodeAt(other))
    for (let message = 0; message < MESSAGES; message++) {
      if (message === CRASH.beforeMessage) network.crash(nodeAt(CRASH.node))
      const gone = goneAt(message)
      const isMeshed = ({ index, services: { broadcast } }: SimNode<Services>): boolean =>
        gone.has(index) || broadcast.mesh(TOPIC).length === neighboursOf(index, gone).length
      await eventually('meshed', () => nodes.every(isMeshed), PATIENCE_MS)
      publishedAtMs.push(clock.nowMs)
      await nodeAt(authorOf(message)).run(({ broadcast }) => broadcast.publish(TOPIC, bytesOf(message)))
      const expected = NODES - 1 - gone.size
      await eventually(
        'delivered',
        () => arrivals.filter((arrival) => arrival.message === message).length >= expected,
        PATIENCE_MS,
      )
    }
  })
  if (violations.length > 0) throw new RangeError(violations.map((violation) => violation.message).join('; '))
  return arrivals
}

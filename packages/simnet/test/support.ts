import { gossipsub } from '@libp2p/gossipsub'
import type { SimNode, SimulationContext, SimulationInit } from '../src/index.ts'

/** The element at a place, which a test knows to be there. */
export function at<T>(list: readonly T[], index: number): T {
  const found = list[index]
  if (found === undefined) throw new RangeError(`Nothing at ${index} of ${list.length}`)
  return found
}

type Pubsub = ReturnType<ReturnType<typeof gossipsub>>

export type GossipServices = { pubsub: Pubsub }

/** Gossipsub without signatures: they cost most of the time, and say nothing about a simulation. */
export function gossipServices(): { pubsub: (components: never) => Pubsub } {
  const pubsub = gossipsub({
    globalSignaturePolicy: 'StrictNoSign',
    msgIdFn: (message) => message.data.subarray(0, 2),
    allowPublishToZeroTopicPeers: true,
  })
  return { pubsub }
}

export const TOPIC = 'news'

/** Subscribes all nodes, and publishes messages from nodes in turn; each is expected everywhere else. */
export async function gossip(context: SimulationContext<GossipServices>, messages: number): Promise<void> {
  const { nodes, network, clock, deliveries } = context
  await network.connectAll({ degree: 4 })
  for (const node of nodes) {
    await node.run(({ pubsub }) => {
      pubsub.addEventListener('message', ({ detail }) => deliveries.delivered(`${detail.data[0]}`, node.index))
      pubsub.subscribe(TOPIC)
    })
  }
  await clock.sleep(3_000)
  for (let number = 0; number < messages; number++) {
    deliveries.published(`${number}`, nodes.length - 1)
    const data = new Uint8Array(256).fill(number)
    await at(nodes, number % nodes.length).run(({ pubsub }) => pubsub.publish(TOPIC, data))
    await clock.sleep(1_000)
  }
}

/** Options of a small simulation without services. */
export function quiet(init: Partial<SimulationInit> = {}): SimulationInit {
  return { seed: 1, nodes: 2, ...init }
}

/** Answers each message by itself. */
export async function echo(node: { run: SimNode['run'] }): Promise<void> {
  await node.run((_, { libp2p }) =>
    libp2p.handle('/echo/1', (stream) => {
      stream.addEventListener('message', ({ data }) => stream.send(data))
    }),
  )
}

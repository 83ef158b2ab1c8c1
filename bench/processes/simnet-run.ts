// One simulation of a benchmark: gossipsub, peer manager, health monitor and broadcast on each node, ten messages.
import { gridmeshKit } from '@gridmesh/node'
import { createSimulation, thailandLatency } from '@gridmesh/simnet'
import type { ModuleServices } from '@gridmesh/simnet/scenarios'

/** What one run cost and brought. */
export interface SimnetFigures {
  nodes: number
  traceHash: string
  deliveredRatio: number
  p50Ms: number
  p99Ms: number
  virtualMs: number
  /** Until all nodes run. */
  buildMs: number
  /** From then until all are connected. */
  connectMs: number
  /** The 60 s of messages, in virtual time and in real. */
  phaseVirtualMs: number
  phaseWallMs: number
  wallMs: number
  cpuMs: number
  peakBytes: number
  /** Resident before anything was built. */
  baseBytes: number
  deliveries: number
  events: number
}

const MESSAGES = 10
const EVERY_MS = 6_000
const MESSAGE_BYTES = 1_024
const DEGREE = 5
const WARM_UP_MS = 5_000
const NS_PER_MS = 1e6
/** Spreads the authors over the nodes. */
const AUTHOR_STRIDE = 7_919

const nodes = Number(process.argv[2])
const settings = {
  modules: 'gossip',
  bootstrap: [],
  minPeers: 3,
  targetPeers: 8,
  maxInbound: 50,
  maxPeers: 1_000,
} as const
// The simulator replaces the clocks of the process; this one is kept from before.
const hrtime = process.hrtime.bigint.bind(process.hrtime)
const realMs = (): number => Number(hrtime()) / NS_PER_MS

const marks: Record<'started' | 'built' | 'connected' | 'warm' | 'done', number> = {
  started: realMs(),
  built: 0,
  connected: 0,
  warm: 0,
  done: 0,
}
const baseBytes = process.memoryUsage.rss()
let phaseVirtualMs = 0

const simulation = createSimulation<ModuleServices>({
  seed: 1,
  nodes,
  links: { latency: thailandLatency(), jitterMs: 2 },
  options: (plan) =>
    gridmeshKit.build(plan, { ...settings, messagesPerSecond: 100, gossipDegree: 8, strategy: 'gossip' }),
})
const result = await simulation.run(async ({ nodes: all, network, clock, deliveries }) => {
  marks.built = realMs()
  await network.connectAll({ degree: DEGREE })
  marks.connected = realMs()
  await Promise.all(
    all.map((node) =>
      node.run(({ broadcast }) => {
        broadcast.subscribe('news', (bytes) => {
          deliveries.delivered(`message-${bytes[0]}`, node.index)
          return 'accept'
        })
      }),
    ),
  )
  await clock.sleep(WARM_UP_MS)
  marks.warm = realMs()
  const startMs = clock.nowMs
  for (let sent = 0; sent < MESSAGES; sent++) {
    deliveries.published(`message-${sent}`, nodes - 1)
    const bytes = new Uint8Array(MESSAGE_BYTES).fill(sent)
    const author = all[(sent * AUTHOR_STRIDE) % nodes]
    await author?.run(({ broadcast }) => broadcast.publish('news', bytes))
    await clock.sleep(EVERY_MS)
  }
  phaseVirtualMs = clock.nowMs - startMs
  marks.done = realMs()
})

const { user, system } = process.cpuUsage()
const figures: SimnetFigures = {
  nodes,
  phaseVirtualMs,
  baseBytes,
  events: result.events,
  traceHash: result.traceHash,
  deliveredRatio: result.deliveredRatio,
  p50Ms: result.p50Ms,
  p99Ms: result.p99Ms,
  virtualMs: result.virtualMs,
  buildMs: marks.built - marks.started,
  connectMs: marks.connected - marks.built,
  phaseWallMs: marks.done - marks.warm,
  wallMs: realMs() - marks.started,
  cpuMs: (user + system) / 1_000,
  peakBytes: result.peakBytes,
  deliveries: Math.round(result.deliveredRatio * MESSAGES * (nodes - 1)),
}
process.stdout.write(`${JSON.stringify(figures)}\n`)

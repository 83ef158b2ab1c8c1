// As many nodes as the argument says, with gossipsub and broadcast alone, and one message that all are to receive.
import { broadcast } from '@gridmesh/broadcast'
import { createSimulation, thailandLatency } from '@gridmesh/simnet'

/** What one run came to. */
export interface StretchFigures {
  nodes: number
  deliveredRatio: number
  p99Ms: number
  virtualMs: number
  wallMs: number
  cpuMs: number
  peakBytes: number
}

const DEGREE = 5
const WARM_UP_MS = 5_000
const SPREAD_MS = 5_000
const MESSAGE_BYTES = 1_024

const nodes = Number(process.argv[2])
// The simulator replaces the clocks of the process; this one is kept from before.
const hrtime = process.hrtime.bigint.bind(process.hrtime)
const startNs = hrtime()

const simulation = createSimulation({
  seed: 1,
  nodes,
  links: { latency: thailandLatency(), jitterMs: 2 },
  services: () => ({ broadcast: broadcast({ chainId: 'stretch' }) }),
})
const result = await simulation.run(async ({ nodes: all, network, clock, deliveries }) => {
  await network.connectAll({ degree: DEGREE })
  await Promise.all(
    all.map((node) =>
      node.run(({ broadcast: carrier }) => {
        carrier.subscribe('news', () => {
          deliveries.delivered('message', node.index)
          return 'accept'
        })
      }),
    ),
  )
  await clock.sleep(WARM_UP_MS)
  deliveries.published('message', nodes - 1)
  await all[0]?.run(({ broadcast: carrier }) => carrier.publish('news', new Uint8Array(MESSAGE_BYTES)))
  await clock.sleep(SPREAD_MS)
})

const { user, system } = process.cpuUsage()
const figures: StretchFigures = {
  nodes,
  deliveredRatio: result.deliveredRatio,
  p99Ms: result.p99Ms,
  virtualMs: result.virtualMs,
  wallMs: Number(hrtime() - startNs) / 1e6,
  cpuMs: (user + system) / 1_000,
  peakBytes: result.peakBytes,
}
process.stdout.write(`${JSON.stringify(figures)}\n`)

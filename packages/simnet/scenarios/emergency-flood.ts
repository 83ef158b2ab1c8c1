import { thailandLatency } from '@gridmesh/simnet'
import type { Scenario } from './scenario.ts'

const LOAD_MS = 20_000
/** With 16 KiB each, four fifths of an uplink of 10 Mbit/s for a node with the largest mesh, of twelve peers. */
const LOAD_EVERY_MS = 200
const LOAD_BYTES = 16_384
/** Share of what all nodes are to get of it that goes over the links at least. */
const CARRIED = 0.8
const ALARMS = 10
const ALARM_MS = 1_000

/** Alarms, while the links are full. */
export const emergencyFlood: Scenario = {
  name: 'emergency-flood',
  about: 'alarms on the critical lane while bulk messages fill every link; each reaches all within a second',
  nodes: { usual: 30, least: 5 },
  links: {
    latency: thailandLatency(),
    jitterMs: 2,
    uplinkBytesPerSecond: 1_250_000,
    downlinkBytesPerSecond: 2_500_000,
    // As much as nodes let one stream have under way: what is sent before an alarm delays it.
    windowBytes: 262_144,
  },
  async play(stage) {
    await stage.gather()
    const hush = stage.chatter({ everyMs: LOAD_EVERY_MS, kind: 'bulk', bytes: LOAD_BYTES, hasCalls: false })
    const before = stage.network.traffic.bytes
    await stage.clock.sleep(LOAD_MS)
    const carried = stage.network.traffic.bytes - before
    const least = CARRIED * (LOAD_MS / LOAD_EVERY_MS) * LOAD_BYTES * (stage.honest.length - 1)
    stage.expect('links-loaded', carried >= least, `Links carried ${carried} bytes, and should have ${least} at least`)
    await stage.prove('alarms under load', { count: ALARMS, kind: 'critical', withinMs: ALARM_MS })
    hush()
    await stage.calm()
    await stage.prove('after the load')
  },
}

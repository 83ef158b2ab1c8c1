import { thailandLatency } from '@gridmesh/simnet'
import type { Scenario } from './scenario.ts'

/** 1 Mbit/s, as of a mobile network. */
const BYTES_PER_SECOND = 125_000
/** Above `pullAboveBytes`, so that it is announced, and pulled in chunks. */
const PAYLOAD_BYTES = 300_000
const PAYLOADS = 4
/** As long as an envelope is fresh. The uplink of an author who gives a payload to nine neighbours takes 22 s. */
const WITHIN_MS = 30_000

/** Links are narrow, and large payloads come over them, several at once: what is asked for waits behind itself. */
export const narrowLinks: Scenario = {
  name: 'narrow-links',
  about:
    'links of 1 Mbit/s, and four payloads of 300 kB at once; all arrive within 30 s, and most calls are answered meanwhile',
  nodes: { usual: 10, least: 4 },
  links: {
    latency: thailandLatency(),
    jitterMs: 2,
    uplinkBytesPerSecond: BYTES_PER_SECOND,
    downlinkBytesPerSecond: BYTES_PER_SECOND,
  },
  async play(stage) {
    await stage.gather()
    const hush = stage.chatter()
    const large = { kind: 'bulk', bytes: PAYLOAD_BYTES, count: PAYLOADS } as const
    await stage.prove('over narrow links', { ...large, everyMs: 100, withinMs: WITHIN_MS })
    hush()
    await stage.calm()
    await stage.prove('when they are idle')
  },
}

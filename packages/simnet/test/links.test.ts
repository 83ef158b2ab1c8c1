import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { createActor } from '../src/clock/actor.ts'
import { VirtualClock } from '../src/clock/virtual-clock.ts'
import { Fabric } from '../src/links/fabric.ts'
import { Flow } from '../src/links/flow.ts'
import type { Machine } from '../src/links/machine.ts'
import { THAILAND_REGIONS, thailandLatency } from '../src/links/thailand.ts'
import { WireEnd } from '../src/links/wire.ts'
import { Random } from '../src/random/random.ts'
import type { LinkInit } from '../src/types.ts'
import { maxMinRates } from './max-min.ts'

// Virtual time does not depend on how busy the machine is; the real time of a run does.
vi.setConfig({ testTimeout: 60_000 })

interface Lab {
  clock: VirtualClock
  fabric: Fabric
  machines: Machine[]
  runUntil(atMs: number): void
}

function createLab(links: LinkInit, count = 2, seed = 1): Lab {
  const clock = new VirtualClock(createActor(-1, new Random(seed, 0)))
  const fabric = new Fabric(clock, links, seed)
  const regions = fabric.model.regions
  const machines = Array.from({ length: count }, (_, index) =>
    fabric.addMachine(index, `10.0.0.${index}`, regions[index % regions.length] ?? ''),
  )
  const runUntil = (atMs: number): void => {
    while (clock.size > 0 && (clock.nextAtMs ?? Infinity) <= atMs) clock.step()
  }
  return { clock, fabric, machines, runUntil }
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index]
  if (found === undefined) throw new RangeError(`Nothing at ${index} of ${list.length}`)
  return found
}

interface Arrival {
  readonly number: number
  readonly bytes: number
  readonly atMs: number
}

/** Sends messages of these sizes at these times over one flow; returns what arrived. */
function sendAll(lab: Lab, messages: readonly { bytes: number; atMs: number }[]): Arrival[] {
  const flow = new Flow(lab.fabric, at(lab.machines, 0), at(lab.machines, 1), () => {})
  const arrivals: Arrival[] = []
  messages.forEach(({ bytes, atMs }, number) => {
    lab.clock.plan('task', lab.clock.current, atMs, () => {
      flow.send(bytes, () => arrivals.push({ number, bytes, atMs: lab.clock.nowMs }))
    })
  })
  lab.runUntil(Infinity)
  return arrivals
}

const messages = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 60_000 }), atMs: fc.nat(500) }), {
  minLength: 1,
  maxLength: 40,
})
const shape = fc.record({
  latencyMs: fc.nat(100),
  jitterMs: fc.nat(50),
  loss: fc.constantFrom(0, 0.1, 0.5),
  up: fc.option(fc.integer({ min: 10_000, max: 1_000_000 }), { nil: undefined }),
  down: fc.option(fc.integer({ min: 10_000, max: 1_000_000 }), { nil: undefined }),
  seed: fc.nat(),
})

function linksOf({
  latencyMs,
  jitterMs,
  loss,
  up,
  down,
}: Omit<typeof shape extends fc.Arbitrary<infer T> ? T : never, 'seed'>): LinkInit {
  return {
    latency: { kind: 'constant', ms: latencyMs },
    jitterMs,
    loss,
    ...(up === undefined ? {} : { uplinkBytesPerSecond: up }),
    ...(down === undefined ? {} : { downlinkBytesPerSecond: down }),
  }
}

describe('one direction of a connection', () => {
  it('delivers each message once, in the order sent, never sooner than the latency', () => {
    fc.assert(
      fc.property(messages, shape, (list, links) => {
        const sent = list.toSorted((a, b) => a.atMs - b.atMs)
        const arrivals = sendAll(createLab(linksOf(links), 2, links.seed), sent)
        expect(arrivals.map(({ number }) => number)).toEqual(sent.map((_, number) => number))
        arrivals.forEach(({ number, atMs }) => {
          expect(atMs).toBeGreaterThanOrEqual(at(sent, number).atMs + links.latencyMs)
        })
      }),
    )
  })

  it('delivers within latency and jitter where nothing is lost and bandwidth has no limit', () => {
    fc.assert(
      fc.property(messages, fc.nat(100), fc.nat(50), (list, latencyMs, jitterMs) => {
        const sent = list.toSorted((a, b) => a.atMs - b.atMs)
        const links: LinkInit = { latency: { kind: 'constant', ms: latencyMs }, jitterMs }
        for (const { number, atMs } of sendAll(createLab(links), sent)) {
          // What went before may be later by its own jitter, and order is kept.
          const latest = Math.max(...sent.slice(0, number + 1).map((message) => message.atMs)) + latencyMs + jitterMs
          expect(atMs).toBeLessThanOrEqual(latest)
        }
      }),
    )
  })

  it('never passes more bytes in any window than bandwidth allows, plus what was under way in one piece', () => {
    fc.assert(
      fc.property(messages, fc.integer({ min: 10_000, max: 500_000 }), fc.boolean(), (list, rate, isUp) => {
        const sent = list.toSorted((a, b) => a.atMs - b.atMs)
        const links: LinkInit = isUp ? { uplinkBytesPerSecond: rate } : { downlinkBytesPerSecond: rate }
        const arrivals = sendAll(createLab({ ...links, latency: { kind: 'constant', ms: 5 } }), sent)
        arrivals.forEach((first, from) => {
          let bytes = 0
          for (const { bytes: more, atMs } of arrivals.slice(from + 1)) {
            bytes += more
            expect(bytes).toBeLessThanOrEqual(((atMs - first.atMs) * rate) / 1_000 + 1e-6)
          }
        })
      }),
    )
  })

  it('tells the sender to wait when windowBytes are under way, and to go on when half of it has arrived', () => {
    const lab = createLab({ windowBytes: 1_000, latency: { kind: 'constant', ms: 10 } })
    const drained: number[] = []
    const flow = new Flow(lab.fabric, at(lab.machines, 0), at(lab.machines, 1), () => drained.push(lab.clock.nowMs))
    expect([flow.send(999, () => {}), flow.send(1, () => {})]).toEqual([true, false])
    lab.runUntil(19)
    expect([flow.underWay, drained]).toEqual([0, []])
    lab.runUntil(20)
    expect(drained).toEqual([20])
  })

  it('is late by 200 ms, then 400 ms more, for a message lost twice', () => {
    const lab = createLab({ loss: 0.5, latency: { kind: 'constant', ms: 10 } })
    const list = Array.from({ length: 400 }, (_, number) => ({ bytes: 1, atMs: number * 100_000 }))
    const delays = sendAll(lab, list).map(({ number, atMs }) => atMs - number * 100_000)
    const share = (ms: number): number => delays.filter((delay) => Math.abs(delay - ms) < 1e-6).length / delays.length
    expect(share(10)).toBeGreaterThan(0.4)
    expect(share(210)).toBeGreaterThan(0.18)
    expect(share(610)).toBeGreaterThan(0.08)
    expect(
      delays.every((delay) =>
        [0, 1, 2, 3, 4, 5, 6, 7, 8].some((n) => Math.abs(delay - 10 - 200 * (2 ** n - 1)) < 1e-6),
      ),
    ).toBe(true)
  })
})

describe('bandwidth', () => {
  it('is shared max–min fair by long transfers, within 10 % of the exact rates', () => {
    const links: LinkInit = {
      uplinkBytesPerSecond: 1e6,
      downlinkBytesPerSecond: 5e5,
      latency: { kind: 'constant', ms: 5 },
    }
    const pairs: [number, number][] = [
      [0, 1],
      [0, 2],
      [0, 3],
      [0, 3],
      [4, 3],
      [5, 3],
      [4, 6],
      [7, 6],
    ]
    const lab = createLab(links, 8)
    const received = pairs.map(() => 0)
    pairs.forEach(([from, to], number) => {
      const flow = new Flow(lab.fabric, at(lab.machines, from), at(lab.machines, to), () => {})
      for (let n = 0; n < 600; n++) flow.send(16_384, () => (received[number] = at(received, number) + 16_384))
    })
    lab.runUntil(2_000)
    const before = [...received]
    lab.runUntil(12_000)
    const rates = received.map((bytes, number) => (bytes - at(before, number)) / 10)
    const exact = maxMinRates(pairs, 1e6, 5e5)
    rates.forEach((rate, number) => expect(Math.abs(rate / at(exact, number) - 1)).toBeLessThan(0.1))
  })
})

describe('ways that are closed', () => {
  it('holds what is sent one way only, and delivers it in order when the way opens', () => {
    const lab = createLab({ latency: { kind: 'constant', ms: 10 } })
    const [a, b] = [at(lab.machines, 0), at(lab.machines, 1)]
    const log: string[] = []
    const there = new Flow(lab.fabric, a, b, () => {})
    const back = new Flow(lab.fabric, b, a, () => {})
    const heal = lab.fabric.block({ blocks: (from) => from === a })
    there.send(1, () => log.push('first'))
    there.send(1, () => log.push('second'))
    back.send(1, () => log.push('back'))
    lab.runUntil(5_000)
    expect(log).toEqual(['back'])
    heal()
    there.send(1, () => log.push('third'))
    lab.runUntil(5_000 + 200 + 10)
    expect(log).toEqual(['back', 'first', 'second', 'third'])
  })

  it('gives a connection up at both ends after deadAfterMs, and not when the way opened before', () => {
    const lab = createLab({ deadAfterMs: 1_000 }, 3)
    const [a, b, c] = [at(lab.machines, 0), at(lab.machines, 1), at(lab.machines, 2)]
    const log: string[] = []
    for (const [name, end] of [
      ['a', WireEnd.pair(lab.fabric, a, b)],
      ['c', WireEnd.pair(lab.fabric, c, b)],
    ] as const) {
      end.forEach((side, number) => {
        side.handler = {
          onParcel: () => {},
          onDrain: () => {},
          onEnd: (err) => log.push(`${name}${number} ${lab.clock.nowMs} ${(err as { code?: string }).code}`),
        }
      })
    }
    lab.fabric.block({ blocks: (from) => from === a })
    const heal = lab.fabric.block({ blocks: (from) => from === c })
    lab.clock.plan('task', lab.clock.current, 999, heal)
    lab.runUntil(10_000)
    expect(log).toEqual(['a0 1000 ETIMEDOUT', 'a1 1000 ETIMEDOUT'])
  })
})

async function dial(lab: Lab, to: string): Promise<string> {
  const { signal } = new AbortController()
  const dialled = lab.fabric.dial(at(lab.machines, 0), to, 4_001, signal).then(
    () => `open at ${lab.clock.nowMs}`,
    (err: Error & { code?: string }) => `${err.code ?? err.name} at ${lab.clock.nowMs}`,
  )
  for (let turn = 0; turn < 50; turn++) {
    await Promise.resolve()
    lab.clock.step()
  }
  return Promise.race([dialled, Promise.resolve('silence')])
}

describe('dials', () => {
  it('take a round trip where somebody listens, and as long to be refused where nobody does', async () => {
    const lab = createLab({ latency: { kind: 'constant', ms: 10 } })
    expect(await dial(lab, '10.0.0.1')).toBe('ECONNREFUSED at 20')
    at(lab.machines, 1).listeners.set(4_001, () => {})
    expect(await dial(lab, '10.0.0.1')).toBe('open at 40')
  })

  it('meet silence where a machine has no power, where there is none, and where a way is closed', async () => {
    const lab = createLab({}, 3)
    lab.fabric.crash(at(lab.machines, 1), true)
    expect([await dial(lab, '10.0.0.1'), await dial(lab, '10.9.9.9')]).toEqual(['silence', 'silence'])
    at(lab.machines, 2).listeners.set(4_001, () => {})
    lab.fabric.block({ blocks: (from) => from === at(lab.machines, 2) })
    expect(await dial(lab, '10.0.0.2')).toBe('silence')
  })
})

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180
}

describe('latency', () => {
  it('is the same in both directions between the regions of Thailand, and least within one', () => {
    const lab = createLab({ latency: thailandLatency() }, THAILAND_REGIONS.length * 2)
    for (const a of lab.machines) {
      for (const b of lab.machines) {
        const ms = lab.fabric.model.baseMs(a, b)
        expect(ms).toBe(lab.fabric.model.baseMs(b, a))
        expect(ms === 1).toBe(a.region === b.region)
      }
    }
  })

  it('made by the stated formula gives the table of Thailand within rounding', () => {
    const places: [number, number][] = [
      [13.756, 100.502],
      [15.693, 100.123],
      [18.788, 98.985],
      [16.432, 102.824],
      [13.361, 100.985],
      [14.023, 99.533],
      [7.008, 100.475],
    ]
    const model = thailandLatency()
    const table = model.kind === 'regions' ? model.matrixMs : []
    places.forEach(([lat, lon], row) => {
      places.forEach(([otherLat, otherLon], column) => {
        const h =
          Math.sin(radians(otherLat - lat) / 2) ** 2 +
          Math.cos(radians(lat)) * Math.cos(radians(otherLat)) * Math.sin(radians(otherLon - lon) / 2) ** 2
        const km = 2 * 6_371 * Math.asin(Math.sqrt(h))
        const expected = row === column ? 1 : (km * 1.5) / 200 + 2
        expect(Math.abs((table[row]?.[column] ?? 0) - expected)).toBeLessThanOrEqual(0.051)
      })
    })
  })

  it('drawn once for each pair is the same at each call and both ways, with mean and deviation as asked', () => {
    const lab = createLab({ latency: { kind: 'normal', meanMs: 50, deviationMs: 10, minMs: 1 } }, 60)
    const drawn: number[] = []
    lab.machines.forEach((a, index) => {
      for (const b of lab.machines.slice(index + 1)) {
        const ms = lab.fabric.model.baseMs(a, b)
        expect([lab.fabric.model.baseMs(a, b), lab.fabric.model.baseMs(b, a)]).toEqual([ms, ms])
        drawn.push(ms)
      }
    })
    const mean = drawn.reduce((sum, ms) => sum + ms, 0) / drawn.length
    const deviation = Math.sqrt(drawn.reduce((sum, ms) => sum + (ms - mean) ** 2, 0) / drawn.length)
    expect(Math.abs(mean - 50)).toBeLessThan(1)
    expect(Math.abs(deviation - 10)).toBeLessThan(1)
  })
})

it.each([
  [{ loss: 1.1 }, 'links.loss is 1.1, expected 0 to 1'],
  [{ jitterMs: -1 }, 'links.jitterMs is -1, expected 0 or more'],
  [{ windowBytes: 0 }, 'links.windowBytes is 0, expected above 0'],
  [{ uplinkBytesPerSecond: 0 }, 'links.uplinkBytesPerSecond is 0, expected above 0'],
  [{ latency: { kind: 'constant', ms: Number.NaN } as const }, 'links.latency.ms is NaN, expected 0 or more'],
  [
    { latency: { kind: 'regions', regions: ['a', 'b'], matrixMs: [[1, 2], [1]] } as const },
    'links.latency.matrixMs is 1, expected 2 rows and columns',
  ],
])('refuses %j', (links, message) => {
  expect(() => createLab(links)).toThrow(new RangeError(message))
})

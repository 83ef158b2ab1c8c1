import { createSocket } from 'node:dgram'
import { unwatchFile, watch, watchFile } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { plaintext } from '@libp2p/plaintext'
import { yamux } from '@libp2p/yamux'
import { type Datastore, Key } from 'interface-datastore'
import { createLibp2p } from 'libp2p'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  createSimulation,
  type Invariant,
  type Simulation,
  type SimulationContext,
  type SimulationInit,
  type SimulationLevel,
  thailandLatency,
  type TraceEvent,
  type TransportOptions,
} from '../src/index.ts'
import { at, echo, gossip, gossipServices, type GossipServices, quiet, TOPIC } from './support.ts'

// Virtual time does not depend on how busy the machine is; the real time of a run does.
vi.setConfig({ testTimeout: 60_000 })

function gossipInit(init: Partial<SimulationInit<GossipServices>> = {}): SimulationInit<GossipServices> {
  return { seed: 1, nodes: 12, services: gossipServices, links: { latency: thailandLatency(), jitterMs: 2 }, ...init }
}

function diskOf(components: { datastore: Datastore }): Datastore {
  return components.datastore
}

/** Somebody's application, as it is but for its transport and its key. */
async function application(sim: Simulation, listen: string[]): ReturnType<typeof createLibp2p> {
  return createLibp2p({
    privateKey: sim.key(),
    addresses: { listen },
    transports: [sim.transport()],
    connectionEncrypters: [plaintext()],
    streamMuxers: [yamux()],
  })
}

async function forEver({ clock }: SimulationContext): Promise<void> {
  for (;;) await clock.sleep(1)
}

/** What a node may not do, with what it waits for. */
const REAL_WORK: Readonly<Record<string, () => unknown>> = {
  'reads a file': () => readFile(import.meta.filename),
  'looks at a file': () => stat(import.meta.filename),
  'watches a directory': () => {
    const watcher = watch(import.meta.dirname)
    onTestFinished(() => watcher.close())
  },
  'watches a file': () => {
    watchFile(import.meta.filename, () => {})
    onTestFinished(() => unwatchFile(import.meta.filename))
  },
  'opens a UDP socket': () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    onTestFinished(() => void socket.close())
  },
  'listens for TCP': () => {
    const server = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
  },
}

/** A random number of the second of so many nodes. */
async function draw(nodes: number): Promise<unknown> {
  let drawn: unknown
  await createSimulation(quiet({ nodes })).run(async (context) => {
    drawn = await at(context.nodes, 1).run(() => Math.random())
  })
  return drawn
}

const LEVELS: readonly SimulationLevel[] = ['host', 'stack']

describe.each(LEVELS)('at level %s', (level) => {
  it('brings every gossip message to every node once, and twice in a row in the same way', async () => {
    const init = gossipInit({ level, nodes: level === 'host' ? 12 : 5 })
    const first = await createSimulation(init).run((context) => gossip(context, 3))
    const second = await createSimulation(init).run((context) => gossip(context, 3))
    expect(first).toMatchObject({ deliveredRatio: 1, violations: [] })
    expect(first.p50Ms).toBeGreaterThanOrEqual(1)
    expect(first.p99Ms).toBeGreaterThanOrEqual(first.p50Ms)
    expect({ ...second, wallMs: 0, peakBytes: 0 }).toEqual({ ...first, wallMs: 0, peakBytes: 0 })
  })

  it('runs otherwise from another seed', async () => {
    const hashes = new Set<string>()
    for (const seed of [1, 2]) {
      const result = await createSimulation(gossipInit({ level, seed, nodes: 4 })).run((context) => gossip(context, 1))
      hashes.add(result.traceHash)
    }
    expect(hashes.size).toBe(2)
  })

  it('goes on after faults: two halves apart, one node crashed and back, all healed in the calm phase', async () => {
    const result = await createSimulation(gossipInit({ level, nodes: 10, lastEvents: 5 })).run(async (context) => {
      const { nodes, network, clock, deliveries, eventually } = context
      await gossip(context, 1)
      network.partition(nodes.slice(0, 5), nodes.slice(5))
      network.crash(at(nodes, 9))
      network.slow(at(nodes, 1), 1)
      network.skew(at(nodes, 2), 60_000)
      network.links({ loss: 0.1, jitterMs: 20 })
      await clock.sleep(60_000)
      await network.calm()
      await network.connectAll({ degree: 4 })
      const last = at(nodes, 9)
      await eventually('rejoins', () => last.libp2p.getPeers().length >= 3, 10_000)
      await clock.sleep(3_000)
      // Its services are new, and so it has to subscribe again.
      await last.run(({ pubsub }) => {
        pubsub.addEventListener('message', ({ detail }) => deliveries.delivered(`${detail.data[0]}`, last.index))
        pubsub.subscribe(TOPIC)
      })
      await clock.sleep(3_000)
      deliveries.published('99', 9)
      await at(nodes, 0).run(({ pubsub }) => pubsub.publish(TOPIC, new Uint8Array(64).fill(99)))
      await eventually('all hear', () => deliveries.count('99') === 9, 10_000)
    })
    expect(result.violations).toEqual([])
  })

  it('lets a node keep its disk over a restart, or lose it, and gives it new services', async () => {
    const seen: unknown[] = []
    const key = new Key('/test/key')
    await createSimulation({ seed: 1, level, nodes: 2, services: () => ({ disk: diskOf }) }).run(
      async ({ nodes: [node], network }) => {
        if (node === undefined) return
        const store = (): Datastore => node.services.disk
        const first = node.services
        await node.run(() => store().put(key, Uint8Array.of(1)))
        network.crash(node)
        seen.push(node.status)
        await network.restart(node)
        seen.push(await node.run(() => store().has(key)), node.services === first, node.status)
        network.crash(node, { silent: true })
        await network.restart(node, { disk: false })
        seen.push(await node.run(() => store().has(key)))
        await network.stop(node)
        seen.push(node.status)
      },
    )
    expect(seen).toEqual(['crashed', true, false, 'up', false, 'stopped'])
  })

  it('tells peers of a crash by a reset, and of a silent one only after deadAfterMs', async () => {
    const log: string[] = []
    await createSimulation(quiet({ level, nodes: 3, links: { deadAfterMs: 5_000 } })).run(async (context) => {
      const { nodes, network, clock } = context
      const watcher = at(nodes, 0)
      await network.connect(watcher, at(nodes, 1))
      await network.connect(watcher, at(nodes, 2))
      let crashedAt = clock.nowMs
      watcher.libp2p.addEventListener('peer:disconnect', ({ detail }) => {
        const name = detail.equals(at(nodes, 1).peerId) ? 'reset' : 'silent'
        log.push(`${name} after ${Math.round(clock.nowMs - crashedAt)} ms`)
      })
      network.crash(at(nodes, 1))
      await clock.sleep(1_000)
      crashedAt = clock.nowMs
      network.crash(at(nodes, 2), { silent: true })
      await clock.sleep(10_000)
    })
    expect(log[0]).toBe('reset after 20 ms')
    expect(log[1]).toMatch(/^silent after (5000|5020) ms$/)
  })

  it('gives each node the clock that it was set to', async () => {
    const times: number[] = []
    await createSimulation(quiet({ level, epochMs: 1_000_000 })).run(async ({ nodes, network }) => {
      network.skew(at(nodes, 1), -5_000)
      for (const node of nodes) times.push(await node.run(() => Date.now()))
    })
    expect(at(times, 0) - at(times, 1)).toBe(5_000)
  })

  it('reports an error that a node does not catch as a violation, with the node and the last events', async () => {
    const result = await createSimulation(quiet({ level })).run(async ({ nodes, clock }) => {
      await at(nodes, 1).run(() => {
        setTimeout(() => {
          throw new RangeError('thrown in a timer')
        }, 10)
        setTimeout(() => void Promise.reject(new RangeError('rejected in a timer')), 20)
      })
      await clock.sleep(100)
    })
    expect(result.violations.map(({ invariant, node }) => [invariant, node])).toEqual([
      ['uncaught', 1],
      ['unhandled-rejection', 1],
    ])
    expect(result.violations[0]?.message).toContain('thrown in a timer')
    expect(result.violations[0]?.lastEvents.at(-1)).toMatchObject({ node: 1, kind: 'timer', detail: 10 })
  })
})

it('carries an existing libp2p application that changes two lines', async () => {
  const sim = createSimulation(quiet({ nodes: 0, links: { latency: { kind: 'constant', ms: 50 } } }))
  const heard: string[] = []
  const result = await sim.run(async ({ clock }) => {
    const [listener, dialler] = [await application(sim, ['/ip4/0.0.0.0/tcp/0']), await application(sim, [])]
    await listener.handle('/hello/1', (stream) => {
      stream.addEventListener('message', ({ data }) => heard.push(new TextDecoder().decode(data.subarray())))
    })
    const stream = await dialler.dialProtocol(listener.getMultiaddrs(), '/hello/1')
    stream.send(new TextEncoder().encode('hello'))
    await clock.sleep(1_000)
    await Promise.all([dialler.stop(), listener.stop()])
  })
  expect(heard).toEqual(['hello'])
  expect(result.virtualMs).toBeGreaterThan(1_000)
})

it('gives a libp2p of its own the same peer id in each run, and so the same trace', async () => {
  const links = { latency: { kind: 'normal', meanMs: 40, deviationMs: 10 } } as const
  const play = async (seed: number): Promise<{ peers: string[]; traceHash: string }> => {
    const sim = createSimulation({ seed, links })
    const peers: string[] = []
    const { traceHash } = await sim.run(async () => {
      const [a, b] = [await application(sim, []), await application(sim, ['/ip4/0.0.0.0/tcp/0'])]
      peers.push(a.peerId.toString(), b.peerId.toString())
      await a.dial(b.getMultiaddrs())
    })
    return { peers, traceHash }
  }
  const first = await play(1)
  expect(await play(1)).toEqual(first)
  expect(new Set([...first.peers, ...(await play(2)).peers]).size).toBe(4)
})

it('refuses a libp2p with a key that no seed decides, but for one that is said to be the caller’s own', async () => {
  const sim = createSimulation({ seed: 1 })
  const make = (options: TransportOptions): Promise<unknown> =>
    createLibp2p({ start: false, transports: [sim.transport(options)] })
  await sim.run(async () => {
    await expect(make({})).rejects.toMatchObject({ name: 'UnseededKeyError', code: 'unseeded-key' })
    await make({ hasOwnKey: true })
  })
  expect(() => sim.key()).toThrow(RangeError)
})

describe('a run', () => {
  it('refuses to begin while another one holds the clock', async () => {
    const other = createSimulation(quiet())
    await createSimulation(quiet()).run(async () => {
      await expect(other.run(async () => {})).rejects.toMatchObject({ name: 'SimulationRunningError' })
    })
    await expect(other.run(async () => {})).resolves.toMatchObject({ violations: [] })
  })

  it('fails when nothing is left to happen, instead of waiting for ever', async () => {
    const run = createSimulation(quiet({ nodes: 0 })).run(() => new Promise(() => {}))
    await expect(run).rejects.toMatchObject({ name: 'DeadlockError', virtualMs: 0 })
  })

  it('fails when somebody spins more than maxEventsPerInstant times without letting time pass', async () => {
    const run = createSimulation(quiet({ maxEventsPerInstant: 100, nodes: 0 })).run(async () => {
      const spin = (): void => void setImmediate(spin)
      spin()
      await new Promise(() => {})
    })
    await expect(run).rejects.toMatchObject({ name: 'SpinError' })
  })

  it('fails beyond maxVirtualMs, and beyond maxWallMs', async () => {
    const virtual = createSimulation(quiet({ maxVirtualMs: 1_000, nodes: 0 })).run(forEver)
    await expect(virtual).rejects.toMatchObject({ name: 'RunLimitError', limit: 'maxVirtualMs', value: 1_000 })
    const wall = createSimulation(quiet({ maxWallMs: 20, nodes: 0 })).run(forEver)
    await expect(wall).rejects.toMatchObject({ name: 'RunLimitError', limit: 'maxWallMs', value: 20 })
  })

  it('fails before an event beyond maxVirtualMs happens, however few came before it', async () => {
    let wokeAtMs: number | undefined
    const run = createSimulation(quiet({ maxVirtualMs: 1_000, nodes: 0 })).run(async ({ clock }) => {
      await clock.sleep(1_000)
      wokeAtMs = clock.nowMs
      await clock.sleep(1)
      wokeAtMs = clock.nowMs
    })
    await expect(run).rejects.toMatchObject({ name: 'RunLimitError', limit: 'maxVirtualMs' })
    expect(wokeAtMs).toBe(1_000)
  })

  it.each([
    [{ maxEventsPerInstant: 100 }, { name: 'SpinError' }],
    [{ maxWallMs: 20 }, { name: 'RunLimitError', limit: 'maxWallMs' }],
  ])('fails when somebody spins with WebCrypto, by %j', async (limits, error) => {
    const ended = new AbortController()
    const run = createSimulation(quiet({ ...limits, nodes: 0 })).run(async () => {
      while (!ended.signal.aborted) await crypto.subtle.digest('SHA-256', new Uint8Array(1))
    })
    await expect(run.finally(() => ended.abort())).rejects.toMatchObject(error)
  })

  it('lets nobody go on when it has ended, who waited for a thread', async () => {
    const later = setTimeout
    const controller = new AbortController()
    const key = await crypto.subtle.importKey('raw', new Uint8Array(8), 'PBKDF2', false, ['deriveBits'])
    const derive = async (): Promise<ArrayBuffer> =>
      crypto.subtle.deriveBits(
        { name: 'PBKDF2', hash: 'SHA-256', salt: new Uint8Array(8), iterations: 200_000 },
        key,
        8,
      )
    let hasGoneOn = false
    const run = createSimulation(quiet()).run(
      async () => {
        later(() => controller.abort(new RangeError('enough')), 1)
        await derive()
        hasGoneOn = true
      },
      { signal: controller.signal },
    )
    await expect(run).rejects.toThrow('enough')
    // Begun later, and one after the other, so that the one of the run has ended.
    for (let times = 0; times < 3; times++) await derive()
    expect(hasGoneOn).toBe(false)
  })

  it('ends with the reason of its signal, also before it begins', async () => {
    const controller = new AbortController()
    const run = createSimulation(quiet()).run(
      async ({ clock }) => {
        controller.abort(new RangeError('enough'))
        for (;;) await clock.sleep(1)
      },
      { signal: controller.signal },
    )
    await expect(run).rejects.toThrow('enough')
    await expect(createSimulation(quiet()).run(async () => {}, { signal: controller.signal })).rejects.toThrow('enough')
  })

  it.each(Object.entries(REAL_WORK))('fails when a node %s, and not where that is allowed', async (_, work) => {
    const begun = async ({ clock }: SimulationContext): Promise<void> => {
      await work()
      await clock.sleep(1)
    }
    await expect(createSimulation(quiet()).run(begun)).rejects.toMatchObject({ name: 'RealWorkError' })
    const allowed = await createSimulation(quiet({ allowRealWork: true })).run(begun)
    expect(allowed.violations).toEqual([])
  })

  it('looks at laws throughout, and keeps the first 100 violations with the last events before each', async () => {
    const law = {
      name: 'never after 5 s',
      everyMs: 10,
      check: (c: { clock: { nowMs: number } }) => (c.clock.nowMs > 5_000 ? 'it is late' : undefined),
    }
    const init = quiet({ invariants: [law], lastEvents: 3 })
    const result = await createSimulation(init).run(({ clock }) => clock.sleep(10_000))
    expect(result.violations.length).toBe(100)
    expect(result.violations[0]).toMatchObject({ invariant: 'never after 5 s', message: 'it is late', node: -1 })
    expect(result.violations[0]?.atMs).toBeLessThanOrEqual(5_010)
    expect(result.violations[0]?.lastEvents.length).toBe(3)
  })

  it('takes a law that throws as one that does not hold', async () => {
    const law: Invariant = {
      name: 'law',
      check: () => {
        throw new RangeError('broken')
      },
    }
    const result = await createSimulation(quiet({ invariants: [law] })).run(({ clock }) => clock.sleep(1_500))
    expect(result.violations).toMatchObject([{ invariant: 'law' }, { invariant: 'law' }])
  })

  it.each([
    ['that ends before its first look', 900, 0],
    ['since its last look', 4_900, 10_001],
  ])('finds a law broken in a run %s', async (_when, brokenMs, wholeMs) => {
    let isBroken = false
    const law: Invariant = { name: 'law', everyMs: 5_000, check: () => (isBroken ? 'broken' : undefined) }
    const result = await createSimulation(quiet({ invariants: [law] })).run(async ({ clock }) => {
      await clock.sleep(wholeMs)
      isBroken = true
      await clock.sleep(brokenMs)
    })
    expect(result.violations).toMatchObject([{ invariant: 'law', message: 'broken', node: -1 }])
  })

  it('accounts for what was expected: half of it delivered, one twice, none known', async () => {
    const result = await createSimulation(quiet()).run(async ({ clock, deliveries, expect: check, eventually }) => {
      deliveries.published('a', 4)
      await clock.sleep(10)
      deliveries.delivered('a', 0)
      await clock.sleep(20)
      deliveries.delivered('a', 1)
      deliveries.delivered('a', 1)
      expect(deliveries.count('a')).toBe(2)
      expect(() => deliveries.published('a', 1)).toThrow('published already')
      expect(() => deliveries.delivered('b', 1)).toThrow('never published')
      check('fine', true)
      check('not fine', false, 'by intent')
      expect(await eventually('in time', () => clock.nowMs > 500, 10_000)).toBe(true)
      expect(await eventually('too late', () => false, 250)).toBe(false)
    })
    expect(result).toMatchObject({ deliveredRatio: 0.5, p50Ms: 10, p99Ms: 30 })
    expect(result.violations.map(({ invariant }) => invariant)).toEqual(['delivered-twice', 'not fine', 'too late'])
  })

  it('gives each event to onTrace, in the order of time', async () => {
    const events: TraceEvent[] = []
    const result = await createSimulation(quiet({ onTrace: (event) => events.push(event) })).run(async (context) => {
      await echo(at(context.nodes, 1))
      await context.network.connect(at(context.nodes, 0), at(context.nodes, 1))
    })
    expect(events.map(({ atMs }) => atMs)).toEqual(events.map(({ atMs }) => atMs).toSorted((a, b) => a - b))
    expect(new Set(events.map(({ node }) => node))).toEqual(new Set([-1, 0, 1]))
    expect(result.events).toBeGreaterThanOrEqual(events.length)
  })

  it.each([1, 5])('fails with what onTrace throws at event %d', async (last) => {
    let events = 0
    const onTrace = (): void => {
      if (++events === last) throw new RangeError('of onTrace')
    }
    const run = createSimulation(quiet({ onTrace })).run(({ clock }) => clock.sleep(10_000))
    await expect(run).rejects.toThrow(new RangeError('of onTrace'))
    expect(events).toBe(last)
  })

  it('rejects what waits for a node that crashes', async () => {
    await createSimulation(quiet()).run(async ({ nodes, network }) => {
      const node = at(nodes, 0)
      const waiting = node.run(() => new Promise(() => {}))
      network.crash(node)
      await expect(waiting).rejects.toMatchObject({ name: 'NodeDownError', node: 0 })
    })
  })

  it('leaves the random numbers of a node as they are when there is one node more', async () => {
    expect(await draw(2)).toBe(await draw(3))
  })
})

it.each([
  [{ seed: 1.5 }, 'seed is 1.5, expected a whole number or a string'],
  [{ seed: 1, nodes: -1 }, 'nodes is -1, expected 0 or more'],
  [{ seed: 1, level: 'both' as never }, 'level is both, expected host or stack'],
  [{ seed: 1, maxWallMs: 0 }, 'maxWallMs is 0, expected 1 or more'],
  [{ seed: 1, epochMs: 0.5 }, 'epochMs is 0.5, expected a whole number of ms'],
])('refuses %j', (init, message) => {
  expect(() => createSimulation(init)).toThrow(new RangeError(message))
})

import {
  type ConnectionGater,
  type IdentifyResult,
  serviceCapabilities,
  serviceDependencies,
  type Startable,
  type Stream,
} from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import type { Ping } from '@libp2p/ping'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it, vi } from 'vitest'
import { createSimulation, type NodeOptions, type SimulationContext, type SimulationInit } from '../src/index.ts'
import { at, echo, quiet } from './support.ts'

// Virtual time does not depend on how busy the machine is; the real time of a run does.
vi.setConfig({ testTimeout: 60_000 })

/** Within it everybody has been told of protocols that are new. */
const PUSHED_MS = 1_500

interface Components {
  connectionManager: ConnectionManager
  registrar: Registrar
}

type Services = { held: { components: Components }; ping: Ping }

const services = (): never => ({ held: (components: Components) => ({ components }) }) as never

/** Runs on simulated hosts, all of them without connections at first. */
async function onHosts(
  nodes: number,
  scenario: (context: SimulationContext<Services>) => Promise<void>,
  init: Partial<SimulationInit<Services>> = {},
): Promise<void> {
  const result = await createSimulation<Services>({ seed: 1, nodes, services, ...init }).run(scenario)
  expect(result.violations).toEqual([])
}

async function errorOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (err: Error) => err.name,
  )
}

function gated(gater: ConnectionGater, index: number): Partial<SimulationInit<Services>> {
  return { options: (plan): NodeOptions<Services> => (plan.index === index ? { connectionGater: gater } : {}) }
}

const needy = (): object => ({ [serviceDependencies]: ['@test/kind'], [Symbol.toStringTag]: 'needy' })

const giver = (): object => ({ [serviceCapabilities]: ['@test/kind'] })

async function runWith(factories: object): Promise<unknown> {
  return createSimulation({ seed: 1, nodes: 1, services: () => factories as never }).run(async () => {})
}

describe('services', () => {
  it('are built in their order, started and stopped side by side, hook by hook', async () => {
    const log: string[] = []
    const service = (name: string) => (): Startable => ({
      beforeStart: () => void log.push(`${name} beforeStart`),
      start: () => void log.push(`${name} start`),
      afterStart: () => void log.push(`${name} afterStart`),
      beforeStop: () => void log.push(`${name} beforeStop`),
      stop: () => void log.push(`${name} stop`),
      afterStop: () => void log.push(`${name} afterStop`),
    })
    const factories = (): { a: ReturnType<typeof service>; b: ReturnType<typeof service> } => ({
      a: service('a'),
      b: service('b'),
    })
    await createSimulation({ seed: 1, nodes: 1, services: factories }).run(({ nodes, network }) =>
      network.stop(at(nodes, 0)),
    )
    const hooks = ['beforeStart', 'start', 'afterStart', 'beforeStop', 'stop', 'afterStop']
    expect(log).toEqual(hooks.flatMap((hook) => [`a ${hook}`, `b ${hook}`]))
  })

  it('read an absent component as a MissingServiceError, and metrics as undefined', async () => {
    await onHosts(1, async ({ nodes }) => {
      const components = at(nodes, 0).services.held.components as unknown as Record<string, unknown>
      expect(() => components['unicast']).toThrow(expect.objectContaining({ name: 'MissingServiceError' }))
      expect(components['metrics']).toBe(undefined)
    })
  })

  it('are refused when they need what nobody offers, and built when another one offers it', async () => {
    await expect(runWith({ needy })).rejects.toMatchObject({ name: 'UnmetServiceDependenciesError' })
    await expect(runWith({ needy, giver })).resolves.toMatchObject({ violations: [] })
  })

  it('find libp2p’s ping among them, and measure a round trip with it', async () => {
    await onHosts(2, async ({ nodes }) => {
      await at(nodes, 0).dial(at(nodes, 1))
      const rtt = await at(nodes, 0).run(({ ping }) => ping.ping(at(nodes, 1).peerId))
      // Opening the stream is part of libp2p's measure: two round trips of 2 × 20 ms.
      expect(rtt).toBeGreaterThanOrEqual(40)
      expect(rtt).toBeLessThanOrEqual(80)
    })
  })
})

describe('connections', () => {
  it('tell both sides: open, connected, identified, then closed and disconnected', async () => {
    await onHosts(2, async ({ nodes, clock }) => {
      const log: string[] = []
      await clock.sleep(PUSHED_MS)
      nodes.forEach(({ libp2p }, index) => {
        for (const event of [
          'connection:open',
          'peer:connect',
          'peer:identify',
          'connection:close',
          'peer:disconnect',
        ] as const) {
          libp2p.addEventListener(event, () => log.push(`${index} ${event}`))
        }
      })
      await at(nodes, 0).dial(at(nodes, 1))
      await clock.sleep(1_000)
      await at(nodes, 1).run((_, { libp2p }) => libp2p.hangUp(at(nodes, 0).peerId))
      await clock.sleep(1_000)
      const of = (index: number): string[] =>
        log.filter((line) => line.startsWith(`${index}`)).map((line) => line.slice(2))
      const all = ['connection:open', 'peer:connect', 'peer:identify', 'connection:close', 'peer:disconnect']
      expect([of(0), of(1)]).toEqual([all, all])
    })
  })

  it('are shared: the same one for a second dial, for dials at once, and for a stream', async () => {
    await onHosts(2, async ({ nodes }) => {
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      const [first, second] = await Promise.all([a.dial(b), a.dial(b)])
      expect(second).toBe(first)
      expect(await a.dial(b.peerId)).toBe(first)
      expect(a.libp2p.getConnections().length).toBe(1)
    })
  })

  it('fail to itself, to a peer without address, to where nobody listens, and to silence after 6 s', async () => {
    await onHosts(4, async ({ nodes, network, clock }) => {
      const [a, stopped, silent] = [at(nodes, 0), at(nodes, 1), at(nodes, 2)]
      await network.stop(stopped)
      network.crash(silent, { silent: true })
      expect(await errorOf(a.dial(a))).toBe('InvalidPeerIdError')
      expect(await errorOf(a.dial(at(nodes, 3).peerId))).toBe('NoValidAddressesError')
      expect(await errorOf(a.dial(stopped))).toBe('ConnectionRefusedError')
      const before = clock.nowMs
      expect(await errorOf(a.dial(silent))).toBe('TimeoutError')
      expect(clock.nowMs - before).toBeCloseTo(6_000, 0)
    })
  })

  it('fail where another peer answers than the address names, known to the simulation or not', async () => {
    await onHosts(3, async ({ nodes, clock }) => {
      const [a, b, c] = [at(nodes, 0), at(nodes, 1), at(nodes, 2)]
      const place = b.address.toString().split('/p2p/')[0]
      const stranger = '12D3KooWGzBwGhAGa6ZWWrZuqYrDVzXTwdRGZbWfPWUGWJ5ZGRjn'
      for (const peer of [c.peerId.toString(), stranger]) {
        expect(await errorOf(a.dial(multiaddr(`${place}/p2p/${peer}`)))).toBe('InvalidPeerIdError')
      }
      await clock.sleep(1_000)
      expect(b.libp2p.getConnections()).toEqual([])
    })
  })

  it('go on with a dial that one of two callers has given up', async () => {
    await onHosts(2, async ({ nodes }) => {
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      const outcomes = await a.run(async (_, { libp2p }) => {
        const impatient = libp2p.dial(b.address, { signal: AbortSignal.timeout(30) })
        return [await errorOf(impatient), await errorOf(libp2p.dial(b.address))]
      })
      expect(outcomes).toEqual(['TimeoutError', 'no error'])
      const both = await a.run(async (_, { libp2p }) => {
        await libp2p.hangUp(b.peerId)
        const impatient = errorOf(libp2p.dial(b.address, { signal: AbortSignal.timeout(30) }))
        const patient = libp2p.dial(b.address)
        return [await impatient, (await patient).status]
      })
      expect(both).toEqual(['TimeoutError', 'open'])
    })
  })

  it('end a dial with the reason of its signal, and leave nothing open', async () => {
    await onHosts(2, async ({ nodes, clock }) => {
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      const dial = a.run((_, { libp2p }) => libp2p.dial(b.address, { signal: AbortSignal.timeout(30) }))
      expect(await errorOf(dial)).toBe('TimeoutError')
      await clock.sleep(1_000)
      expect([a.libp2p.getConnections(), b.libp2p.getConnections()]).toEqual([[], []])
    })
  })

  it('are refused beyond maxConnections of the one who is dialled', async () => {
    await onHosts(
      3,
      async ({ nodes }) => {
        await at(nodes, 1).dial(at(nodes, 0))
        expect(await errorOf(at(nodes, 2).dial(at(nodes, 0)))).not.toBe('no error')
        expect(at(nodes, 0).libp2p.getConnections().length).toBe(1)
      },
      { options: () => ({ maxConnections: 1 }) },
    )
  })

  it.each([
    ['denyDialPeer', 0, 'DialDeniedError'],
    ['denyDialMultiaddr', 0, 'DialDeniedError'],
    ['denyOutboundConnection', 0, 'ConnectionInterceptedError'],
    ['denyOutboundEncryptedConnection', 0, 'ConnectionInterceptedError'],
    ['denyOutboundUpgradedConnection', 0, 'ConnectionInterceptedError'],
    ['denyInboundConnection', 1, 'ConnectionFailedError'],
    ['denyInboundEncryptedConnection', 1, 'ConnectionFailedError'],
    ['denyInboundUpgradedConnection', 1, 'ConnectionFailedError'],
  ] as const)('are refused by the gater’s %s at node %i as %s', async (method, index, name) => {
    const gater: ConnectionGater = { [method]: async () => true }
    await onHosts(
      2,
      async ({ nodes, clock }) => {
        expect(await errorOf(at(nodes, 0).dial(at(nodes, 1)))).toBe(name)
        await clock.sleep(1_000)
        expect(nodes.map(({ libp2p }) => libp2p.getConnections().length)).toEqual([0, 0])
      },
      gated(gater, index),
    )
  })
})

describe('protocols', () => {
  it('are known from identify, and topologies hear of peers that speak theirs, and of their going', async () => {
    await onHosts(3, async ({ nodes, clock }) => {
      const [a, b, c] = [at(nodes, 0), at(nodes, 1), at(nodes, 2)]
      const log: string[] = []
      const name = (peer: { equals(other: unknown): boolean }): string => (peer.equals(b.peerId) ? 'b' : 'c')
      await echo(b)
      await clock.sleep(PUSHED_MS)
      await a.run(({ held }) =>
        held.components.registrar.register('/echo/1', {
          onConnect: (peer) => void log.push(`${name(peer)} connects`),
          onDisconnect: (peer) => void log.push(`${name(peer)} disconnects`),
        }),
      )
      await a.dial(b)
      await a.dial(c)
      await clock.sleep(500)
      expect(log).toEqual(['b connects'])
      await echo(c)
      await clock.sleep(PUSHED_MS)
      expect(log).toEqual(['b connects', 'c connects'])
      await c.run((_, { libp2p }) => libp2p.unhandle('/echo/1'))
      await clock.sleep(PUSHED_MS)
      await a.run((_, { libp2p }) => libp2p.hangUp(b.peerId))
      await clock.sleep(500)
      expect(log).toEqual(['b connects', 'c connects', 'c disconnects', 'b disconnects'])
    })
  })

  it('tell who the peer is: protocols, address and agent', async () => {
    await onHosts(2, async ({ nodes, clock }) => {
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      const seen: IdentifyResult[] = []
      b.libp2p.addEventListener('peer:identify', ({ detail }) => seen.push(detail))
      await echo(a)
      await a.dial(b)
      await clock.sleep(500)
      expect(seen[0]?.protocols).toContain('/echo/1')
      expect(seen[0]?.listenAddrs.map(String)).toEqual([a.address.toString()])
      const known = await b.libp2p.peerStore.get(a.peerId)
      expect(known.addresses.map((address) => address.multiaddr.toString())).toEqual([a.address.toString()])
      expect(new TextDecoder().decode(known.metadata.get('AgentVersion'))).toBe('simnet/1.0.0')
    })
  })

  it('refuse the stream beyond maxOutboundStreams here, and end the one beyond maxInboundStreams there', async () => {
    await onHosts(2, async ({ nodes, clock }) => {
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      const inbound: Stream[] = []
      const take = (stream: Stream): void => void inbound.push(stream)
      await b.run((_, { libp2p }) => libp2p.handle('/few/1', take, { maxInboundStreams: 2 }))
      await b.run((_, { libp2p }) => libp2p.handle('/many/1', () => {}))
      const connection = await a.dial(b)
      const open = (protocol: string): Promise<string> =>
        errorOf(a.run(() => connection.newStream(protocol, { maxOutboundStreams: 3 })))
      const outcomes = [await open('/many/1'), await open('/many/1'), await open('/many/1'), await open('/many/1')]
      expect(outcomes[2]).toBe('no error')
      expect(outcomes[3]).toBe('TooManyOutboundProtocolStreamsError')
      for (let opened = 0; opened < 3; opened++) await open('/few/1')
      await clock.sleep(500)
      expect(inbound.length).toBe(2)
      expect(connection.streams.filter(({ protocol }) => protocol === '/few/1').length).toBe(2)
    })
  })

  it('that nobody speaks are an UnsupportedProtocolError, and the first common one of several is taken', async () => {
    await onHosts(2, async ({ nodes }) => {
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      await echo(b)
      const connection = await a.dial(b)
      expect(await errorOf(a.run(() => connection.newStream('/none/1')))).toBe('UnsupportedProtocolError')
      const stream = await a.run(() => connection.newStream(['/none/1', '/echo/1']))
      expect(stream.protocol).toBe('/echo/1')
    })
  })

  it('reset a stream whose handler throws', async () => {
    await onHosts(2, async ({ nodes, clock }) => {
      const [a, b] = [at(nodes, 0), at(nodes, 1)]
      await b.run((_, { libp2p }) => libp2p.handle('/throws/1', () => Promise.reject(new RangeError('of the handler'))))
      const connection = await a.dial(b)
      const stream = await a.run(() => connection.newStream('/throws/1'))
      await clock.sleep(500)
      expect(stream.status).toBe('reset')
    })
  })

  it('hand streams through middleware on both sides', async () => {
    await onHosts(2, async ({ nodes, clock }) => {
      const log: string[] = []
      for (const node of nodes) {
        await node.run((_, { libp2p }) =>
          libp2p.use('/echo/1', (stream, connection, next) => {
            log.push(`${node.index} ${stream.direction}`)
            next(stream, connection)
          }),
        )
      }
      await echo(at(nodes, 1))
      await at(nodes, 0).run((_, { libp2p }) => libp2p.dialProtocol(at(nodes, 1).address, '/echo/1'))
      await clock.sleep(100)
      expect(log.toSorted()).toEqual(['0 outbound', '1 inbound'])
    })
  })
})

it('has a region for each node, and a /24 of its own', async () => {
  await createSimulation(quiet({ nodes: 300, region: (index) => (index % 2 === 0 ? 'north' : 'south') })).run(
    async ({ nodes }) => {
      expect(new Set(nodes.map(({ region }) => region))).toEqual(new Set(['north', 'south']))
      const networks = nodes.map(({ address }) => address.toString().split('/')[2]?.split('.').slice(0, 3).join('.'))
      expect(new Set(networks).size).toBe(300)
    },
  )
})

it.each(['host', 'stack'] as const)('has ports of its own for each node at one address, at level %s', async (level) => {
  await onHosts(
    3,
    async ({ nodes, network }) => {
      expect(nodes.map(({ address }) => address.toString().split('/p2p/')[0])).toEqual([
        '/ip4/10.0.0.1/tcp/4001',
        '/ip4/10.0.0.1/tcp/4002',
        '/ip4/10.0.0.1/tcp/4003',
      ])
      for (const node of nodes.slice(1)) await network.connect(at(nodes, 0), node)
      network.crash(at(nodes, 1))
      expect(await errorOf(network.connect(at(nodes, 2), at(nodes, 1)))).toBe('ConnectionRefusedError')
      expect(at(nodes, 0).libp2p.getPeers()).toEqual([at(nodes, 2).peerId])
    },
    { level, ip: () => '10.0.0.1', services: () => ({}) as never },
  )
})

it('leaves nodes down at first, and has them join when they are told to', async () => {
  await onHosts(
    4,
    async ({ nodes, network }) => {
      const late = at(nodes, 2)
      expect(nodes.map(({ status }) => status)).toEqual(['up', 'up', 'stopped', 'up'])
      expect(await errorOf(network.connect(at(nodes, 0), late))).toBe('ConnectionRefusedError')
      await network.connectAll({ degree: 2 })
      await network.restart(late)
      await network.connect(late, at(nodes, 0))
      expect(late.libp2p.getPeers()).toHaveLength(1)
    },
    { isDown: (index) => index === 2 },
  )
})

it('stores the signed record of a peer, as bytes that anybody can verify, and the newer one after a restart', async () => {
  await onHosts(2, async ({ nodes, network, clock }) => {
    const [reader, author] = [at(nodes, 0), at(nodes, 1)]
    const recordOf = async (): Promise<PeerRecord> => {
      const { peerRecordEnvelope, addresses } = await reader.libp2p.peerStore.get(author.peerId)
      expect(addresses).toEqual([{ multiaddr: author.address, isCertified: true }])
      const envelope = await RecordEnvelope.openAndCertify(peerRecordEnvelope ?? new Uint8Array(), PeerRecord.DOMAIN)
      expect(peerIdFromPublicKey(envelope.publicKey).equals(author.peerId)).toBe(true)
      return PeerRecord.createFromProtobuf(envelope.payload)
    }
    await network.connect(reader, author)
    await clock.sleep(1_000)
    const first = await recordOf()
    network.crash(author)
    await clock.sleep(1_000)
    await network.restart(author)
    await network.connect(reader, author)
    await clock.sleep(1_000)
    const second = await recordOf()
    expect([first, second].map(({ peerId }) => peerId.equals(author.peerId))).toEqual([true, true])
    expect(second.seqNumber > first.seqNumber).toBe(true)
  })
})

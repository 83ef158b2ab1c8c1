import { type DiscoveryInit, type DiscoveryService, type Strategy, discovery } from '@gridmesh/discovery-coordinator'
import type { Candidate } from '@gridmesh/interfaces'
import { freePorts } from '@gridmesh-internal/support'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { type Libp2p, createLibp2p } from 'libp2p'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SOON } from '../src/mesh.ts'

const links = { transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] }
const listen = ['/ip4/127.0.0.1/tcp/0']

type Seeker = Libp2p<{ discovery: DiscoveryService }>
const running: { stop(): Promise<void> | void }[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const node of running.splice(0)) await node.stop()
})

async function member(): Promise<Libp2p> {
  const node = await createLibp2p({ ...links, addresses: { listen } })
  running.push(node)
  return node
}

/** A plain node that looks for peers in one way of the test's own. */
async function seeker(strategy: Strategy, init: DiscoveryInit): Promise<{ node: Seeker; tells: string[] }> {
  const node = await createLibp2p({
    ...links,
    addresses: { listen: [] },
    start: false,
    connectionManager: { reconnectRetries: 0 },
    services: { discovery: discovery({ intervalMs: 20, maxIntervalMs: 320, ...init, strategies: [strategy] }) },
  })
  running.push(node)
  const tells: string[] = []
  node.services.discovery.addEventListener('discovery:minimum', ({ detail: { isMet, ready, minPeers } }) => {
    tells.push(`${isMet ? 'met' : 'below'}: ${ready} of ${minPeers}`)
  })
  await node.start()
  return { node, tells }
}

const candidateOf = (node: Libp2p): Candidate => ({ id: node.peerId, addresses: node.getMultiaddrs() })

/** A strategy that offers what the list holds at the time, and counts how often it is asked. */
function offering(candidates: readonly Candidate[]): Strategy & { asked: number } {
  const strategy = {
    name: 'list',
    asked: 0,
    async *discover() {
      strategy.asked++
      yield* candidates
    },
  }
  return strategy
}

describe('the minimum of peers', () => {
  it('is told once when it is not met and once when it is, is tracked, and asks for nothing while it is met', async () => {
    const members = [await member(), await member(), await member()]
    const known: Candidate[] = []
    const strategy = offering(known)
    const { node, tells } = await seeker(strategy, { minPeers: 2, targetPeers: 2, maxIntervalMs: 3_600_000 })
    await vi.waitFor(() => expect(tells).toEqual(['below: 0 of 2']), SOON)
    expect(node.services.discovery.stats()).toMatchObject({ ready: 0, linked: 0 })

    known.push(...members.map(candidateOf))
    await vi.waitFor(() => expect(tells).toEqual(['below: 0 of 2', 'met: 2 of 2']), SOON)
    await vi.waitFor(() => expect(node.services.discovery.stats().dialing).toBe(0), SOON)
    const { ready, rounds } = node.services.discovery.stats()
    expect(ready).toBe(node.getPeers().length)
    expect(node.services.discovery.stats().timeToMinimumMs).toBeGreaterThan(0)

    // At the target the next round is an hour away: whoever wants one asks for it.
    const { asked } = strategy
    await node.services.discovery.discoverNow()
    expect(strategy.asked).toBe(asked + 1)
    expect(node.services.discovery.stats().rounds).toBe(rounds)
    expect(tells).toHaveLength(2)

    for (const one of members) await one.stop()
    await vi.waitFor(
      () => expect(tells).toEqual(['below: 0 of 2', 'met: 2 of 2', expect.stringMatching(/^below: /)]),
      SOON,
    )
    await vi.waitFor(() => expect(strategy.asked).toBeGreaterThan(asked + 1), SOON)
  })

  it('is sought with a pause that doubles while nothing comes of it, and counted anew once something did', async () => {
    const found = candidateOf(await member())
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const known: Candidate[] = []
    const strategy = offering(known)
    const { node } = await seeker(strategy, { minPeers: 1, intervalMs: 50, maxIntervalMs: 400 })
    const fruitless = (): number => node.services.discovery.stats().fruitlessRounds
    await vi.advanceTimersByTimeAsync(0)
    expect(strategy.asked).toBe(1)
    for (const [index, pauseMs] of [50, 100, 200, 400, 400].entries()) {
      await vi.advanceTimersByTimeAsync(pauseMs - 1)
      expect(strategy.asked).toBe(index + 1)
      await vi.advanceTimersByTimeAsync(1)
      expect(strategy.asked).toBe(index + 2)
      expect(fruitless()).toBe(index + 1)
    }

    known.push(found)
    await vi.waitFor(() => {
      expect(node.services.discovery.stats().ready).toBe(1)
      expect(fruitless()).toBe(0)
    }, SOON)
  })
})

describe('hundreds of candidates, of which nearly all are dead', () => {
  it('bring the minimum all the same, within the bounds on candidates and dials, and every dial is accounted for', async () => {
    const alive = [await member(), await member(), await member(), await member()]
    const firstPort = await freePorts(200)
    const ids = await Promise.all(
      Array.from({ length: 200 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))),
    )
    const dead = ids.map((id, index) => {
      return { id, addresses: [multiaddr(`/ip4/127.0.0.1/tcp/${firstPort + index}/p2p/${id.toString()}`)] }
    })
    // The living ones come last.
    const strategy = offering([...dead, ...alive.map(candidateOf)])
    const init = { minPeers: 4, targetPeers: 4, maxCandidates: 100, dialConcurrency: 8, dialDeadlineMs: 5_000 }
    const { node, tells } = await seeker(strategy, { ...init, maxDialsPerRound: 64, maxOvershoot: 16 })
    let most = { candidates: 0, dialing: 0 }
    await vi.waitFor(() => {
      const { candidates, dialing } = node.services.discovery.stats()
      most = { candidates: Math.max(most.candidates, candidates), dialing: Math.max(most.dialing, dialing) }
      expect(tells).toEqual(['below: 0 of 4', 'met: 4 of 4'])
    }, SOON)
    expect(most.candidates).toBeLessThanOrEqual(100)
    expect(most.dialing).toBeLessThanOrEqual(8)
    await vi.waitFor(() => expect(node.services.discovery.stats().dialing).toBe(0), SOON)
    const { dials, strategies, successRatio } = node.services.discovery.stats()
    expect(dials.attempts).toBe(dials.succeeded + dials.failed + dials.neutral)
    expect(dials.succeeded).toBe(4)
    expect(dials.failed).toBeGreaterThan(0)
    expect(strategies['list']).toMatchObject({ dials: dials.attempts, successes: dials.succeeded })
    expect(successRatio).toBeLessThan(1 / 3)
    expect(new Set(node.getPeers().map(String))).toEqual(new Set(alive.map(({ peerId }) => peerId.toString())))
  })
})

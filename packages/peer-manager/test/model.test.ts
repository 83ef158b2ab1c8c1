import type { PeerState } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { DefaultPeerManager } from '../src/peer-manager.ts'
import { PEER_STATES } from '../src/transitions.ts'
import { at, type FakeConnection, FakeLibp2p, makeHello, makeManager, makePeerIds } from './support.ts'

const ids = await makePeerIds(5)
const self = at(ids, 0)
const peers = ids.slice(1)

/** Written without the transition table: what a person would say of a peer after each event. */
interface NaivePeer {
  isKnown: boolean
  isDialled: boolean
  isReady: boolean
  isBanned: boolean
  links: { connection: FakeConnection; hadGoodbye: boolean }[]
}

interface Model {
  peers: NaivePeer[]
}

interface Real {
  libp2p: FakeLibp2p
  manager: DefaultPeerManager
}

function blank(): NaivePeer {
  return { isKnown: false, isDialled: false, isReady: false, isBanned: false, links: [] }
}

function naiveState(peer: NaivePeer): PeerState {
  if (peer.isBanned) return 'banned'
  if (peer.links.some(({ hadGoodbye }) => !hadGoodbye)) return peer.isReady ? 'ready' : 'connected'
  if (peer.isDialled) return 'connecting'
  return peer.links.length > 0 ? 'draining' : 'known'
}

function check(model: Model, { manager }: Real): void {
  const expected = Object.fromEntries(PEER_STATES.map((state) => [state, 0]))
  for (const [index, peer] of model.peers.entries()) {
    const state = peer.isKnown ? naiveState(peer) : undefined
    expect(manager.get(at(peers, index))?.state).toBe(state)
    if (state !== undefined) expected[state] = (expected[state] ?? 0) + 1
  }
  expect(manager.stats().byState).toEqual(expected)
  const { byState } = manager.stats()
  expect(byState.connected + byState.ready + byState.draining).toBeLessThanOrEqual(manager.peers.size)
  expect(manager.peers.size).toBe(model.peers.filter(({ isKnown }) => isKnown).length)
}

/** One event about one peer, applied to both. */
class Step implements fc.AsyncCommand<Model, Real> {
  readonly #name: string
  readonly #who: number
  readonly #pick: number

  constructor(name: keyof typeof EVENTS, who: number, pick: number) {
    this.#name = name
    this.#who = who
    this.#pick = pick
  }

  check(): boolean {
    return true
  }

  async run(model: Model, real: Real): Promise<void> {
    const apply = Object.entries(EVENTS).find(([name]) => name === this.#name)?.[1]
    await apply?.(at(model.peers, this.#who), at(peers, this.#who), real, this.#pick)
    check(model, real)
  }

  toString(): string {
    return `${this.#name}(${this.#who}, ${this.#pick})`
  }
}

type Apply = (model: NaivePeer, peer: PeerId, real: Real, pick: number) => void | Promise<void>

const EVENTS = {
  open: async (model, peer, { libp2p }, pick) => {
    const connection = libp2p.open(peer, pick % 2 === 0 ? 'inbound' : 'outbound')
    Object.assign(model, { isKnown: true, isDialled: false })
    if (!model.isBanned) model.links.push({ connection, hadGoodbye: false })
    // A banned peer is turned out in the same breath.
    else await vi.advanceTimersByTimeAsync(0)
    expect(connection.status).toBe(model.isBanned ? 'closed' : 'open')
  },
  close: (model, _peer, { libp2p }, pick) => {
    const link = model.links[pick % Math.max(1, model.links.length)]
    if (link === undefined) return
    model.links = model.links.filter((other) => other !== link)
    if (model.links.length === 0 || model.links.every(({ hadGoodbye }) => hadGoodbye)) model.isReady = false
    libp2p.close(link.connection)
  },
  closeUnheardOf: (_model, peer, { libp2p }) => {
    libp2p.say('connection:close', libp2p.make(peer))
  },
  closeTwice: (_model, peer, { libp2p }) => {
    const connection = libp2p.make(peer)
    libp2p.say('connection:close', connection)
    libp2p.say('connection:close', connection)
  },
  openClosed: (model, peer, { libp2p }) => {
    const connection = libp2p.make(peer)
    connection.status = 'closed'
    libp2p.say('connection:open', connection)
    model.isKnown = true
  },
  connect: (_model, peer, { libp2p }) => {
    libp2p.events.safeDispatchEvent('peer:connect', { detail: peer })
  },
  disconnect: (_model, peer, { libp2p }) => {
    libp2p.events.safeDispatchEvent('peer:disconnect', { detail: peer })
  },
  discover: (model, peer, { libp2p }) => {
    libp2p.events.safeDispatchEvent('peer:discovery', { detail: { id: peer, multiaddrs: [] } })
    model.isKnown = true
  },
  dial: (model, peer, { manager }) => {
    manager.markConnecting(peer)
    if (naiveState(model) === 'known') model.isDialled = true
    model.isKnown = true
  },
  dialFails: (model, peer, { manager }) => {
    manager.markFailed(peer)
    Object.assign(model, { isKnown: true, isDialled: false })
  },
  ready: (model, peer, { manager }) => {
    manager.markReady(peer, makeHello())
    if (naiveState(model) === 'connected') model.isReady = true
  },
  drain: (model, peer, { manager }) => {
    manager.markDraining(peer)
    for (const link of model.links) link.hadGoodbye = true
    model.isReady = false
  },
  traffic: (_model, peer, { manager }, pick) => {
    manager.countTraffic(peer, 'normal', 'in', pick)
    manager.updateHealth(peer, { score: pick })
  },
  ban: async (model, peer, { manager }) => {
    Object.assign(model, { isKnown: true, isBanned: true, isReady: false, isDialled: false, links: [] })
    await manager.ban(peer, 'said so')
  },
  unban: async (model, peer, { manager }) => {
    await manager.unban(peer)
    model.isBanned = false
  },
} satisfies Record<string, Apply>

const NAMES = Object.keys(EVENTS).filter((name): name is keyof typeof EVENTS => name in EVENTS)

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
})

afterEach(() => {
  vi.useRealTimers()
})

it(
  'stands, and counts, exactly as the events it was given say, whatever their order',
  { timeout: 30_000 },
  async () => {
    const step = fc
      .tuple(fc.constantFrom(...NAMES), fc.nat(peers.length - 1), fc.nat(9))
      .map(([name, who, pick]) => new Step(name, who, pick))
    await fc.assert(
      fc.asyncProperty(fc.commands([step], { maxCommands: 60, size: '+1' }), async (steps) => {
        const { libp2p, manager } = makeManager(self)
        vi.clearAllTimers()
        await manager.start()
        await fc.asyncModelRun(() => ({ model: { peers: peers.map(blank) }, real: { libp2p, manager } }), steps)
        await manager.stop()
        const { byState } = manager.stats()
        expect(byState.connecting + byState.connected + byState.ready + byState.draining).toBe(0)
        expect(vi.getTimerCount()).toBe(0)
      }),
      { numRuns: 60 },
    )
  },
)

const report = fc.record({
  who: fc.nat(peers.length - 1),
  class: fc.constantFrom(
    'useful',
    'absent',
    'slow',
    'rate-limited',
    'invalid-message',
    'protocol-violation',
    'invalid-signature',
    'provable-lie',
  ),
  weight: fc.double({ min: 0, max: 5, noNaN: true }),
})

type Reported = typeof report extends fc.Arbitrary<infer T> ? T : never

async function outcome(reports: readonly Reported[]): Promise<unknown> {
  const { libp2p, manager } = makeManager(self, { minPeers: 2 })
  await manager.start()
  for (const peer of peers) libp2p.open(peer)
  for (const { who, ...rest } of reports) manager.report(at(peers, who), rest)
  await vi.advanceTimersByTimeAsync(0)
  const result = peers.map((peer) => {
    const record = manager.get(peer)
    return [record?.state, record?.reputation, record?.provenReputation, record?.bannedUntilMs]
  })
  await manager.stop()
  return result
}

it(
  'gives the same reputations, states and bans for the same reports in any order within a tick',
  { timeout: 30_000 },
  async () => {
    const shuffled = fc
      .array(report, { maxLength: 40 })
      .chain((reports) => fc.tuple(fc.constant(reports), fc.shuffledSubarray(reports, { minLength: reports.length })))
    await fc.assert(
      fc.asyncProperty(shuffled, async ([reports, others]) => {
        vi.setSystemTime(1_000_000)
        const expected = await outcome(reports)
        vi.setSystemTime(1_000_000)
        expect(await outcome(others)).toEqual(expected)
      }),
      { numRuns: 40 },
    )
  },
)

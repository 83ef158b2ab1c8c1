import type { Reason } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Arrivals } from '../src/arrivals.ts'
import { CROSSING_MS } from '../src/constants.ts'
import { type Decision, Door } from '../src/door.ts'
import type { ConnectionPoolInit } from '../src/index.ts'
import { haveCrossed, oldestOf } from '../src/oldest.ts'
import { resolveOptions } from '../src/options.ts'
import type { Place } from '../src/place.ts'
import { PoolState } from '../src/pool-state.ts'
import { RoleSettler } from '../src/role-settler.ts'
import type { Departure } from '../src/rooms.ts'
import { Ticket } from '../src/ticket.ts'
import { at, makePeerIds } from './support.ts'

const ids = await makePeerIds(13)
const self = at(ids, 0)
const peers = ids.slice(1)
const owner = at(peers, 0)
const places: readonly (Place | undefined)[] = [
  { ip: '1.1.1.1', network: '1.1.1' },
  { ip: '1.1.1.2', network: '1.1.1' },
  { ip: '2.2.2.1', network: '2.2.2' },
  { ip: '3.3.3.1', network: '3.3.3' },
  { ip: '4.4.4.1', network: '4.4.4' },
  undefined,
]
const limits = {
  maxInbound: 3,
  maxOutbound: 2,
  maxProbes: 1,
  maxTurnAways: 2,
  maxPending: 4,
  maxPerIp: 2,
  maxPerNetwork: 3,
  maxConnectionsPerPeer: 2,
  attemptsPerIpPerSecond: 50,
  protectedByLatency: 1,
  protectedByUse: 1,
  protectedRegions: 1,
  protectedRoles: 1,
  reservedPeers: [owner],
  reservedRoles: { authority: 2 },
} satisfies ConnectionPoolInit

/** Drives all decisions as the gater and the service do, without sockets or time. */
class World {
  readonly state = new PoolState(resolveOptions(limits))
  readonly #arrivals = new Arrivals(this.state)
  readonly #door = new Door(this.state)
  readonly #roles = new RoleSettler(this.state)
  readonly #banned = new Set<string>()
  readonly #reputation = new Map<string, number>()
  readonly #roleOf = new Map<string, string>()
  #nowMs = 0

  constructor() {
    this.state.view = {
      isSelf: (peer) => peer.equals(self),
      isLesserThan: (peer) => self.toString() < peer.toString(),
      bannedUntilMs: (peer) => (this.#banned.has(peer.toString()) ? 1 : undefined),
      standing: (peer) => ({
        reputation: this.#reputation.get(peer.toString()) ?? 0,
        role: this.#roleOf.get(peer.toString()),
      }),
      hasHandshake: true,
      hearsOfReady: true,
    }
  }

  arrive(place: Place | undefined): void {
    const taken = this.#arrivals.take(place, this.#nowMs++)
    if (!(taken instanceof Ticket)) expectNamed(taken)
  }

  identify(ticket: Ticket, peer: PeerId): void {
    const { ledger, reservations } = this.state
    const key = peer.toString()
    const isGoing = this.state.goingReason(key) !== undefined
    const isDuplicate = ledger.of(key).filter((other) => other !== ticket).length >= limits.maxConnectionsPerPeer
    const isHolding = ledger.of(key).some(({ slot }) => slot !== undefined)
    const role = this.#roleOf.get(key)
    const isRoleFree = role !== undefined && !isHolding && reservations.hasRoom(role, key)
    const decision = this.#door.identify(ticket, peer)
    if ('replaced' in decision && decision.replaced !== undefined) {
      const { reason, ticket: oldest } = decision.replaced
      expectNamed(reason)
      expect([isGoing, isDuplicate, oldest.key, oldest === ticket]).toEqual([false, true, key, false])
      ledger.close(oldest)
    }
    if (peer.equals(self)) expect(codeOf(decision)).toBe('self')
    else if (this.#banned.has(key)) expect(codeOf(decision)).toBe('banned')
    else if (!isGoing && !isDuplicate && (peer.equals(owner) || isRoleFree)) {
      expect(decision.kind).toBe('admit')
      if (!this.state.probed.has(key)) expect(ticket.slot).toBe('reserved')
    }
    if (decision.kind === 'refuse') {
      expectNamed(decision.reason)
      ledger.close(ticket)
    } else if (decision.kind === 'turn-away') expectNamed(decision.reason)
    else if (decision.kind === 'wait' && decision.evicted !== undefined) this.#expectFair(decision.evicted)
  }

  /** Lets connections of one peer arrive, which then say who they are in some order. Returns those that stay. */
  duplicate(peer: PeerId, order: readonly number[]): number[] {
    const { ledger } = this.state
    const tickets = order.map(() => ledger.open('inbound', undefined, this.#nowMs++))
    for (const index of order) this.identify(at(tickets, index), peer)
    return tickets.flatMap((ticket, index) => (ledger.tickets.has(ticket) ? [index] : []))
  }

  dial(place: Place | undefined, peer: PeerId): void {
    this.identify(this.state.ledger.open('outbound', place, this.#nowMs++), peer)
  }

  say(peer: PeerId, role: string | undefined): void {
    const key = peer.toString()
    if (!this.state.ledger.residents().has(key)) return
    if (role !== undefined) this.#roleOf.set(key, role)
    for (const departure of this.#roles.settle(peer, role)) this.#expectFair(departure)
  }

  /** A peer that is leaving, or any other, has closed its connections. */
  gone(peer: PeerId): void {
    const key = peer.toString()
    for (const ticket of this.state.ledger.of(key)) this.state.ledger.close(ticket)
    this.state.ledger.left(key)
  }

  leave(peer: PeerId): void {
    this.state.ledger.leave(peer.toString(), { code: 'test', message: 'test' })
  }

  toggleBan(peer: PeerId): void {
    const key = peer.toString()
    if (!this.#banned.delete(key)) this.#banned.add(key)
  }

  rate(peer: PeerId, reputation: number): void {
    this.#reputation.set(peer.toString(), reputation)
  }

  probe(peer: PeerId): void {
    const { ledger, probed } = this.state
    const key = peer.toString()
    // As the acquirer does: a probe begins where nothing is held, and ends when nothing is held any more.
    if (ledger.of(key).length > 0 || probed.delete(key) || probed.size >= limits.maxProbes) return
    probed.add(key)
  }

  /** The limits that are exceeded: what, how much there is, how much there may be. */
  exceeded(): [string, number, number][] {
    const { ledger } = this.state
    const tickets = [...ledger.tickets]
    const promised = tickets.flatMap(({ heirTo }) => heirTo ?? [])
    const strangers = ledger
      .holders('reserved')
      .filter(({ reservation, key }) => reservation?.role === undefined && key !== owner.toString())
    const found: [string, number, number][] = [
      ['maxInbound', ledger.used('inbound'), limits.maxInbound],
      ['maxOutbound', ledger.used('outbound'), limits.maxOutbound],
      ['maxProbes', ledger.used('probe'), limits.maxProbes],
      ['maxTurnAways', ledger.used('turned-away'), limits.maxTurnAways],
      ['reservedRoles', ledger.usedByRole('authority').size, limits.reservedRoles.authority],
      ['reservedPeers', strangers.length, 0],
      [
        'maxPending',
        tickets.filter(({ slot, direction }) => slot === undefined && direction === 'inbound').length,
        limits.maxPending,
      ],
      ['one heir each', promised.length - new Set(promised).size, 0],
      ['nothing promised that is gone', promised.filter(({ isClosed }) => isClosed).length, 0],
      ...peers.map((peer): [string, number, number] => [
        'maxConnectionsPerPeer',
        ledger.of(peer.toString()).length,
        limits.maxConnectionsPerPeer,
      ]),
      ...places.flatMap((place): [string, number, number][] => [
        ['maxPerIp', this.#placesIn(({ ip }) => ip === place?.ip), limits.maxPerIp],
        ['maxPerNetwork', this.#placesIn(({ network }) => network === place?.network), limits.maxPerNetwork],
      ]),
    ]
    return found.filter(([, used, limit]) => used > limit)
  }

  /** Of two connections that crossed, one takes a place. */
  #placesIn(isHere: (place: Place) => boolean): number {
    const { ledger } = this.state
    const used = [...ledger.tickets].filter(
      (one) => ledger.usedFrom(isHere) > ledger.without(one, () => ledger.usedFrom(isHere)),
    )
    const spare = used.filter((one) => {
      const others = used.filter(({ key, direction }) => key === one.key && direction === 'outbound')
      return one.direction === 'inbound' && others.some((other) => haveCrossed(one, other))
    })
    return ledger.usedFrom(isHere) - spare.length
  }

  #expectFair({ peer, reason }: Departure): void {
    expectNamed(reason)
    expect(peer.equals(owner)).toBe(false)
    const proven = this.state.ledger.of(peer.toString()).filter(({ reservation }) => reservation?.claim === 'proven')
    // Only its own new Hello moves a peer out of a slot that it had a right to.
    if (proven.length > 0) expect(this.#roleOf.get(peer.toString())).not.toBe('authority')
  }
}

function expectNamed(reason: Reason): void {
  expect(reason).toMatchObject({ code: expect.any(String), limit: expect.any(String), value: expect.any(Number) })
}

function codeOf(decision: Decision): string | undefined {
  return 'reason' in decision ? decision.reason.code : undefined
}

const who = fc.nat(ids.length - 1)
const where = fc.nat(places.length - 1)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('come' as const), who, where }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('dial' as const), who, where }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('arrive' as const), where }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('identify' as const), who, pick: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('close' as const), pick: fc.nat(19) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('gone' as const), who }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('say' as const),
      who,
      role: fc.constantFrom(undefined, 'authority', 'consumer'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('ban' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('probe' as const), who }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('rate' as const), who, reputation: fc.integer({ min: -100, max: 100 }) }),
  },
)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function pendingOf(world: World): Ticket[] {
  return [...world.state.ledger.tickets].filter(({ slot, heirTo }) => slot === undefined && heirTo === undefined)
}

function apply(world: World, given: Step): void {
  switch (given.do) {
    case 'come': {
      world.arrive(places[given.where])
      const ticket = pendingOf(world).at(-1)
      if (ticket !== undefined) world.identify(ticket, at(ids, given.who))
      return
    }
    case 'dial':
      world.dial(places[given.where], at(ids, given.who))
      return
    case 'arrive':
      world.arrive(places[given.where])
      return
    case 'identify': {
      const ticket = pendingOf(world).at(given.pick % 4)
      if (ticket !== undefined) world.identify(ticket, at(ids, given.who))
      return
    }
    case 'close': {
      const tickets = [...world.state.ledger.tickets]
      const ticket = tickets[given.pick % Math.max(1, tickets.length)]
      if (ticket !== undefined) world.state.ledger.close(ticket)
      return
    }
    case 'gone':
      world.gone(at(ids, given.who))
      return
    case 'say':
      world.say(at(ids, given.who), given.role)
      return
    case 'ban':
      world.toggleBan(at(ids, given.who))
      return
    case 'leave':
      world.leave(at(ids, given.who))
      return
    case 'probe':
      world.probe(at(ids, given.who))
      return
    case 'rate':
      world.rate(at(ids, given.who), given.reputation)
  }
}

it(
  'exceeds no limit, admits owners, refuses banned peers and names every limit, in any interleaving of events',
  { timeout: 30_000 },
  () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
        const world = new World()
        for (const given of steps) {
          apply(world, given)
          expect(world.exceeded()).toEqual([])
        }
      }),
      { numRuns: 600 },
    )
  },
)

it('keeps the newest connections of a peer, in whatever order they say who they are', () => {
  const orders = fc
    .integer({ min: 1, max: 8 })
    .chain((count) => fc.shuffledSubarray([...Array(count).keys()], { minLength: count }))
  fc.assert(
    fc.property(orders, fc.constantFrom(owner, at(peers, 1)), (order, peer) => {
      const newest = order.toSorted((a, b) => a - b).slice(-limits.maxConnectionsPerPeer)
      expect(new World().duplicate(peer, order)).toEqual(newest)
    }),
  )
})

it('has both sides close the same of two dials that crossed, whenever and in whatever order each hears of them', () => {
  const moment = fc.nat(CROSSING_MS - 1)
  const view = fc.record({ own: moment, other: moment, isOwnFirst: fc.boolean() })
  fc.assert(
    fc.property(view, view, (one, two) => {
      const closed = [one, two].map(({ own, other, isOwnFirst }, side) => {
        const tickets = [new Ticket('outbound', undefined, own), new Ticket('inbound', undefined, other)]
        const oldest = oldestOf(isOwnFirst ? tickets : tickets.toReversed(), side === 0)
        return oldest?.direction === 'outbound' ? side : 1 - side
      })
      expect(closed[0]).toBe(closed[1])
    }),
  )
})

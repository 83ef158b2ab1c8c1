import type { PeerState } from '@gridmesh/interfaces'
import { expect, it } from 'vitest'
import { IllegalTransitionError, UnknownPeerError } from '../src/errors.ts'
import { newRecord } from '../src/record.ts'
import { PeerRegistry } from '../src/registry.ts'
import { canMove, PEER_STATES, stateForLinks, TRANSITIONS } from '../src/transitions.ts'
import { at, makePeerIds } from './support.ts'

const ids = await makePeerIds(1)

const moves = PEER_STATES.flatMap((from) => PEER_STATES.map((to) => ({ from, to })))

function holding(state: PeerState): { registry: PeerRegistry; key: string } {
  const registry = new PeerRegistry()
  const record = { ...newRecord(at(ids, 0), 0), state }
  registry.put(record)
  return { registry, key: record.id.toString() }
}

it.each(moves.filter(({ from, to }) => TRANSITIONS[from].includes(to)))(
  'moves a peer from $from to $to',
  ({ from, to }) => {
    const { registry, key } = holding(from)
    expect(registry.move(key, to).state).toBe(to)
    expect(registry.counts()).toMatchObject({ [from]: 0, [to]: 1 })
  },
)

it.each(moves.filter(({ from, to }) => !TRANSITIONS[from].includes(to)))(
  'throws, and changes nothing, instead of moving a peer from $from to $to',
  ({ from, to }) => {
    const { registry, key } = holding(from)
    const before = registry.snapshot
    const error = { name: IllegalTransitionError.name, code: 'illegal-transition', from, to }
    expect(() => registry.move(key, to)).toThrow(expect.objectContaining(error))
    expect(registry.snapshot).toBe(before)
    expect(registry.counts()[from]).toBe(1)
  },
)

it('reaches every state from known, and known from every state', () => {
  for (const state of PEER_STATES) {
    if (state === 'known') continue
    expect(canMove(state, 'known')).toBe(true)
    expect(PEER_STATES.some((from) => canMove(from, state))).toBe(true)
  }
})

it('leaves banned for nothing but known', () => {
  expect(TRANSITIONS.banned).toEqual(['known'])
})

it.each(
  PEER_STATES.flatMap((state) => [
    { state, total: 0, fresh: 0 },
    { state, total: 1, fresh: 0 },
    { state, total: 1, fresh: 1 },
    { state, total: 2, fresh: 1 },
  ]),
)('calls for a legal move from $state with $total connections, $fresh of them fresh', ({ state, total, fresh }) => {
  const to = stateForLinks(state, { total, fresh })
  expect(to === state || canMove(state, to)).toBe(true)
})

it.each([
  ['a close before the handshake', 'connected', { total: 0, fresh: 0 }, 'known'],
  ['the last close of a ready peer', 'ready', { total: 0, fresh: 0 }, 'known'],
  ['one of two closes', 'ready', { total: 1, fresh: 1 }, 'ready'],
  ['a goodbye', 'ready', { total: 1, fresh: 0 }, 'draining'],
  ['a redial before the old connection closed', 'draining', { total: 2, fresh: 1 }, 'connected'],
  ['a dial under way', 'connecting', { total: 0, fresh: 0 }, 'connecting'],
  ['an inbound connection during our dial', 'connecting', { total: 1, fresh: 1 }, 'connected'],
  ['any connection of a banned peer', 'banned', { total: 1, fresh: 1 }, 'banned'],
] as const)('maps %s', (_, from, links, to) => {
  expect(stateForLinks(from, links)).toBe(to)
})

it('refuses to change a peer that it does not hold', () => {
  const registry = new PeerRegistry()
  expect(() => registry.move('nobody', 'banned')).toThrow(expect.objectContaining({ name: UnknownPeerError.name }))
  expect(() => registry.update('nobody', {})).toThrow(expect.objectContaining({ code: 'unknown-peer' }))
  expect(registry.remove('nobody')).toBe(false)
})

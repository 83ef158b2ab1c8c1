import fc from 'fast-check'
import { expect, it } from 'vitest'
import { changeRecord, mergeAddresses, newRecord } from '../src/record.ts'
import { PeerRegistry } from '../src/registry.ts'
import { canMove, PEER_STATES } from '../src/transitions.ts'
import { at, makePeerIds } from './support.ts'

const peers = await makePeerIds(5)

const change = fc.record({
  who: fc.nat(4),
  to: fc.constantFrom(...PEER_STATES),
  kind: fc.constantFrom('move', 'put', 'remove', 'update'),
})

function apply(
  registry: PeerRegistry,
  { who, to, kind }: { who: number; to: (typeof PEER_STATES)[number]; kind: string },
): void {
  const id = at(peers, who)
  const key = id.toString()
  const state = registry.get(key)?.state
  if (kind === 'put') registry.put(newRecord(id, 0))
  else if (kind === 'remove') registry.remove(key)
  else if (state === undefined) return
  else if (kind === 'update') registry.update(key, { height: (registry.get(key)?.height ?? 0) + 1 })
  else if (canMove(state, to)) registry.move(key, to)
}

it('never changes a snapshot that it gave out', () => {
  fc.assert(
    fc.property(fc.array(change), fc.array(change), (before, after) => {
      const registry = new PeerRegistry()
      for (const one of before) apply(registry, one)
      const snapshot = registry.snapshot
      const copy = JSON.stringify(snapshot.toJS())
      for (const one of after) apply(registry, one)
      expect(JSON.stringify(snapshot.toJS())).toBe(copy)
    }),
  )
})

it('counts in each state exactly the records that are in it', () => {
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const registry = new PeerRegistry()
      for (const one of changes) apply(registry, one)
      const records = [...registry.snapshot.values()]
      for (const state of PEER_STATES) {
        expect(registry.counts()[state]).toBe(records.filter((record) => record.state === state).length)
        expect(registry.inStates(state)).toHaveLength(registry.counts()[state])
      }
      expect(registry.size).toBe(records.length)
    }),
  )
})

it('freezes records, so that no reader can change them', () => {
  const record = newRecord(at(peers, 0), 0)
  expect(Object.isFrozen(record)).toBe(true)
  expect(Object.isFrozen(record.traffic.bulk)).toBe(true)
  expect(Object.isFrozen(changeRecord(record, { height: 1 }))).toBe(true)
})

it('takes removed fields away instead of leaving them undefined', () => {
  const record = changeRecord(newRecord(at(peers, 0), 0), { direction: 'inbound' })
  expect(Object.hasOwn(changeRecord(record, {}, ['direction']), 'direction')).toBe(false)
})

it('keeps the newest addresses of a peer, each once, each ending in its id', () => {
  const limits = { maxAddresses: 2, maxAddressLength: 30 }
  expect(mergeAddresses('me', [], ['/memory/a'], limits)).toEqual(['/memory/a/p2p/me'])
  expect(mergeAddresses('me', ['/memory/a/p2p/me'], ['/memory/b', '/memory/a/p2p/me'], limits)).toEqual([
    '/memory/b/p2p/me',
    '/memory/a/p2p/me',
  ])
  expect(mergeAddresses('me', ['/a/p2p/me', '/b/p2p/me'], ['/c'], limits)).toEqual(['/c/p2p/me', '/a/p2p/me'])
  expect(mergeAddresses('me', [], ['/memory/a/p2p/you', `/${'x'.repeat(30)}`], limits)).toEqual([])
})

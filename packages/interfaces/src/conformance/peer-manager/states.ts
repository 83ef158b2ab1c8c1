import assert from 'node:assert/strict'
import type { PeerState } from '../../peer.ts'
import type { ConformanceCase } from '../case.ts'
import { assertTyped } from '../expectations.ts'
import { helloWith, type PeerManagerBench, type PeerManagerTrial } from './trial.ts'

/** Where a peer may go from each state, if every manager is to tell the same story. */
const MOVES: Readonly<Record<PeerState, readonly PeerState[]>> = {
  known: ['connecting', 'connected', 'draining', 'banned'],
  connecting: ['known', 'connected', 'banned'],
  connected: ['known', 'ready', 'draining', 'banned'],
  ready: ['known', 'draining', 'banned'],
  draining: ['known', 'connected', 'banned'],
  banned: ['known'],
}
const WALK_STEPS = 200

/** The states: each move is legal and told, and the counts are what was told. */
export function stateCases(bench: PeerManagerBench): ConformanceCase[] {
  return [
    bench.law('leads a peer from known to ready and back, and tells of each move', 1, async (trial) => {
      const peer = trial.peer(0)
      trial.manager.markConnecting(peer)
      assert.equal(trial.stateOf(peer), 'connecting')
      await trial.makeReady(peer)
      trial.manager.markDraining(peer)
      assert.equal(trial.stateOf(peer), 'draining')
      await trial.world.hangUp(peer)
      await trial.reaches(peer, 'known')
      const told = trial.moves.map(({ from, to }) => `${from} to ${to}`)
      assert.deepEqual(told, [
        'known to connecting',
        'connecting to connected',
        'connected to ready',
        'ready to draining',
        'draining to known',
      ])
      for (const move of trial.moves) assert.equal(move.peer.toString(), peer.toString())
    }),
    bench.law('takes a dial that failed back, and counts it', 1, (trial) => {
      const peer = trial.peer(0)
      trial.manager.markConnecting(peer)
      trial.manager.markFailed(peer)
      assert.equal(trial.stateOf(peer), 'known')
      assert.equal(trial.manager.get(peer)?.failures, 1)
    }),
    bench.law('makes nobody ready who is not connected', 1, async (trial) => {
      tryMove(() => trial.manager.markReady(trial.peer(0), helloWith()))
      await trial.tick()
      assert.notEqual(trial.stateOf(trial.peer(0)), 'ready')
      assert.deepEqual(trial.manager.select(), [])
    }),
    bench.law('says in the move why a peer is parted from, and who said so', 1, async (trial) => {
      const peer = trial.peer(0)
      await trial.makeReady(peer)
      const reason = { code: 'conformance', message: 'the case is over' }
      trial.manager.markDraining(peer, { reason, by: 'them' })
      const move = trial.moves.at(-1)
      assert.equal(move?.to, 'draining')
      assert.deepEqual(move.reason, reason)
      assert.equal(move.by, 'them')
    }),
    bench.law('moves legally whatever it is told, and its counts are the moves it told of', 4, walk),
    bench.law('tells nothing to a listener that was removed', 1, (trial) => {
      let heard = 0
      const listener = (): void => void heard++
      trial.manager.addEventListener('peer:state', listener)
      trial.manager.removeEventListener('peer:state', listener)
      trial.manager.markConnecting(trial.peer(0))
      assert.equal(heard, 0)
      assert.equal(trial.moves.length, 1)
    }),
  ]
}

/** A walk through every call, the same in every run. */
async function walk(trial: PeerManagerTrial): Promise<void> {
  const pick = picker(7)
  for (let step = 0; step < WALK_STEPS; step++) {
    const peer = trial.peer(pick(4))
    const { manager, world } = trial
    const calls = [
      () => (world.isConnected(peer) ? undefined : world.connect(peer)),
      () => world.hangUp(peer),
      () => manager.markConnecting(peer),
      () => manager.markFailed(peer),
      () => manager.markReady(peer, helloWith()),
      () => manager.markDraining(peer),
      () => manager.ban(peer, 'conformance'),
      () => manager.unban(peer),
      () => manager.disconnect(peer, { code: 'conformance', message: 'the case says so' }),
    ]
    await trial.patience.within('a call of the walk', attempt(calls[pick(calls.length)]))
    await trial.tick()
    assertToldAll(trial)
  }
}

function assertToldAll({ manager, moves }: PeerManagerTrial): void {
  const states = new Map<string, PeerState>()
  for (const { peer, from, to } of moves) {
    const key = peer.toString()
    assert.equal(from, states.get(key) ?? 'known', `a move to ${to} began in ${from}`)
    assert.ok(MOVES[from].includes(to), `there is no move from ${from} to ${to}`)
    states.set(key, to)
  }
  const counts = { known: 0, connecting: 0, connected: 0, ready: 0, draining: 0, banned: 0 }
  for (const [key, { state }] of manager.peers) {
    assert.equal(state, states.get(key) ?? 'known', 'the state of a record is not the one told')
    counts[state]++
  }
  assert.deepEqual({ ...manager.stats().byState }, counts)
}

/** A manager may refuse a call that makes no sense, with an error that says so. */
async function attempt(call: (() => unknown) | undefined): Promise<void> {
  try {
    await call?.()
  } catch (err) {
    assertTyped(err, 'a call that makes no sense')
  }
}

function tryMove(call: () => void): void {
  try {
    call()
  } catch (err) {
    assertTyped(err, 'a call that makes no sense')
  }
}

/** Numbers below a bound, by Lehmer's generator. */
function picker(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (state * 48_271) % 2_147_483_647
    return state % bound
  }
}

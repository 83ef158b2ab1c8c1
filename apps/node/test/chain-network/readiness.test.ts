import type { BlockSync, BlockSyncEvents, SyncPeer, SyncPhase } from '@gridmesh/block-sync'
import fc from 'fast-check'
import { TypedEventEmitter } from 'main-event'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import type { ChainEvents } from '../../src/chain/events.ts'
import { Readiness } from '../../src/chain-network/readiness.ts'

/** A sync of which the test says what it does. */
class FakeSync extends TypedEventEmitter<BlockSyncEvents> {
  phase: SyncPhase = 'idle'

  readonly sync = vi.fn<BlockSync['sync']>()

  status(): { phase: SyncPhase } {
    return { phase: this.phase }
  }

  /** A run comes to its end. */
  end(): void {
    this.phase = 'idle'
    const detail = { status: 'failed', code: 'no-progress', message: '', tip: { height: 0, hash: '' }, imported: 0 }
    this.safeDispatchEvent('sync:failed', { detail })
  }

  progress(): void {
    this.safeDispatchEvent('sync:progress', { detail: { from: 0, height: 1, target: 9, blocksPerSecond: 1 } })
  }
}

interface Setup {
  sync: FakeSync
  readiness: Readiness
  authorities: string[]
  /** The newest block that is here. */
  header: { height: number }
  /** The peers that have said where they stand. */
  peers: SyncPeer[]
  /** A block comes to the chain, made so long ago. */
  importOf: (ageMs: number) => void
}

function setUp(): Setup {
  const [authorities, peers]: [string[], SyncPeer[]] = [['a'], []]
  const header = { height: 0 }
  const consensus = { head: () => ({ authorities, header }) }
  const events = new TypedEventEmitter<Pick<ChainEvents, 'chain:block'>>()
  const [sync, chain] = [new FakeSync(), Object.assign(events, { consensus })]
  const readiness = new Readiness(sync, chain, { peers: () => peers })
  const importOf = (ageMs: number): void => {
    const detail = { header: { timeMs: Date.now() - ageMs } } as ChainEvents['chain:block']['detail']
    chain.safeDispatchEvent('chain:block', { detail })
  }
  return { sync, readiness, authorities, header, peers, importOf }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] })
  onTestFinished(() => void vi.useRealTimers())
})

it.each(['idle', 'history'] as const)('is ready while a sync is at %s', (phase) => {
  const { sync, readiness } = setUp()
  sync.phase = phase
  expect(readiness.isReady()).toBe(true)
})

it('is not ready while a sync brings blocks that were missing, however long it takes', () => {
  const { sync, readiness, importOf } = setUp()
  sync.phase = 'blocks'
  for (let block = 0; block < 10; block++) {
    expect(readiness.isReady()).toBe(false)
    vi.advanceTimersByTime(4_999)
    expect(readiness.isReady()).toBe(false)
    importOf(5_000)
  }
})

it('is not ready while a sync brings blocks that were missing, though nobody looked meanwhile', () => {
  const { sync, readiness, importOf } = setUp()
  sync.phase = 'blocks'
  expect(readiness.isReady()).toBe(false)
  for (let s = 0; s < 60; s++) {
    vi.advanceTimersByTime(1_000)
    importOf(5_000)
  }
  expect(readiness.isReady()).toBe(false)
  vi.advanceTimersByTime(4_999)
  expect(readiness.isReady()).toBe(false)
  vi.advanceTimersByTime(1)
  expect(readiness.isReady()).toBe(true)
})

it('is not ready while a sync brings pieces of a state, and is when what gets on is the history', () => {
  const { sync, readiness } = setUp()
  sync.phase = 'checkpoint'
  for (let piece = 0; piece < 10; piece++) {
    expect(readiness.isReady()).toBe(false)
    vi.advanceTimersByTime(4_999)
    sync.progress()
  }
  sync.phase = 'history'
  sync.progress()
  expect(readiness.isReady()).toBe(true)
})

it('is ready once a run has brought nothing for 5 s, whatever new blocks come meanwhile', () => {
  const { sync, readiness, importOf } = setUp()
  sync.phase = 'blocks'
  for (let s = 0; s < 5; s++) {
    expect(readiness.isReady()).toBe(false)
    importOf(4_999)
    sync.progress()
    vi.advanceTimersByTime(1_000)
  }
  expect(readiness.isReady()).toBe(true)
})

it('has no more patience with the next run for having ended this one, and 5 s again a minute later', () => {
  const { sync, readiness } = setUp()
  sync.phase = 'blocks'
  expect(readiness.isReady()).toBe(false)
  vi.advanceTimersByTime(5_000)
  sync.end()
  sync.phase = 'blocks'
  expect(readiness.isReady()).toBe(true)
  sync.end()
  vi.advanceTimersByTime(60_000)
  sync.phase = 'blocks'
  expect(readiness.isReady()).toBe(false)
  vi.advanceTimersByTime(4_999)
  expect(readiness.isReady()).toBe(false)
  vi.advanceTimersByTime(1)
  expect(readiness.isReady()).toBe(true)
})

it('does not count the time after a run', () => {
  const { sync, readiness } = setUp()
  sync.phase = 'blocks'
  expect(readiness.isReady()).toBe(false)
  vi.advanceTimersByTime(1_000)
  sync.end()
  vi.advanceTimersByTime(60_000)
  sync.phase = 'blocks'
  expect(readiness.isReady()).toBe(false)
})

const TIP = { height: 0, hash: '' }
const PEER: SyncPeer = { id: 'b', isReady: true, tip: TIP, finalised: TIP }

it('has not caught up, of several authorities, before a peer says where it stands, and has when that is gone', () => {
  const { readiness, authorities, peers } = setUp()
  authorities.push('b')
  readiness.start()
  vi.advanceTimersByTime(9_999)
  expect(readiness.isReady()).toBe(false)
  peers.push(PEER)
  expect(readiness.isReady()).toBe(true)
  peers.pop()
  expect(readiness.isReady()).toBe(true)
})

it('has not caught up, of several authorities, before it has what all peers have, and asks for that however little it is', () => {
  const { sync, readiness, authorities, header, peers } = setUp()
  authorities.push('b')
  readiness.start()
  peers.push(PEER, { ...PEER, id: 'c', tip: { height: 1, hash: 'c' } })
  expect(readiness.isReady()).toBe(false)
  expect(sync.sync).toHaveBeenCalledTimes(1)
  header.height = 1
  expect(readiness.isReady()).toBe(true)
  // That is asked once in its life: others are ahead for a moment with each block.
  header.height = 0
  expect(readiness.isReady()).toBe(true)
  expect(sync.sync).toHaveBeenCalledTimes(1)
})

it('waits no longer than 10 s for a height that there may not be', () => {
  const { readiness, authorities, peers } = setUp()
  authorities.push('b')
  readiness.start()
  peers.push({ ...PEER, tip: { height: 1_000_000, hash: 'ff' } })
  vi.advanceTimersByTime(9_999)
  expect(readiness.isReady()).toBe(false)
  vi.advanceTimersByTime(1)
  expect(readiness.isReady()).toBe(true)
})

it('waits 10 s from its start for that, and the only authority does not', () => {
  const { readiness, authorities } = setUp()
  expect(readiness.isReady()).toBe(true)
  authorities.push('b')
  vi.advanceTimersByTime(20_000)
  expect(readiness.isReady()).toBe(false)
  readiness.start()
  vi.advanceTimersByTime(9_999)
  expect(readiness.isReady()).toBe(false)
  vi.advanceTimersByTime(1)
  expect(readiness.isReady()).toBe(true)
})

it('is never kept from being ready for more than 5 s, 5 s of each minute, and one wait, by runs that bring nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 2_000 }), fc.boolean()), { maxLength: 400 }), (steps) => {
      const { sync, readiness, importOf } = setUp()
      let [silentMs, passedMs, isReady] = [0, 0, true]
      for (const [ms, ends] of steps) {
        vi.advanceTimersByTime(ms)
        passedMs += ms
        if (!isReady) silentMs += ms
        expect(silentMs).toBeLessThanOrEqual(5_000 + passedMs / 12 + 2_000)
        if (ends) sync.end()
        sync.phase = 'blocks'
        importOf(1_000)
        isReady = readiness.isReady()
      }
    }),
  )
})

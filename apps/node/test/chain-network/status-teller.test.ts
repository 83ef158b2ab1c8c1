import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { StatusTeller } from '../../src/chain-network/status-teller.ts'

const [alice, bob] = await Promise.all([1, 2].map(async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))))
if (alice === undefined || bob === undefined) throw new RangeError('two peers')

let peers: PeerId[]
let sent: string[]
let isDown: boolean
let teller: StatusTeller
const nameOf = (peer: PeerId): string => (peer.equals(alice) ? 'alice' : 'bob')

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] })
  peers = [alice, bob]
  sent = []
  isDown = false
  teller = new StatusTeller({
    peers: () => peers,
    send: async (peer) => {
      sent.push(nameOf(peer))
      return isDown ? Promise.reject(new RangeError('down')) : Promise.resolve()
    },
  })
})
afterEach(() => {
  teller.stop()
  vi.useRealTimers()
})

it('tells all peers of a change at once, of those within the next second together, and nobody twice', async () => {
  teller.changed()
  await vi.advanceTimersByTimeAsync(0)
  expect(sent).toEqual(['alice', 'bob'])
  teller.changed()
  teller.changed()
  await vi.advanceTimersByTimeAsync(999)
  expect(sent).toHaveLength(2)
  await vi.advanceTimersByTimeAsync(1)
  expect(sent).toEqual(['alice', 'bob', 'alice', 'bob'])
  expect(vi.getTimerCount()).toBe(0)
})

it('tells a new peer at once, and no other', async () => {
  teller.add(bob)
  await vi.advanceTimersByTimeAsync(0)
  expect(sent).toEqual(['bob'])
  expect(vi.getTimerCount()).toBe(0)
})

it('tries a peer that could not be told 5 times, a second apart, and again after the next change', async () => {
  isDown = true
  peers = [alice]
  teller.add(alice)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(sent).toHaveLength(5)
  expect(vi.getTimerCount()).toBe(0)
  isDown = false
  teller.changed()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(sent).toHaveLength(6)
})

it('does not try again to tell a peer that is gone', async () => {
  isDown = true
  teller.add(alice)
  peers = [bob]
  await vi.advanceTimersByTimeAsync(10_000)
  expect(sent).toEqual(['alice'])
  peers = [alice, bob]
  teller.changed()
  teller.forget(alice)
  await vi.advanceTimersByTimeAsync(0)
  expect(sent).toEqual(['alice', 'bob'])
})

it('tells nobody after it was stopped, aborts what is under way, and leaves no timer', async () => {
  const signals: AbortSignal[] = []
  const hanging = new StatusTeller({
    peers: () => peers,
    send: async (_, signal) => {
      signals.push(signal)
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  })
  hanging.add(alice)
  hanging.changed()
  hanging.stop()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  expect(vi.getTimerCount()).toBe(0)
})

it('leaves no timer when it is stopped before the next round', () => {
  teller.changed()
  expect(vi.getTimerCount()).toBe(1)
  teller.stop()
  expect(vi.getTimerCount()).toBe(0)
})

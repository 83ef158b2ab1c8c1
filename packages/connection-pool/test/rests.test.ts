import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MAX_RESTS, REST_MAX_MS } from '../src/constants.ts'
import { Rests } from '../src/rests.ts'
import { at, makePeerIds, makeRig } from './support.ts'

const [self, a] = await makePeerIds(2).then((ids) => [at(ids, 0), at(ids, 1)] as const)

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
})

afterEach(() => {
  vi.useRealTimers()
})

describe('Rests', () => {
  it('lets a peer be dialled no oftener than 8 s allow, however often it is tried', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 400 }), (gapsMs) => {
        const rests = new Rests()
        let nowMs = 0
        const dialledMs: number[] = []
        for (const gapMs of gapsMs) {
          nowMs += gapMs
          if (rests.leftMs('a', nowMs) > 0) continue
          rests.note('a', nowMs)
          dialledMs.push(nowMs)
        }
        dialledMs.slice(2).forEach((atMs, index) => {
          const leastMs = Math.min(1_000 * 2 ** index, REST_MAX_MS) / 2
          expect(atMs - at(dialledMs, index + 1)).toBeGreaterThanOrEqual(leastMs)
        })
      }),
    )
  })

  it('begins anew with a peer that something came of', () => {
    const rests = new Rests()
    for (let dial = 0; dial < 5; dial++) rests.note('a', 0)
    expect(rests.leftMs('a', 0)).toBeGreaterThanOrEqual(4_000)
    rests.forget('a')
    rests.note('a', 0)
    expect(rests.leftMs('a', 0)).toBe(0)
  })

  it('remembers only so many peers', () => {
    const rests = new Rests()
    for (let peer = 0; peer < MAX_RESTS + 10; peer++) rests.note(String(peer), 0)
    expect(rests.size).toBe(MAX_RESTS)
  })
})

describe('dials of libp2p itself', () => {
  it('rest for longer and longer where a peer takes them and does not become ready', async () => {
    const rig = makeRig(self)
    let dials = 0
    for (let second = 0; second < 600; second++) {
      const { socket, isRefused } = await rig.libp2p.connect(a, 'outbound')
      socket.end()
      if (!isRefused) dials++
      await vi.advanceTimersByTimeAsync(1_000)
    }
    // One is 1 s, 2 s, 4 s and from then on 8 s, or half of that, after the one before.
    expect(dials).toBeGreaterThan(75)
    expect(dials).toBeLessThan(160)
    expect(rig.refused[0]).toMatchObject({ peer: a, reason: { code: 'resting' } })
  })

  it('go on at once with a peer that was ready, or with any where nobody hears of that', async () => {
    for (const rig of [makeRig(self), makeRig(self, {}, ['peerManager']), makeRig(self, {}, ['handshake'])]) {
      for (let time = 0; time < 10; time++) {
        const { socket, isRefused } = await rig.libp2p.connect(a, 'outbound')
        expect(isRefused).toBe(false)
        rig.manager.ready(a)
        socket.end()
      }
    }
  })

  it('wait for none of the pool, which themselves never rest', async () => {
    const rig = makeRig(self)
    const dial = async (): Promise<void> => {
      await rig.pool.acquire(a)
      for (const socket of rig.libp2p.of(a)) socket.end()
    }
    for (let time = 0; time < 10; time++) await dial()
    for (let time = 0; time < 2; time++) (await rig.libp2p.connect(a, 'outbound')).socket.end()
    expect(rig.refused).toEqual([])
    expect((await rig.libp2p.connect(a, 'outbound')).isRefused).toBe(true)
    await dial()
  })
})

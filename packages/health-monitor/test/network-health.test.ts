import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { networkHealth, type NetworkView, partitionRisk, type PartitionSigns } from '../src/index.ts'
import { type ViewContext, type ViewedPeer, viewPeers } from '../src/network-view.ts'
import { makeHello } from './support.ts'

const EMPTY: NetworkView = {
  connectedPeers: 0,
  authorities: { ready: 0, known: 0 },
  regions: new Map(),
  expected: { peers: 0, unreachable: 0 },
  tips: { compared: 0, dissenting: 0 },
  latenciesMs: [],
  successRate: undefined,
  viewOverlap: undefined,
  churnPerMinute: 0,
}

describe('partitionRisk', () => {
  const anything = fc.option(fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.double()), { nil: undefined })
  const signs: fc.Arbitrary<PartitionSigns> = fc.record({
    unreachableShare: anything,
    tipDisagreement: anything,
    viewOverlap: anything,
  })
  const share = fc.double({ min: 0, max: 1, noNaN: true })

  it('is from 0 to 1 whatever it is told', () => {
    fc.assert(
      fc.property(signs, (given) => {
        expect(partitionRisk(given)).toBeGreaterThanOrEqual(0)
        expect(partitionRisk(given)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('never falls as more peers become unreachable, more tips disagree, or views overlap less', () => {
    fc.assert(
      fc.property(signs, share, share, (given, a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)]
        const unreachable = [less, more].map((unreachableShare) => partitionRisk({ ...given, unreachableShare }))
        const tips = [less, more].map((tipDisagreement) => partitionRisk({ ...given, tipDisagreement }))
        const overlap = [more, less].map((viewOverlap) => partitionRisk({ ...given, viewOverlap }))
        for (const [before = 0, after = 0] of [unreachable, tips, overlap]) {
          expect(after).toBeGreaterThanOrEqual(before - Number.EPSILON)
        }
      }),
    )
  })

  it('is 0 without a sign and 1 where nobody can be reached', () => {
    expect(partitionRisk({})).toBe(0)
    expect(partitionRisk({ unreachableShare: 0, tipDisagreement: 0, viewOverlap: 1 })).toBe(0)
    expect(partitionRisk({ unreachableShare: 1 })).toBe(1)
  })

  it('does not take tips or views alone for a proof', () => {
    expect(partitionRisk({ tipDisagreement: 1 })).toBeCloseTo(0.8)
    expect(partitionRisk({ viewOverlap: 0 })).toBeCloseTo(0.5)
  })
})

describe('networkHealth', () => {
  it('says in words that nothing is known', () => {
    const health = networkHealth(EMPTY)
    expect(health).toMatchObject({ connectedPeers: 0, regionConnectivity: {}, partitionRisk: 0 })
    expect([health.authorityConnectivity, health.averageLatencyMs, health.messageSuccessRate]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(health.reasons).toEqual([
      '0 peers are connected',
      'no authority is known',
      'no latency is measured',
      'the success of messages is not measured',
      '0.0 peers a minute came or went',
      'the risk of a partition is 0%: no peer is expected, no tips can be compared, the overlap of views is not measured',
    ])
  })

  it('gives each figure, and each in words', () => {
    const health = networkHealth({
      connectedPeers: 1,
      authorities: { ready: 3, known: 4 },
      regions: new Map([
        ['south', { ready: 1, known: 4 }],
        ['north', { ready: 2, known: 2 }],
      ]),
      expected: { peers: 4, unreachable: 1 },
      tips: { compared: 5, dissenting: 1 },
      latenciesMs: [10, 30],
      successRate: 0.98,
      viewOverlap: 0.6,
      churnPerMinute: 1.25,
    })
    expect(health).toMatchObject({
      connectedPeers: 1,
      authorityConnectivity: 0.75,
      regionConnectivity: { north: 1, south: 0.25 },
      averageLatencyMs: 20,
      messageSuccessRate: 0.98,
      churnPerMinute: 1.25,
    })
    expect(health.partitionRisk).toBeCloseTo(1 - 0.75 * (1 - 0.8 * 0.2) * (1 - 0.5 * 0.4), 9)
    expect(health.reasons).toEqual([
      '1 peer is connected',
      '3 of 4 known authorities ready',
      'in region "north" 2 of 2 known peers ready',
      'in region "south" 1 of 4 known peers ready',
      'the average latency is 20.0 ms over 2 peers',
      '98% of messages succeeded',
      '1.3 peers a minute came or went',
      'the risk of a partition is 50%: 1 of 4 expected peers cannot be reached, 1 of 5 comparable tips disagree, the views of our peers overlap with ours by 60%',
    ])
  })
})

function peer(key: string, isReady: boolean, hello?: Parameters<typeof makeHello>[0]): ViewedPeer {
  return { key, isReady, ...(hello === undefined ? {} : { hello: makeHello(hello) }) }
}

describe('viewPeers', () => {
  const context: ViewContext = {
    authorities: [],
    authorityRoles: ['authority'],
    lost: [],
    isHealthy: () => true,
    maxRegions: 8,
  }

  it('counts authorities by role and by name, each once', () => {
    const peers = [peer('a', true, { role: 'authority' }), peer('b', false, { role: 'authority' }), peer('c', true)]
    expect(viewPeers(peers, { ...context, authorities: ['a', 'c', 'd'] }).authorities).toEqual({ ready: 2, known: 4 })
  })

  it('counts the known and the ready peers of each region, and nobody without one', () => {
    const peers = [
      peer('a', true, { region: 'north' }),
      peer('b', false, { region: 'north' }),
      peer('c', false, { region: 'south' }),
      peer('d', true, { region: '' }),
      peer('e', true),
    ]
    expect([...viewPeers(peers, context).regions]).toEqual([
      ['north', { ready: 1, known: 2 }],
      ['south', { ready: 0, known: 1 }],
    ])
  })

  it('expects ready peers, lost ones and authorities, but not those it has only heard of', () => {
    const peers = [peer('ready', true), peer('heard', false), peer('authority', false, { role: 'authority' })]
    expect(viewPeers(peers, { ...context, lost: ['lost'] }).expected).toEqual({ peers: 3, unreachable: 2 })
  })

  it('finds a ready peer that answers no ping unreachable', () => {
    const peers = [peer('a', true), peer('b', true)]
    expect(viewPeers(peers, { ...context, isHealthy: (key) => key === 'a' }).expected.unreachable).toBe(1)
  })

  it('compares tips of the same height only, and of ready peers only', () => {
    const peers = [
      peer('a', true, { height: 7, tipHash: 'x' }),
      peer('b', true, { height: 7, tipHash: 'x' }),
      peer('c', true, { height: 7, tipHash: 'y' }),
      peer('d', true, { height: 8, tipHash: 'z' }),
      peer('e', false, { height: 7, tipHash: 'w' }),
    ]
    expect(viewPeers(peers, context).tips).toEqual({ compared: 3, dissenting: 1 })
  })
})

import { expect, it } from 'vitest'
import type { BroadcastInit } from '../src/index.ts'
import { resolveOptions } from '../src/options.ts'
import { strategiesOf } from '../src/plan.ts'
import { abortReasonOf, reasonOf } from '../src/refusal.ts'

it('applies the documented defaults', () => {
  expect(resolveOptions({ chainId: 'x' })).toMatchObject({
    hopLimit: 7,
    maxIds: 10_000,
    idLifetimeMs: 300_000,
    maxConcurrentSends: 512,
    meshWaitMs: 2_000,
    gossipFactor: 0.5,
    maxDeliveries: 1_024,
    deliveryLifetimeMs: 60_000,
    acks: true,
    ackDelayMs: 20,
    pullAboveBytes: 262_144,
    maxPushedBytes: 262_144,
    maxPulls: 64,
    maxPullBytes: 134_217_728,
    pullDeadlineMs: 120_000,
    maxRetainedBytes: 134_217_728,
    strategies: { critical: ['flood', 'gossip'], high: ['gossip'], normal: ['gossip'], bulk: ['gossip'] },
  })
})

it('refuses numbers that make no sense, and names them', () => {
  const wrong: Partial<BroadcastInit>[] = [
    { hopLimit: 0 },
    { hopLimit: 1.5 },
    { maxIds: Number.NaN },
    { sendDeadlineMs: 0 },
    { meshWaitMs: -1 },
    { gossipFactor: 1.1 },
    { maxAcksPerBatch: 257 },
    { ackDelayMs: 1_001 },
    { ihaveDelayMs: 1_001 },
    { maxMessageBytes: 104_857_601 },
    { pullAboveBytes: 131_071 },
    { maxPullBytes: 2_097_151 },
    { maxRetainedBytes: 2_097_151 },
    { maxPulls: 0 },
    { maxChunksInFlight: 1.5 },
    { chunkLateMs: 0 },
    { sourceWaitMs: -1 },
    // A timer that is set to more than it can hold fires at once: every handler would be late.
    { handlerDeadlineMs: Infinity },
    { deliveryLifetimeMs: 2_147_483_648 },
    { sendDeadlineMs: Infinity },
    { meshWaitMs: Infinity },
  ]
  for (const init of wrong) {
    expect(() => resolveOptions({ chainId: 'x', ...init })).toThrow(
      new RegExp(`^${Object.keys(init).join()} \\S+ must be`),
    )
  }
  expect(resolveOptions({ chainId: 'x', meshWaitMs: 0, ackDelayMs: 0, usefulWeight: 0 }).meshWaitMs).toBe(0)
  expect(resolveOptions({ chainId: 'x', idLifetimeMs: Infinity }).idLifetimeMs).toBe(Infinity)
})

it('carries 100 MiB without another option, and pushes no more than pullAboveBytes of it', () => {
  const options = resolveOptions({ chainId: 'x', maxMessageBytes: 104_857_600 })
  expect(options.maxPushedBytes).toBe(262_144)
  expect(resolveOptions({ chainId: 'x', maxMessageBytes: 1_000 }).maxPushedBytes).toBe(1_000)
})

it('spreads a message as the caller says, else as its lane does', () => {
  const { strategies } = resolveOptions({ chainId: 'x', strategies: { bulk: 'flood' } })
  expect(strategiesOf({}, strategies)).toEqual(['gossip'])
  expect(strategiesOf({ lane: 'critical' }, strategies)).toEqual(['flood', 'gossip'])
  expect(strategiesOf({ lane: 'critical', strategy: 'gossip' }, strategies)).toEqual(['gossip'])
  expect(strategiesOf({ lane: 'bulk' }, strategies)).toEqual(['flood'])
  expect(strategiesOf({ lane: 'critical', to: [] }, strategies)).toEqual(['directed'])
})

it('refuses a strategy or a lane that there is not, by which a message would go to nobody', () => {
  const misspelt = JSON.parse('"flod"')
  const expected = 'must be one of gossip, flood, tree, directed'
  expect(() => resolveOptions({ chainId: 'x', strategies: { bulk: misspelt } })).toThrow(`bulk flod ${expected}`)
  const { strategies } = resolveOptions({ chainId: 'x' })
  expect(() => strategiesOf({ strategy: misspelt }, strategies)).toThrow(`strategy flod ${expected}`)
  expect(() => strategiesOf({ lane: misspelt }, strategies)).toThrow('lane flod must be one of critical, high')
})

it('names a failed send shortly, whatever failed', () => {
  const coded = Object.assign(new TypeError('text'), { code: 'x'.repeat(1_000) })
  expect(reasonOf(coded)).toBe('x'.repeat(64))
  expect(reasonOf(Object.assign(new TypeError('text'), { code: 7 }))).toBe('TypeError')
  expect(reasonOf(new DOMException('', 'TimeoutError'))).toBe('timeout')
  expect(reasonOf('text')).toBe('failed')
  expect(abortReasonOf(AbortSignal.abort(new TypeError('changed my mind')))).toBe('aborted')
})
